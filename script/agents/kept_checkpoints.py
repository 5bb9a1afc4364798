"""Copies of checkpoints that training itself would drop: RUN/checkpoints_saved/STEP/{args.json,checkpoints}.

Each is a folder that test.py and gif.py take for a run.
"""

import dataclasses
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from paac.cli.command_line import PATH, POSITIVE, option, parse
from paac.cli.errors import UserError
from paac.training.run_folder import RunFolder


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeepOptions:
    """Options of checkpoints.py and resumeTraining.py."""

    # fmt: off
    debugging_folder: str = option("logs/", "-df", "--debugging_folder", group="Run", limit=PATH, help="its folder")
    time: float = option(1800.0, "-t", "--time", group="Run", limit=POSITIVE, help="seconds between copies")
    # fmt: on


def keep_options(argv: Sequence[str], about: str) -> tuple[KeepOptions, RunFolder]:
    """What was typed, and the run. Raises UserError if there is none."""
    options = parse(KeepOptions, argv, about)
    run = RunFolder(options.debugging_folder)
    if not run.exists():
        raise UserError(f"-df {run}: no run there; start one with train.py -df {run}")
    return options, run


def keep_newest(run: RunFolder) -> Path | None:
    """Copy the run's newest checkpoint, if it has not been copied yet; returns where to. Raises OSError."""
    for step in reversed(run.checkpoints.steps()):
        kept = run.kept_checkpoints.folder / str(step)
        if kept.exists():
            return None
        try:
            return _keep(run, step, kept)
        except OSError as error:
            if (run.checkpoints.folder / str(step)).exists():
                raise OSError(f"{kept} cannot be written ({error.strerror or 'its files changed'})") from None
            # The training has dropped it meanwhile, and has a newer one.
            return keep_newest(run)
    return None


def _keep(run: RunFolder, step: int, kept: Path) -> Path:
    kept.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{step}.", dir=kept.parent, ignore_cleanup_errors=True) as folder:
        aside = Path(folder) / str(step)
        run.copy_agent(step, aside)
        if not kept.exists():  # another may have copied it too
            aside.rename(kept)
    return kept


class Keeper:
    """Keeps a copy every `seconds` from a thread of its own, a context manager; `keep_last` keeps one at the end."""

    def __init__(self, run: RunFolder, seconds: float, say: Callable[[str], None] = print):
        self._run, self._seconds, self._say = run, seconds, say
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "Keeper":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def keep_last(self) -> None:
        """Keep the newest checkpoint, if it is not kept yet."""
        try:
            kept = keep_newest(self._run)
        except OSError as error:  # a full disk must not end the training
            self._say(f"a checkpoint could not be kept: {error}")
        else:
            if kept:
                self._say(f"kept {kept}")

    def _keep(self) -> None:
        while not self._end.wait(self._seconds):
            self.keep_last()
