"""The folder of a run.

    RUN/
        args.json                   its options
        args.original.json          args.json as the original Manette wrote it, if it started the run
        episodes.csv                a line for each episode
        evaluations.csv             a line for each evaluation of --eval_interval
        best/                       the best agent of these evaluations, itself a run's folder
        sessions.jsonl              a line for each session: versions, machine, date, command
        tf/                         TensorBoard's event files
        checkpoints/STEP/           checkpoints; checkpoint.py lists their files
        checkpoints_saved/STEP/     copies of checkpoints, kept when those are deleted; each is itself a run's folder
        .lock                       holds the id of the process that trains here and has locked it; never deleted
        RESULT.json                 scores of a published agent, on which nothing trains

A checkpoint saves the lengths of the logs: the two CSV files and the event files. A resume truncates the logs to these
lengths, so that curves have no gap and no overlap. Only the folder of a run may be a link, not what is in it.
"""

import filecmp
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from paac.cli import safe_files
from paac.cli.args_json import load_options, read_options, save_options
from paac.cli.errors import UserError
from paac.cli.folders import free_name
from paac.cli.options import Options
from paac.training.checkpoint import Checkpoint
from paac.training.checkpoint_folder import CheckpointFolder
from paac.training.episodes import EpisodeTable, read_episodes
from paac.training.folder_lock import locked, report_write_errors
from paac.training.original import OriginalCheckpoint

RESULT = "RESULT.json"
BEST, KEPT = "best", "checkpoints_saved"  # the folders with copies of the run's own agents


