"""Loading the network of a run from its newest intact checkpoint, and exporting it."""

from contextlib import closing
from typing import TYPE_CHECKING

from emulators import find_game, make_emulator
from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.processes import Processes
from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.original import OriginalCheckpoint
from paac.training.resume import starting_state
from paac.training.run_folder import RunFolder
from paac.training.tensorflow_setup import start_tensorflow

if TYPE_CHECKING:
    from networks.actor_critic import ActorCritic


def load_network(
    run: RunFolder, options: Options, num_actions: int
) -> tuple["ActorCritic", Checkpoint | OriginalCheckpoint, list[str]]:
    """Return the network with the weights of the run's newest intact checkpoint, and what `intact_checkpoint` returns.

    Raises UserError.
    """
    from networks.registry import make_network

    network = make_network(num_actions=num_actions, **options.network_settings)
    while True:
        checkpoint, lines = intact_checkpoint(run)
        try:
            checkpoint.restore(network=network)
            return network, checkpoint, lines
        except CheckpointError:
            if checkpoint.is_intact():
                raise
            # A training has deleted it meanwhile, and has written a newer one: try again.


def intact_checkpoint(run: RunFolder) -> tuple[Checkpoint | OriginalCheckpoint, list[str]]:
    """Return the run's newest intact checkpoint, and a line for each newer, damaged one. Raises UserError."""
    checkpoint, damaged = run.newest_checkpoint()
    if checkpoint is None:
        why = f" ({'; '.join(damaged)})" if damaged else ""
        raise UserError(f"{run}: no intact checkpoint there{why}; train the agent first, or name another run")
    return checkpoint, [f"{line}; using the previous one" for line in damaged]


def export_agent(run: RunFolder, options: Options, to: RunFolder) -> None:
    """Write the newest agent of `run` and its `options` as a new run, which can be tested, filmed and resumed.

    The new checkpoint holds only the weights, under the same keys, and the counters: a few MB. Raises UserError,
    GameError or OSError.
    """
    start_tensorflow("/cpu:0")
    game = find_game(options.game, options.rom_path, options.env_kwargs)
    with closing(make_emulator(game, seed=0, **options.emulator_settings)) as emulator:
        num_actions = emulator.num_actions
    network, checkpoint, _ = load_network(run, options, num_actions)
    state = starting_state(run, options, checkpoint, Processes())
    state.emulators, state.timed, state.best_score, state.best_step = 0, False, None, None
    to.save_options(options)
    to.checkpoints.write(checkpoint.step, {"network": network}, state.to_json(), None, keep=1)
