"""The folder of a run.

    RUN/
        args.json                   its options
        args.original.json          args.json as the original Manette wrote it, if it started the run
        episodes.csv                a line for each episode
        tf/                         TensorBoard's event files
        checkpoints/STEP/           checkpoints; checkpoint.py lists their files
        checkpoints_saved/STEP/     copies of checkpoints, kept when those are deleted; each is itself a run's folder
        .lock                       holds the id of the process that trains here and has locked it; never deleted

A checkpoint saves the lengths of the logs, `episodes.csv` and the event files. A resume truncates the logs to these
lengths, so that curves have no gap and no overlap.
"""

import fcntl
import filecmp
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emulators import short_name
from paac.cli.args_json import load_options, read_options, replace_file, resume_options, save_options
from paac.cli.errors import UserError
from paac.cli.folders import walk
from paac.cli.options import Options, resolve
from paac.training.checkpoint import Checkpoint, CheckpointFolder
from paac.training.episodes import EpisodeTable, read_episodes
from paac.training.original import OriginalCheckpoint


class RunFolder:
    """The folder of a run, which need not exist yet, and its files."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.args = self.path / "args.json"
        self.original_args = self.path / "args.original.json"
        self.episodes_csv = self.path / "episodes.csv"
        self.events = self.path / "tf"
        self.checkpoints = CheckpointFolder(self.path / "checkpoints")
        self.kept_checkpoints = CheckpointFolder(self.path / "checkpoints_saved")

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        """Return whether a run has started here."""
        return self.args.is_file()

    def load_options(self) -> Options:
        """Return the run's options. Raises UserError if args.json cannot be read or is invalid."""
        return load_options(self.args, self.ignored_options())

    def ignored_options(self) -> tuple[str, ...]:
        """Return the options in args.json that describe the machine of the original Manette, if that wrote the file."""
        return ("device", "emulator_workers") if self._is_original() else ()

    def save_options(self, options: Options) -> None:
        """Write args.json, and create the folder if necessary. Raises UserError if it cannot be written.

        An args.json of the original Manette is kept as args.original.json.
        """
        with _report_write_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            if self._is_original() and self.exists():
                replace_file(self.original_args, self.args.read_bytes())
            save_options(options, self.args)

    @contextmanager
    def options_saved(self, options: Options) -> Iterator[None]:
        """Write args.json as `save_options` does; if an error ends the context, put back the one before it."""
        before = self.args.read_bytes() if self.exists() else None
        was_original = self._is_original()
        try:
            self.save_options(options)
            yield
        except BaseException:
            if before is None:
                self.args.unlink(missing_ok=True)
            else:
                replace_file(self.args, before)
            if was_original:
                self.original_args.unlink(missing_ok=True)
            raise

    def _is_original(self) -> bool:
        """Return whether args.json is still that of the original Manette."""
        if not self._original_checkpoints():
            return False
        unchanged = self.exists() and self.original_args.exists() and filecmp.cmp(self.args, self.original_args, False)
        return unchanged or not self.original_args.exists()

    def _original_checkpoints(self) -> list[OriginalCheckpoint]:
        return OriginalCheckpoint.all_in(self.checkpoints.folder)

    def has_checkpoint(self) -> bool:
        """Return whether there is a checkpoint, intact or not, ours or one of the original Manette."""
        return bool(self.checkpoints.steps() or self._original_checkpoints())

    def newest_checkpoint(self) -> tuple[Checkpoint | OriginalCheckpoint | None, list[str]]:
        """Return the newest intact checkpoint, or None, and a message for each newer, damaged one.

        A checkpoint of the original Manette is taken if there is no other one.
        """
        if not self.checkpoints.steps() and (originals := self._original_checkpoints()):
            return originals[-1], []
        return self.checkpoints.newest()

    def read_episodes(self) -> EpisodeTable:
        """Return the run's finished episodes. Raises UserError if episodes.csv is invalid."""
        return read_episodes(self.episodes_csv)

    def event_files(self) -> list[Path]:
        """Return TensorBoard's event files, sorted by name."""
        return sorted(self.events.glob("*.tfevents.*"))

    def log_lengths(self) -> dict[str, int]:
        """Return the length in bytes of each log by its path in the folder."""
        return {str(file.relative_to(self.path)): file.stat().st_size for file in self._logs()}

    def check_logs_have_a_checkpoint(self) -> None:
        """Raise UserError if there are logs, but no checkpoint to resume from: a new start would delete them."""
        logs = {file if file == self.episodes_csv else self.events for file in self._logs()}
        if logs and not self.has_checkpoint():
            names = " and ".join(path.name for path in sorted(logs))
            moved = " ".join(shlex.quote(str(path)) for path in sorted(logs))
            old = shlex.quote(f"{self}.old")
            raise UserError(
                f"-df {self}: has {names} but no checkpoint, and a new start would delete them; restore "
                f"{self.checkpoints.folder}, or move them away: mkdir {old}; mv {moved} {old}"
            )

    def truncate_logs(self, lengths: Mapping[str, int]) -> None:
        """Truncate the logs to `lengths`; delete a log that is not among them."""
        for file in self._logs():
            length = lengths.get(str(file.relative_to(self.path)))
            if length is None:
                file.unlink()
            else:
                os.truncate(file, min(length, file.stat().st_size))

    def _logs(self) -> list[Path]:
        return [file for file in (*self.event_files(), self.episodes_csv) if file.is_file()]

    def copy_agent(self, step: int, to: Path) -> None:
        """Copy the options and the checkpoint of `step` into a new folder, which becomes a run. Raises OSError."""
        copied = RunFolder(to)
        self.checkpoints.copy(step, copied.checkpoints)
        shutil.copy(self.args, copied.args)

    def kept_runs(self) -> list["RunFolder"]:
        """Return the copies in `checkpoints_saved`, sorted by step."""
        kept = self.kept_checkpoints
        return [RunFolder(kept.folder / str(step)) for step in kept.steps()]

    @contextmanager
    def lock(self, typed_as: str = "-df") -> Iterator[None]:
        """Lock the folder, created if necessary, so that no other process trains in it.

        Raises UserError, which begins with the flag `typed_as`, if another process holds the lock. The system releases
        the lock however this process ends.
        """
        with _report_write_errors(self.path, typed_as):
            self.path.mkdir(parents=True, exist_ok=True)
            lock_file = (self.path / ".lock").open("a+", encoding="utf-8")
        with lock_file:
            try:
                fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock_file.seek(0)
                raise UserError(
                    f"{typed_as} {self.path}: process {lock_file.read()} is training there; stop it first, or name "
                    "another folder"
                ) from None
            except OSError:
                pass  # a file system without locks
            with _report_write_errors(self.path, typed_as):
                lock_file.truncate(0)
                os.write(lock_file.fileno(), str(os.getpid()).encode())  # without a buffer
            yield


