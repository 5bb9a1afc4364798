"""What a training begins with: the newest checkpoint of its folder, and the counters that it holds."""

from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.processes import Processes
from paac.training.checkpoint import Checkpoint
from paac.training.episodes import EpisodeTracker
from paac.training.run_folder import RunFolder
from paac.training.state import TrainingState


def newest_checkpoint(run: RunFolder) -> Checkpoint | None:
    """The newest whole checkpoint; says which are damaged. Raises UserError if all are: nothing may be lost then."""
    checkpoint, damaged = run.checkpoints.newest()
    if damaged and checkpoint is None:  # starting over would lose the curves as well
        raise UserError(f"{'; '.join(damaged)}; no other is left: move {run} away to start over")
    for line in damaged:
        print(f"{line}; taking the one before it")
    return checkpoint


def starting_state(options: Options, checkpoint: Checkpoint | None, processes: Processes) -> TrainingState:
    """The counters to begin with; `emulators` is 0 where the emulators start new episodes.

    Raises DamagedCheckpoint, and UserError if args.json was edited into another run than the checkpoint's.
    """
    total = options.emulator_counts * processes.count
    if checkpoint is None:
        return TrainingState(EpisodeTracker(total), options.fixed)
    state = TrainingState.from_checkpoint(checkpoint)
    for name, value in options.fixed.items():
        trained = state.fixed.get(name, value)
        if value != trained:
            run = RunFolder(options.debugging_folder)
            where = str(run.args) if run.exists() else f"{run} has lost its args.json; as typed"
            raise UserError(f"{where}: {name} is {value}, but the run was trained with {trained}: put that back")
    state.fixed = options.fixed
    if not checkpoint.has_emulators or state.emulators != total:  # saved by another number of processes, or not at all
        state.emulators = 0
        state.episodes = state.episodes.with_new_episodes(total)
    return state