class RunFolder:
    """The folder of a run, which need not exist yet, and its files."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.args = self.path / "args.json"
        self.original_args = self.path / "args.original.json"
        self.episodes_csv = self.path / "episodes.csv"
        self.evaluations_csv = self.path / "evaluations.csv"
        self.sessions = self.path / "sessions.jsonl"
        self.best = self.path / BEST
        self.events = self.path / "tf"
        self.checkpoints = CheckpointFolder(self.path / "checkpoints")
        self.kept_checkpoints = CheckpointFolder(self.path / KEPT)
        self.result = self.path / RESULT
        self._lock_file = self.path / ".lock"
        self._watched: dict[Path, os.stat_result] = {}  # files that no other program may change, when last checked

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        """Return whether a run has started here."""
        return os.path.isfile(self.args)  # unlike Path.is_file, false in a folder that may not be read

    def is_published(self) -> bool:
        """Return whether publish.py has written this folder. The RESULT.json of another program has no args.json."""
        return self.result.is_file() and self.exists()

    def load_options(self) -> Options:
        """Return the run's options. Raises UserError if args.json cannot be read or is invalid."""
        return load_options(self.args, self._ignored_options())

    def read_options(self) -> dict[str, Any]:
        """Return the options in args.json as `read_options` of args_json.py does. Raises UserError."""
        return read_options(self.args, self._ignored_options())

    def _ignored_options(self) -> tuple[str, ...]:
        """Return the options in args.json that describe the machine of the original Manette, if that wrote the file."""
        return ("device", "emulator_workers") if self._is_original() else ()

    def save_options(self, options: Options) -> None:
        """Write args.json, and create the folder if necessary. Raises UserError if it cannot be written.

        An args.json of the original Manette is kept as args.original.json.
        """
        with report_write_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            if self._is_original() and self.exists():
                safe_files.replace_file(self.original_args, self.args.read_bytes())
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
            with suppress(OSError):  # report the first error, also if restoring fails
                if before is None:
                    self.args.unlink(missing_ok=True)
                else:
                    safe_files.replace_file(self.args, before)
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

    def checkpoint_time(self) -> float | None:
        """Return when the newest checkpoint was written, in seconds since the epoch; None without a checkpoint."""
        steps, originals = self.checkpoints.steps(), self._original_checkpoints()
        for step in reversed(steps):
            with suppress(FileNotFoundError):  # the training has just replaced it
                return (self.checkpoints.folder / str(step)).stat().st_mtime
        return max(file.stat().st_mtime for file in originals[-1].files()) if originals else None

    def read_episodes(self) -> EpisodeTable:
        """Return the run's finished episodes. Raises UserError if episodes.csv is invalid."""
        return read_episodes(self.episodes_csv)

    def event_files(self) -> list[Path]:
        """Return TensorBoard's event files, sorted by name."""
        return sorted(file for file in self.events.glob("*.tfevents.*") if file.is_file())

    def sync_logs(self) -> None:
        """Flush the logs to disk. Raises OSError."""
        for file in self._logs():
            safe_files.sync(file)

    def log_lengths(self) -> dict[str, int]:
        """Return the length in bytes of each log by its path in the folder."""
        return {str(file.relative_to(self.path)): file.stat().st_size for file in self._logs()}

    def check_trainable(self) -> None:
        """Raise UserError if this is a published agent, whose scores would be wrong, or in a folder of another run."""
        copy = free_name("logs/more")
        copied = f"cp -r {shlex.quote(str(self))} {copy}"
        # A link, such as logs/mine to logs/pong/best, leads to the same files.
        typed, real = Path(os.path.abspath(self.path)), Path(os.path.realpath(self.path))
        for folder in (typed, *typed.parents, real, *real.parents):
            above = RunFolder(folder.parent)
            copies = (above.best, above.checkpoints.folder, above.kept_checkpoints.folder)
            if above.exists() and folder in (*copies, above.events):
                advice = f"train a copy: {copied}" if self.exists() else "name another folder"
                raise UserError(f"-df {self}: belongs to the run above it; {advice}")
        if self.result.is_file():
            raise UserError(
                f"-df {self}: has a {RESULT}, so it is a published agent, and a training would change it; "
                f"train a copy: {copied} && rm {copy}/{RESULT}, then python3 train.py -df {copy}"
            )

    def check_logs_have_a_checkpoint(self) -> None:
        """Raise UserError if there are logs, but no checkpoint to resume from: a new start would delete them."""
        logs = {self.events if file.parent == self.events else file for file in self._logs()}
        logs |= {self.best} if RunFolder(self.best).has_checkpoint() else set()
        if logs and not self.has_checkpoint():
            names = " and ".join(path.name for path in sorted(logs))
            moved = " ".join(shlex.quote(str(path)) for path in sorted(logs))
            old = shlex.quote(f"{self}.old")
            raise UserError(
                f"-df {self}: has {names} but no checkpoint, and a new start would delete them; restore "
                f"{self.checkpoints.folder}, or move them away: mkdir {old}; mv {moved} {old}"
            )

    def truncate_logs(self, lengths: Mapping[str, int]) -> list[str]:
        """Truncate the logs to `lengths`, those at the checkpoint; delete a log that is not among them.

        Return a line for each log that is shorter or missing, and one if others were longer.
        """
        sizes = self.log_lengths()
        lines = [
            f"{self.path / name}: the last {length - sizes.get(name, 0):,} of {length:,} bytes at the checkpoint are "
            "missing"
            for name, length in lengths.items()
            if sizes.get(name, 0) < length
        ]
        longer = [name for name, size in sizes.items() if size > lengths.get(name, 0)]
        for name in longer:
            if name not in lengths:
                (self.path / name).unlink()
                continue
            with safe_files.open_in_place(self.path / name) as log:
                log.truncate(lengths[name])
        if longer:
            lines.append("Deleted the curves and episodes of later decisions: the training goes on from here")
        return lines

    def _logs(self) -> list[Path]:
        files = (*self.event_files(), self.episodes_csv, self.evaluations_csv)
        return [file for file in files if file.is_file()]

    def copy_agent(self, checkpoint: Checkpoint, to: Path) -> None:
        """Copy the options, a checkpoint and the episodes up to it into a new folder, which becomes a run.

        Raises OSError or UserError.
        """
        copied = RunFolder(to)
        copied.checkpoints.add_copy(checkpoint)
        safe_files.copy_file(self.args, copied.args)
        logs = checkpoint.state.get("logs") if isinstance(checkpoint.state, dict) else None
        length = logs.get(self.episodes_csv.name) if isinstance(logs, dict) else None
        if type(length) is int and length >= 0 and self.episodes_csv.exists():
            safe_files.replace_file(copied.episodes_csv, safe_files.read_unlinked_file(self.episodes_csv)[:length])
        if self.sessions.exists():
            safe_files.copy_file(self.sessions, copied.sessions)

    def refuse_links(self) -> None:
        """Raise UserError if a log or folder that a training or script writes here is a link."""
        safe_files.refuse_links(self.events, self.best, self.checkpoints.folder, self.kept_checkpoints.folder)
        safe_files.refuse_links(*self.events.glob("*.tfevents.*"))
        safe_files.refuse_shared_files(*self.event_files(), self.episodes_csv, self.evaluations_csv, self.sessions)
        if self.best.is_dir():
            RunFolder(self.best).refuse_links()

    def kept_runs(self) -> list["RunFolder"]:
        """Return the copies in `checkpoints_saved`, sorted by step."""
        kept = self.kept_checkpoints
        return [RunFolder(kept.folder / str(step)) for step in kept.steps()]

    @contextmanager
    def lock(self, typed_as: str = "-df") -> Iterator[None]:
        """Lock the folder, created if necessary, so that no other process trains in it.

        Raises UserError as `locked` and `refuse_links` do.
        """
        with locked(self._lock_file, typed_as) as status:
            self.refuse_links()
            self._watched = {self._lock_file: status}
            yield

    def check_unlocked(self) -> None:
        """Raise UserError if another process trains here. Nothing is written."""
        if self._lock_file.is_file():  # made by an earlier session
            with self.lock():
                pass

    def check_lock(self) -> None:
        """Raise OSError if the lock was deleted or replaced: another training may run here then."""
        safe_files.check_unchanged(self._lock_file, self._watched[self._lock_file])

    def watch(self, file: Path) -> None:
        """Let `check_unchanged` check `file` from now on."""
        self._watched[file] = os.lstat(file)

    def check_unchanged(self) -> None:
        """Raise OSError if another program changed a watched file, and UserError as `refuse_links` does."""
        self.refuse_links()
        for file, status in self._watched.items():
            safe_files.check_unchanged(file, status, may_grow=True)
