"""Copies of checkpoints that training itself would drop: RUN/checkpoints_saved/STEP/{args.json,checkpoints}.

Each is a folder that test.py and gif.py take for a run.
"""

import dataclasses
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from paac.cli.command_line import PATH, POSITIVE, option, parse
from paac.cli.errors import UserError
from paac.training.run_folder import ARGS, checkpoint_steps

KEPT = "checkpoints_saved"


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeepOptions:
    """Options of checkpoints.py and resumeTraining.py."""

    # fmt: off
    debugging_folder: str = option("logs/", "-df", "--debugging_folder", group="Run", limit=PATH, help="its folder")
    time: float = option(1800.0, "-t", "--time", group="Run", limit=POSITIVE, help="seconds between copies")
    # fmt: on


def keep_options(argv: Sequence[str], about: str) -> tuple[KeepOptions, Path]:
    """What was typed, and the run. Raises UserError if there is none."""
    options = parse(KeepOptions, argv, about)
    run = Path(options.debugging_folder)
    if not (run / ARGS).is_file():
        raise UserError(f"-df {run}: no run there; start one with train.py -df {run}")
    return options, run


def keep_newest(run: Path) -> Path | None:
    """Copy the run's newest checkpoint, if it has not been copied yet; returns where to. Raises OSError."""
    for step in reversed(checkpoint_steps(run / "checkpoints")):
        kept = run / KEPT / str(step)
        if kept.exists():
            return None
        try:
            return _keep(run, str(step), kept)
        except OSError as error:
            if (run / "checkpoints" / str(step)).exists():
                raise OSError(f"{kept} cannot be written ({error.strerror or 'its files changed'})") from None
            # The training has dropped it meanwhile, and has a newer one.
            return keep_newest(run)
    return None


def _keep(run: Path, step: str, kept: Path) -> Path:
    kept.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{step}.", dir=kept.parent, ignore_cleanup_errors=True) as folder:
        aside = Path(folder) / step
        copy_agent(run, step, aside)
        if not kept.exists():  # another may have copied it too
            aside.rename(kept)
    return kept


def copy_agent(run: Path, step: str, to: Path) -> None:
    """Copy the run's options and one checkpoint into a new folder `to`, which is a run then. Raises OSError."""
    shutil.copytree(run / "checkpoints" / step, to / "checkpoints" / step)
    # TensorFlow's note of the newest, for tf.train.latest_checkpoint.
    (to / "checkpoints/checkpoint").write_text(
        f'model_checkpoint_path: "{step}/weights"\nall_model_checkpoint_paths: "{step}/weights"\n', encoding="utf-8"
    )
    shutil.copy(run / ARGS, to / ARGS)


def kept_runs(run: Path) -> list[Path]:
    """The copies of `run`, by step."""
    return [run / KEPT / str(step) for step in checkpoint_steps(run / KEPT)]


class Keeper:
    """Keeps a copy every `seconds` from a thread of its own, a context manager; `keep_last` keeps one at the end."""

    def __init__(self, run: Path, seconds: float, say: Callable[[str], None] = print):
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
