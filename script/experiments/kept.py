"""Copies of checkpoints that training itself would drop: RUN/checkpoints_saved/STEP/{args.json,checkpoints}.

Each is a folder that test.py and gif.py take for a run.
"""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from paac.run_folder import ARGS, checkpoint_steps

KEPT = "checkpoints_saved"


def keep_newest(run: Path) -> Path | None:
    """Copy the run's newest checkpoint, if it has not been copied yet; returns where to. Raises OSError."""
    checkpoints = run / "checkpoints"
    steps = checkpoint_steps(checkpoints)
    if not steps or (run / KEPT / str(steps[-1])).exists():
        return None
    step = str(steps[-1])
    aside = run / KEPT / f".{step}.new"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        shutil.copytree(checkpoints / step, aside / "checkpoints" / step)
        # TensorFlow's note of the newest, for tf.train.latest_checkpoint.
        (aside / "checkpoints/checkpoint").write_text(
            f'model_checkpoint_path: "{step}/weights"\nall_model_checkpoint_paths: "{step}/weights"\n', encoding="utf-8"
        )
        shutil.copy(run / ARGS, aside / ARGS)
        aside.rename(run / KEPT / step)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return run / KEPT / step


def kept_runs(run: Path) -> list[Path]:
    """The copies of `run`, by step."""
    return [run / KEPT / str(step) for step in checkpoint_steps(run / KEPT)]


class Keeper:
    """Keeps a copy every `seconds` from a thread of its own, and the last one at the end. A context manager."""

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

    def _keep(self) -> None:
        while True:
            ended = self._end.wait(self._seconds)
            try:
                kept = keep_newest(self._run)
            except OSError as error:  # a full disk must not end the training
                self._say(f"a checkpoint could not be kept: {error}")
            else:
                if kept:
                    self._say(f"kept {kept}")
            if ended:
                return
