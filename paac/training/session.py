"""One session of a training, from its options to its end: for train.py, and for notebooks and scripts."""

from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paac.cli.args_json import from_keywords
from paac.cli.errors import UserError
from paac.cli.options import Options, TrainOptions
from paac.cli.words import print_lines
from paac.training.distributed import processes_from_tf_config
from paac.training.resume import check_start
from paac.training.start import prepare
from paac.training.state import TrainingState
from paac.training.stop_signal import Interrupt, Stop
from paac.training.summary import Callback, Summary, ignore
from paac.training.tensorflow_setup import LOADING, device_notes, exactness_notes, start_tensorflow
from paac.training.viewer import open_viewer


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run at the end of a session."""

    folder: Path
    step: int  # decisions of all emulators since the run began
    mean_score: float | None  # of the last 50 episodes, not clipped; None if no episode has ended
    finished: bool  # whether it has reached max_global_steps; if not, Ctrl+C or the callback stopped it


def train(*, callback: Callback | None = None, **options: Any) -> Run:
    """Train an agent, or resume the run in its folder, as train.py does. Ctrl+C saves and returns.

    Args:
        callback: Receives a `Summary` every 50 updates. The training stops if it returns False; if it raises an error,
            the training saves, and the error is raised again, or is the cause of the error if the training then fails.
            A callback cannot change what is learned.
        **options: Options of train.py by their names in args.json or by their flags without dashes, such as `seed`.

    Raises:
        UserError, GameError, NetworkError: An option, the game or the network cannot be used, or a loss is not finite;
            the message says why.
        WorkerError, OSError: Emulators failed, or writing failed. The same call resumes from the last checkpoint.
    """
    if "list_games" in options:
        raise UserError("train(): list_games only prints the games, with train.py; leave it out")
    if callback is not None and not callable(callback):
        raise UserError(f"train(): callback is {callback!r}; it must be a function that takes a Summary")
    typed = from_keywords(options, "train()", TrainOptions)
    stop = Interrupt()
    caller = _Caller(callback or ignore, stop)
    try:
        used, state = run_session(typed, stop, caller)
    except Exception as error:
        if caller.error:  # the callback stopped the training, which then failed
            raise error from caller.error
        raise
    if caller.error:
        raise caller.error
    return Run(
        folder=Path(used.debugging_folder),
        step=state.global_step,
        mean_score=state.episodes.mean_score,
        finished=state.global_step >= used.max_global_steps,
    )


def run_session(typed: Mapping[str, Any], stop: Stop, callback: Callback = ignore) -> tuple[Options, TrainingState]:
    """Train with the `typed` options; return the options that were used, and the counters at the end.

    Errors about the options are raised before TensorFlow is loaded and before the run's folder is created. The other
    errors are those of `paac.training.loop.train`.
    """
    processes = processes_from_tf_config()
    with LOADING:
        start = prepare(typed, processes.rank)
    notes = list(start.notes)
    if processes.count == 1:  # several processes check it together, or the others would wait for this one
        notes += check_start(start.options, typed)
    with ExitStack() as opened:
        viewer = open_viewer(start.options.visualize)
        if viewer:
            opened.enter_context(closing(viewer))
        print_lines(notes)
        opened.enter_context(stop)
        opened.enter_context(processes)
        device = start_tensorflow(start.options.device, start.options.op_threads, processes.connect)
        notes = device_notes(start.options.device, device, start.options.precision)
        print(*notes, *exactness_notes(start.options.op_threads), sep="\n")

        import tensorflow as tf

        from paac.training import loop

        stop.training_began = True
        start = processes.agree(start)
        assert start.game
        with tf.device(device):
            return start.options, loop.train(start.options, start.game, stop, viewer, processes, callback)


class _Caller:
    """Calls the user's function with each summary, and requests the stop if it returns False or raises an error."""

    def __init__(self, function: Callback, stop: Stop):
        self._function = function
        self._stop = stop
        self.error: Exception | SystemExit | None = None

    def __call__(self, summary: Summary) -> None:
        try:
            result = self._function(summary)
        except (Exception, SystemExit) as error:
            self.error, result = error, False
        if isinstance(result, bool | np.bool_) and not result:
            self._stop.requested = True
