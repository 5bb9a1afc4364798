"""The lines that describe a training when it starts."""

import shlex

from emulators import EmulatorPool
from networks.actor_critic import ActorCritic
from paac.cli.folders import valid_utf8
from paac.cli.options import Options
from paac.cli.words import counted
from paac.processes import Processes
from paac.summaries.address import shown_address
from paac.training.hyperparameters import LR_PER_EMULATOR, learning_rate


def describe_training(
    options: Options, pool: EmulatorPool, network: ActorCritic, processes: Processes, step: int
) -> list[str]:
    """Return what is trained, from `step` on, as lines for the user."""
    figar = f"FiGAR: the number of repeats of each action is one of {options.repetition_table}"
    each = f" in each of {processes.count} processes" if processes.count > 1 else ""
    return [
        *([figar] if options.repetition_table != [0] else []),
        f"{pool.game}: {options.arch} with {network.count_params():,} parameters, in {options.precision}, "
        f"{counted(pool.count, 'emulator')} in {counted(len(pool.worker_pids), 'worker')} and "
        f"{counted(len(pool.shards), 'shard')}{each}, seed {options.random_seed}, saved in {options.debugging_folder}",
        describe_learning_rate(options, processes.count * pool.count, step),
        *([describe_curves(options)] if processes.rank == 0 else []),  # the others write none
    ]


def describe_curves(options: Options) -> str:
    """Return how to see the run's curves."""
    folder = shlex.quote(valid_utf8(options.debugging_folder))
    return f"Curves: tensorboard --logdir {folder} --host 127.0.0.1, then {shown_address()}"


def describe_learning_rate(options: Options, total_emulators: int, step: int) -> str:
    """Return from what to what the learning rate goes between `step` and the end of the training, and why."""
    first, last = (learning_rate(options, total_emulators, at) for at in (step, options.max_global_steps))
    annealed = counted(options.lr_annealing_steps, "decision")
    values = f"goes from {first:.4g} to {last:.4g}" if f"{first:.4g}" != f"{last:.4g}" else f"stays near {first:.4g}"
    line = f"The learning rate {values} in this training (it is annealed over {annealed})"
    if not options.scale_lr:
        return line
    replaced = "" if options.initial_lr == Options.initial_lr else f", in place of --initial_lr {options.initial_lr}"
    return f"{line}; --scale_lr starts it at {LR_PER_EMULATOR} x {counted(total_emulators, 'emulator')}{replaced}"
