"""The hyperparameters that the options set: the learner's, and the schedules of learning rate and epsilon."""

from paac.cli.options import Options
from paac.learner import Hyperparameters
from paac.schedule import linear_to_zero

LR_PER_EMULATOR = 0.0007  # Clemente et al. 2017, section 5.1: the learning rate grows with the batch


def learner_hyperparameters(options: Options) -> Hyperparameters:
    """Return the hyperparameters of the learner that `options` set."""
    return Hyperparameters(
        repetition_table=options.repetition_table,
        max_local_steps=options.max_local_steps,
        reward_clip=options.reward_clip,
        gamma=options.gamma,
        discount_per_play=options.figar_discount == "play",
        entropy_coef=options.entropy_regularisation_strength,
        egreedy=options.egreedy,
        rmsprop_decay=options.alpha,
        rmsprop_epsilon=options.e,
        clip_norm=options.clip_norm,
        clip_norm_type=options.clip_norm_type,
    )


def learning_rate(options: Options, total_emulators: int, step: int) -> float:
    """Return the learning rate of the update that ends at `step`, with the emulators of all processes."""
    start = LR_PER_EMULATOR * total_emulators if options.scale_lr else options.initial_lr
    return linear_to_zero(start, options.lr_annealing_steps, step)


def epsilon(options: Options, step: int) -> float:
    """Return the epsilon of --egreedy in the update that ends at `step`."""
    return linear_to_zero(options.epsilon, options.annealed_steps, step) if options.annealed else options.epsilon


def schedule_curves(options: Options, total_emulators: int, step: int) -> dict[str, float]:
    """Return the learning rate, the temperature and, with --egreedy, epsilon by their TensorBoard tags."""
    lr = learning_rate(options, total_emulators, step)
    values = {"parameters/lr": lr, "parameters/softmax_temp": options.softmax_temp}
    return values | ({"parameters/epsilon": epsilon(options, step)} if options.egreedy else {})