@contextmanager
def _report_write_errors(folder: Path, typed_as: str = "-df") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{typed_as} {folder}: cannot be written ({error.strerror}); name another folder") from None


def resolve_run_options(typed: Mapping[str, Any]) -> tuple[Options, list[str]]:
    """Return the options to train with, and messages for the user.

    They are the `typed` options with defaults for the others or, if the folder has a run, the saved options changed by
    the typed ones. Nothing is written. Raises UserError.
    """
    if "game" in typed:
        typed = {**typed, "game": short_name(typed["game"])}
    check_rom_path(typed.get("rom_path"), instead="play ale-py's own ROMs")
    run = RunFolder(typed.get("debugging_folder", Options.debugging_folder))
    if run.path.exists() and not run.path.is_dir():
        raise UserError(f"-df {run}: that is a file; name a folder")
    run.check_logs_have_a_checkpoint()
    if run.exists():
        saved, started = read_options(run.args, run.ignored_options()), run.has_checkpoint()
        resolve(saved, f"{run.args}: ", started=started)  # reports errors in the file as such, not as typed options
        return resume_options(saved, typed, started)
    return resolve(typed), []


def check_rom_path(rom_path: str | None, instead: str) -> None:
    """Raise UserError if `rom_path` is not a folder; `instead` says what happens without the option."""
    if rom_path is not None and not os.path.isdir(rom_path):
        raise UserError(f"--rom_path {rom_path}: no such folder; leave it out to {instead}")


def find_run(folder: str) -> tuple[RunFolder, Options, str]:
    """Return the run in `folder` or the only run below it, its options, and a message for the user ("" for none).

    Raises UserError if there is no run or more than one.
    """
    run = RunFolder(folder)
    if run.exists():
        return run, run.load_options(), ""
    runs = find_runs(folder)
    if len(runs) > 1:
        raise UserError(f"-f {folder}: several runs there; name one of {', '.join(map(str, runs))}")
    return runs[0], runs[0].load_options(), f"Using the only run in {folder}: {runs[0]}"


def find_runs(folder: str, typed_as: str = "-f") -> list[RunFolder]:
    """Return all runs in or below `folder`, by path. Raises UserError, which names `typed_as`, if none exists.

    Links to folders are followed. A run to which several paths lead is listed once.
    """
    if not Path(folder).is_dir():
        raise UserError(f"{typed_as} {folder}: no such folder; name the folder of a run")
    runs = []
    for path, folders, _ in walk(folder):
        if RunFolder(path).exists():
            runs.append(Path(path))
            folders.clear()  # copies inside a run are not listed
    if not runs:
        raise UserError(f"{typed_as} {folder}: no run there; start one with train.py -df {folder}, or name another")
    return [RunFolder(path) for path in sorted(runs)]
