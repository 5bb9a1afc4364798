"""The folder of a run.

    RUN/
        args.json                   its options
        episodes.csv                a line for each episode
        tf/                         TensorBoard's events
        checkpoints/STEP/           see checkpoint.py
        checkpoints_saved/STEP/     copies that training itself would drop, each the folder of a run
        .lock                       held by the process that trains here, with its number; left when it ends

A checkpoint notes how long the logs, `episodes.csv` and the events, were; a resume cuts them back to that: curves have
no gap and no overlap.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emulators import short_name
from paac.cli.args_json import load_options, read_options, resume_options, save_options
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve
from paac.training.checkpoint import CheckpointFolder
from paac.training.episodes import Episodes, read_episodes


class RunFolder:
    """Where each file of a run is. The folder itself may not be there yet."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.args = self.path / "args.json"
        self.episodes_csv = self.path / "episodes.csv"
        self.events = self.path / "tf"
        self.checkpoints = CheckpointFolder(self.path / "checkpoints")
        self.kept_checkpoints = CheckpointFolder(self.path / "checkpoints_saved")

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        """Whether a run has begun here."""
        return self.args.is_file()

    def load_options(self) -> Options:
        """Its options. Raises UserError."""
        return load_options(self.args)

    def save_options(self, options: Options) -> None:
        """Make the folder if need be and write args.json. Raises UserError if that cannot be."""
        with _writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            save_options(options, self.args)

    def read_episodes(self) -> Episodes:
        """The episodes that have ended. Raises UserError if the file is not as a training writes it."""
        return read_episodes(self.episodes_csv)

    def event_files(self) -> list[Path]:
        """TensorBoard's files, in the order of their names."""
        return sorted(self.events.glob("*.tfevents.*"))

    def log_lengths(self) -> dict[str, int]:
        """Length in bytes of each log, by its path inside the folder."""
        return {str(file.relative_to(self.path)): file.stat().st_size for file in self._logs()}

    def cut_logs(self, lengths: Mapping[str, int]) -> None:
        """Cut the logs back to `lengths`; a log that is not named goes."""
        for file in self._logs():
            length = lengths.get(str(file.relative_to(self.path)))
            if length is None:
                file.unlink()
            else:
                os.truncate(file, min(length, file.stat().st_size))

    def _logs(self) -> list[Path]:
        return [file for file in (*self.event_files(), self.episodes_csv) if file.is_file()]

    def copy_agent(self, step: int, to: Path, emulators: bool = True) -> None:
        """Copy the options and the checkpoint of `step` into a new folder, which is a run then. Raises OSError."""
        copied = RunFolder(to)
        self.checkpoints.copy(step, copied.checkpoints, emulators)
        shutil.copy(self.args, copied.args)

    def kept_runs(self) -> list["RunFolder"]:
        """The copies in `checkpoints_saved`, by step."""
        kept = self.kept_checkpoints
        return [RunFolder(kept.folder / str(step)) for step in kept.steps()]

    @contextmanager
    def only_trainer(self, typed_as: str = "-df") -> Iterator[None]:
        """Hold the folder, made if need be: two trainings in one would cut each other's curves.

        Raises UserError if another process holds it. The system lets go of it however this process ends.
        """
        with _writing(self.path, typed_as):
            self.path.mkdir(parents=True, exist_ok=True)
            held = (self.path / ".lock").open("a+", encoding="utf-8")
        with held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.seek(0)
                raise UserError(
                    f"{typed_as} {self.path}: process {held.read()} is training there; stop it first, or name another "
                    "folder"
                ) from None
            except OSError:
                pass  # a file system without locks
            held.truncate(0)
            held.write(str(os.getpid()))
            held.flush()
            yield


@contextmanager
def _writing(folder: Path, typed_as: str = "-df") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{typed_as} {folder}: cannot be written ({error.strerror}); name another folder") from None


def open_run(typed: Mapping[str, Any]) -> tuple[Options, list[str]]:
    """The options of a new run, or those of the run in its folder changed by the `typed` ones; and notes for the user.

    Nothing is written. Raises UserError.
    """
    if "game" in typed:
        typed = {**typed, "game": short_name(typed["game"])}
    check_rom_path(typed.get("rom_path"), instead="play the library's own ROMs")
    run = RunFolder(typed.get("debugging_folder", Options.debugging_folder))
    if run.path.exists() and not run.path.is_dir():
        raise UserError(f"-df {run}: that is a file; name a folder")
    if run.exists():
        saved = read_options(run.args)
        resolve(saved, f"{run.args}: ")  # what is wrong in the file is not the fault of what was typed
        return resume_options(saved, typed, started=bool(run.checkpoints.steps()))
    return resolve(typed), []


def check_rom_path(rom_path: str | None, instead: str) -> None:
    """Raise UserError if the folder was typed and is not there; `instead` is what happens without the option."""
    if rom_path is not None and not os.path.isdir(rom_path):
        raise UserError(f"--rom_path {rom_path}: no such folder; leave it out to {instead}")


def find_run(folder: str) -> tuple[RunFolder, Options, str]:
    """The run in `folder`, or the only one below it, with its options and a line to tell the user ("" for none).

    Raises UserError if there is none, or more than one.
    """
    run = RunFolder(folder)
    if run.exists():
        return run, run.load_options(), ""
    runs = find_runs(folder)
    if len(runs) > 1:
        raise UserError(f"-f {folder}: several runs there; name one of {', '.join(map(str, runs))}")
    return runs[0], runs[0].load_options(), f"Taking the only run in {folder}: {runs[0]}"


def find_runs(folder: str, typed_as: str = "-f") -> list[RunFolder]:
    """All runs at or below `folder`, by name. Raises UserError, which names `typed_as`, if there is none."""
    if not Path(folder).is_dir():
        raise UserError(f"{typed_as} {folder}: no such folder; name the folder of a run")
    runs = []
    for path, folders, _ in os.walk(folder):
        if RunFolder(path).exists():
            runs.append(Path(path))
            folders.clear()  # what lies inside a run belongs to it
    if not runs:
        raise UserError(f"{typed_as} {folder}: no run there; train one with train.py -df {folder}, or name another")
    return [RunFolder(path) for path in sorted(runs)]
