"""The state that a session starts from: the newest checkpoint in the run's folder, and the counters saved in it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.processes import Processes
from paac.training.checkpoint import Checkpoint
from paac.training.episodes import EpisodeTracker
from paac.training.original import OriginalCheckpoint
from paac.training.run_folder import RunFolder
from paac.training.state import TrainingState


@contextmanager
def opened_run(
    run: RunFolder, options: Options, processes: Processes
) -> Iterator[tuple[Checkpoint | OriginalCheckpoint | None, TrainingState]]:
    """Lock the run's folder, and yield the newest checkpoint and the state to start from.

    Raises UserError in all processes if it fails in one.
    """
    with ExitStack() as opened:
        with processes.together():
            opened.enter_context(run.lock())
            checkpoint = newest_checkpoint(run)
            state = starting_state(run, options, checkpoint, processes)
        yield checkpoint, state


def newest_checkpoint(run: RunFolder) -> Checkpoint | OriginalCheckpoint | None:
    """Return the newest intact checkpoint, or None if there is none; print a line for each newer, damaged one.

    Raises UserError if checkpoints are damaged and no intact one is left, or only that of step 0.
    """
    checkpoint, damaged = run.newest_checkpoint()
    if damaged and (checkpoint is None or checkpoint.step == 0):  # starting over would delete the run's curves
        raise UserError(
            f"{'; '.join(damaged)}; no other checkpoint of a trained agent is left: move {run} away to start over"
        )
    for line in damaged:
        print(f"{line}; using the previous one")
    return checkpoint


def starting_state(
    run: RunFolder, options: Options, checkpoint: Checkpoint | OriginalCheckpoint | None, processes: Processes
) -> TrainingState:
    """Return the counters to start from; `emulators` is 0 in them if all emulators must start new episodes.

    Raises CheckpointError, and UserError if a fixed option differs from the one that the checkpoint was trained with.
    """
    total = options.emulator_counts * processes.count
    if checkpoint is None:
        return TrainingState(EpisodeTracker(total), options.fixed)
    if isinstance(checkpoint, OriginalCheckpoint):  # the original saved no counters
        return TrainingState(
            EpisodeTracker(total),
            options.fixed,
            global_step=checkpoint.step,
            updates=checkpoint.step // (options.max_local_steps * total),
            plays=checkpoint.step,
            logs=run.log_lengths(),
            imported_steps=checkpoint.step,
        )
    state = TrainingState.from_checkpoint(checkpoint)
    for name, value in options.fixed.items():
        trained = state.fixed.get(name, value)
        if value != trained:
            where = f"{run.args}:" if run.exists() else f"{run} has no args.json, and with the typed options"
            raise UserError(f"{where} {name} is {value}, but the run was trained with {trained}: restore that value")
    state.fixed = options.fixed
    if not checkpoint.has_emulators or state.emulators != total:  # not saved, or by a different number of processes
        state.emulators = 0
        state.episodes = state.episodes.with_new_episodes(total)
    return state
