"""Copies of checkpoints that the training itself would delete.

RUN/checkpoints_saved/STEP/
    args.json, episodes.csv, sessions.jsonl
    checkpoints/STEP/

Each copy is itself the folder of a run, which test.py and gif.py accept.
"""

import dataclasses
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from paac.cli.command_line import PATH, POSITIVE, option, parse
from paac.cli.errors import UserError
from paac.training.checkpoint import Checkpoint
from paac.training.find_runs import find_run
from paac.training.run_folder import RunFolder


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeepOptions:
    """Options of checkpoints.py and resumeTraining.py."""

    # fmt: off
    debugging_folder: str = option("logs/", "-df", "--debugging_folder", group="Run", limit=PATH, help="the run's folder, or a folder that contains runs, of which the one with the latest checkpoint is used")
    time: float = option(1800.0, "-t", "--time", group="Run", limit=POSITIVE, help="seconds between two copies")
    # fmt: on


def parse_keep_options(argv: Sequence[str], description: str) -> tuple[KeepOptions, RunFolder]:
    """The options and the run that they name: that in the folder itself, or the one below it that `find_run` finds.

    Prints a line about a run below it. Raises UserError if there is no such run, or if it is a published agent.
    """
    options = parse(KeepOptions, argv, description)
    run = RunFolder(options.debugging_folder)
    if not run.exists():
        run, _, note = find_run(options.debugging_folder, "-df")
        if note:
            print(note, flush=True)
    run.check_trainable()
    return options, run


def keep_newest(run: RunFolder) -> Path | None:
    """Copy the run's newest intact checkpoint; returns the copy's folder, or None if there is nothing to copy.

    Raises OSError, and UserError if a file or folder of the run is a link.
    """
    run.refuse_links()
    checkpoint, _ = run.checkpoints.newest()
    if checkpoint is None or checkpoint.step == 0:  # at step 0 nothing is learned
        return None
    kept = run.kept_checkpoints.folder / str(checkpoint.step)
    if kept.exists():
        return None
    try:
        return _copy(run, checkpoint, kept)
    except (OSError, UserError) as error:
        if checkpoint.is_intact():
            raise OSError(f"{kept} cannot be written ({getattr(error, 'strerror', None) or error})") from None
        # The training has deleted this checkpoint in the meantime, and has written a newer one.
        return keep_newest(run)


def _copy(run: RunFolder, checkpoint: Checkpoint, kept: Path) -> Path:
    kept.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{kept.name}.", dir=kept.parent, ignore_cleanup_errors=True) as folder:
        unfinished = Path(folder) / kept.name
        run.copy_agent(checkpoint, unfinished)
        if not kept.exists():  # another process may have copied it too
            unfinished.rename(kept)
    return kept


class CheckpointKeeper:
    """Copies a run's newest checkpoint every `seconds`, in a thread of its own.

    Use it as a context manager. It reports each copy, or why there is none, by a call of `print_line`.
    """

    def __init__(self, run: RunFolder, seconds: float, print_line: Callable[[str], None] = print):
        self._run, self._seconds, self._print_line = run, seconds, print_line
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep_periodically, daemon=True)

    def __enter__(self) -> "CheckpointKeeper":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def keep_newest(self) -> None:
        """Copy the newest checkpoint now, if there is no copy yet."""
        try:
            kept = keep_newest(self._run)
        except (OSError, UserError) as error:  # a full disk must not end the training
            self._print_line(f"the checkpoint could not be copied: {error}")
        else:
            if kept:
                self._print_line(f"saved the copy {kept}")

    def _keep_periodically(self) -> None:
        while not self._end.wait(min(self._seconds, threading.TIMEOUT_MAX)):
            self.keep_newest()
