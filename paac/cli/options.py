"""All options of training, with their types, defaults, flags, help and limits; film_options.py has those of tests.

Options from the command line or a file are a mapping that holds only the given ones; `resolve` adds the defaults and
makes the dataclass. The learner, the networks and the emulators get plain arguments and do not depend on these classes.
The options have the names and flags of the original Manette, so its commands and args.json files still work.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from figar.repetition import repetition_table
from networks.registry import TORSOS, TORSOS_WITHOUT_DROPOUT
from paac.cli.command_line import (
    AT_LEAST_ONE,
    CHOSEN_AT_START,
    DEVICE,
    FIXED,
    FRACTION,
    LOCAL,
    NOT_NEGATIVE,
    PATH,
    POSITIVE,
    SEED,
    TUNABLE,
    UTF8_PATH,
    JsonObject,
    Limit,
    between,
    check_limits,
    one_of,
    option,
    words_that_set,
)
from paac.cli.errors import UserError
from paac.cli.words import counted

CLIP_NORM_TYPES = ("global", "local", "ignore")
PROTOCOLS = {
    # name: random_start, sticky_actions, full_action_space
    "original": (True, 0.0, False),
    "machado": (False, 0.25, True),  # Machado et al. 2018, section 5
}
DEFAULT_SHARDS = 2
MAX_CHOICES = 1000
OWN_PRESET = ""  # what --preset means without a value: the preset with the name of the game


@dataclass(frozen=True, kw_only=True)
class Options:
    """All options of a training run, with their values. Make them with `resolve`."""

    # fmt: off
    game: str = option("pong", "--game", "-g", group="Game", kind=FIXED, help="name of the game, or PLATFORM:NAME")
    env_kwargs: JsonObject = option(JsonObject("{}"), group="Game", kind=FIXED, help="arguments of a Gymnasium environment as a JSON object")
    rom_path: str = option("./atari_roms", group="Game", limit=PATH, help="folder to search for NAME.bin before ale-py's own ROMs")
    protocol: str = option("original", group="Game", kind=FIXED, limit=one_of(*PROTOCOLS), help="original, or for Atari games machado: sticky actions 0.25, all 18 actions, no random start (Machado et al. 2018)")
    random_start: bool = option(CHOSEN_AT_START, "-rs", "--random_start", group="Game", kind=FIXED, help="start each episode with a random number of no-op frames: at most 30 in Atari games and tetris, 20 in other games whose no-op is known (set by the protocol: original on, machado off; off in FlappyBird-v0 and Snake-v0)")
    sticky_actions: float = option(CHOSEN_AT_START, group="Game", kind=FIXED, limit=FRACTION, help="Atari: probability that a frame repeats the previous action (set by the protocol: original 0, machado 0.25)")
    full_action_space: bool = option(CHOSEN_AT_START, group="Game", kind=FIXED, help="Atari: use all 18 actions instead of the game's minimal set (set by the protocol: original off, machado on)")
    single_life_episodes: bool = option(False, group="Game", kind=FIXED, help="end the episode when a life is lost, in Atari games, Catcher and MonsterKong")
    max_episode_frames: int = option(108_000, group="Game", kind=FIXED, limit=AT_LEAST_ONE, help="frames after which an episode is truncated; 108000 frames are 30 minutes at 60 frames per second; the small games end after at most 10000")
    frame_skip: int = option(CHOSEN_AT_START, group="Game", kind=FIXED, limit=between(1, 1000), help="steps of a Gymnasium environment with the same action (1 in games of at most 10 steps per second, else 2; always 4 in Atari games, 1 in tetris)")
    rgb: bool = option(False, group="Game", kind=FIXED, help="observe RGB instead of grayscale: 12 channels instead of 4")

    emulator_counts: int = option(32, "-ec", "--emulator_counts", group="Emulators", kind=FIXED, limit=between(1, 10_000), help="number of emulators that run in parallel (B)")
    emulator_workers: int | None = option(None, "-ew", "--emulator_workers", group="Emulators", limit=AT_LEAST_ONE, help="number of processes that run the emulators (one per core of this machine, at most 8)")
    shards: int = option(CHOSEN_AT_START, group="Emulators", kind=FIXED, limit=AT_LEAST_ONE, help=f"number of groups of emulators; one group steps while the network computes for another ({DEFAULT_SHARDS})")
    visualize: int = option(0, "-v", "--visualize", group="Emulators", limit=one_of(0, 1, 2), help="show a window with the games: 0 none, 1 all emulators, 2 one emulator; of several processes only the first shows one")

    arch: str = option("NIPS", group="Network", kind=FIXED, limit=one_of(*TORSOS), help="network: " + ", ".join(TORSOS))
    activation: str = option("relu", group="Network", kind=FIXED, limit=one_of("relu", "leaky_relu"), help="activation of the hidden layers: relu or leaky_relu")
    alpha_leaky_relu: float = option(0.1, group="Network", kind=FIXED, limit=NOT_NEGATIVE, help="slope of leaky_relu below zero")
    precision: str = option("float32", group="Network", kind=FIXED, limit=one_of("float32", "bfloat16"), help="number format of the layers: float32, or bfloat16, which is faster on hardware that supports it; heads and loss use float32")
    keep_percentage: float = option(0.9, group="Network", kind=FIXED, limit=Limit(lambda fraction: 0 < fraction <= 1, "more than 0 and at most 1"), help="fraction of the units that the dropout of BAYESIAN keeps")

    max_repetition: int = option(0, group="FiGAR", kind=FIXED, limit=between(0, 10_000), help="largest number of repeats of an action; 0 is plain PAAC")
    nb_choices: int = option(CHOSEN_AT_START, group="FiGAR", kind=FIXED, limit=between(1, MAX_CHOICES), help="number of repeat counts to choose from: equal steps from 0, and --max_repetition as the last (--max_repetition + 1)")
    figar_discount: str = option("decision", group="FiGAR", kind=FIXED, limit=one_of("decision", "play"), help="apply the discount once per decision, as in the original (decision), or once per play of the action (play)")

    initial_lr: float = option(0.0224, "-lr", "--initial_lr", group="Learning", kind=TUNABLE, limit=NOT_NEGATIVE, help="learning rate at step 0")
    scale_lr: bool = option(False, group="Learning", kind=TUNABLE, help="set the initial learning rate to 0.0007 times the number of emulators in all processes, instead of --initial_lr (Clemente et al. 2017)")
    lr_annealing_steps: int = option(80_000_000, "-lra", "--lr_annealing_steps", group="Learning", kind=TUNABLE, limit=AT_LEAST_ONE, help="decisions over which the learning rate falls to 0")
    entropy_regularisation_strength: float = option(0.02, "--entropy", group="Learning", kind=TUNABLE, limit=NOT_NEGATIVE, help="weight of the entropy bonus; the original Manette advises 0.05 with FiGAR")
    reward_clip: float = option(1.0, group="Learning", kind=FIXED, limit=NOT_NEGATIVE, help="rewards are clipped to at most this size in either direction to learn from; 0 for no clipping")
    gamma: float = option(0.99, group="Learning", kind=FIXED, limit=FRACTION, help="discount factor")
    max_local_steps: int = option(5, group="Learning", kind=FIXED, limit=between(1, 1000), help="decisions of each emulator per update (T)")
    max_global_steps: int = option(80_000_000, group="Learning", kind=TUNABLE, limit=AT_LEAST_ONE, help="total decisions of all emulators at which the training ends")
    alpha: float = option(0.99, group="Learning", kind=TUNABLE, limit=FRACTION, help="decay of RMSProp")
    e: float = option(0.1, group="Learning", kind=TUNABLE, limit=POSITIVE, help="epsilon of RMSProp, inside the square root")
    clip_norm: float = option(3.0, group="Learning", kind=TUNABLE, limit=POSITIVE, help="maximum gradient norm; larger gradients are scaled down to it")
    clip_norm_type: str = option("global", group="Learning", kind=TUNABLE, limit=one_of(*CLIP_NORM_TYPES), help="clip by the norm over all gradients (global), each tensor by its own norm (local), or not at all (ignore)")
    random_seed: int = option(CHOSEN_AT_START, "--seed", group="Learning", kind=FIXED, limit=SEED, help="seed of all random numbers (drawn when the run starts)")

    softmax_temp: float = option(1.0, group="Exploration", kind=TUNABLE, limit=POSITIVE, help="temperature of the policies; above 1 they are more uniform")
    egreedy: bool = option(False, group="Exploration", kind=TUNABLE, help="act epsilon-greedily instead of sampling from the policy")
    epsilon: float = option(0.05, group="Exploration", kind=TUNABLE, limit=FRACTION, help="probability of a random choice with --egreedy")
    annealed: bool = option(False, group="Exploration", kind=TUNABLE, help="let epsilon fall to 0 over --annealed_steps")
    annealed_steps: int = option(80_000_000, group="Exploration", kind=TUNABLE, limit=AT_LEAST_ONE, help="decisions over which epsilon falls to 0")

    debugging_folder: str = option("logs/", "-df", "--debugging_folder", group="Run", limit=UTF8_PATH, help="folder of the run; if it already holds one, that run is resumed; without -df, each game has its own folder logs/GAME")
    device: str = option("/gpu:0", "-d", "--device", group="Run", limit=DEVICE, help="device of the network; without a GPU, the CPU is used")
    op_threads: int = option(1, group="Run", kind=FIXED, limit=between(1, 256), help="threads per TensorFlow operation; another number changes the last bits of the weights")
    visualize_convs: bool = option(False, group="Run", kind=TUNABLE, help="show the outputs of the convolutions in TensorBoard every 500 updates")
    log_video: bool = option(False, group="Run", kind=TUNABLE, help="at each checkpoint interval, add a video of one episode, at most a minute long, to TensorBoard's images")
    eval_interval: int = option(0, group="Run", kind=TUNABLE, limit=NOT_NEGATIVE, help="decisions between evaluations, whose best agent is kept in the folder best of the run; 0 for none")
    eval_episodes: int = option(10, group="Run", kind=TUNABLE, limit=between(1, 1000), help="episodes of each evaluation")
    checkpoint_interval: int = option(1_000_000, group="Run", kind=TUNABLE, limit=AT_LEAST_ONE, help="decisions between checkpoints")
    keep_checkpoints: int = option(5, group="Run", kind=TUNABLE, limit=AT_LEAST_ONE, help="number of newest checkpoints to keep")
    # fmt: on

    @property
    def repetition_table(self) -> list[int]:
        """The number of repeats of each choice."""
        return repetition_table(self.max_repetition, self.nb_choices)

    @property
    def test_epsilon(self) -> float | None:
        """The epsilon of tests and films, as in the original Manette: that of the start; None without --egreedy."""
        return self.epsilon if self.egreedy else None

    @property
    def how_to_lower_lr(self) -> str:
        """What the user must set for a lower learning rate, for messages."""
        return "--no-scale_lr and a lower --initial_lr" if self.scale_lr else "a lower --initial_lr"

    @property
    def notes(self) -> list[str]:
        """Lines for the user about options that are valid, but may have another effect than expected."""
        notes = []
        if self.lr_annealing_steps < self.max_global_steps:
            notes.append(
                f"--lr_annealing_steps {self.lr_annealing_steps:,} is less than --max_global_steps "
                f"{self.max_global_steps:,}: after {counted(self.lr_annealing_steps, 'decision')} the learning rate is "
                "0, and nothing is learned"
            )
        if self.eval_interval > self.max_global_steps:
            notes.append(
                f"--eval_interval {self.eval_interval:,} is more than --max_global_steps {self.max_global_steps:,}: "
                "there is no evaluation"
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default and not has_effect(self, field.name):
                typed = " ".join(words_that_set(field, value))
                notes.append(f"{typed} has no effect {EFFECT_CONDITIONS[field.name].otherwise}")
        return notes

    @property
    def workers(self) -> int:
        """The number of worker processes to start on this machine."""
        return self.emulator_workers or min(8, assigned_cores(), self.emulator_counts)

    @property
    def fixed(self) -> dict[str, Any]:
        """The options that define the run and that a resume may not change."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.metadata["kind"] == FIXED}

    @property
    def emulator_settings(self) -> dict[str, Any]:
        """Arguments of `make_emulator`, except the seed."""
        names = (
            *("rgb", "random_start", "single_life_episodes", "max_episode_frames"),
            *("sticky_actions", "full_action_space", "frame_skip"),
        )
        return {name: getattr(self, name) for name in names}

    @property
    def network_settings(self) -> dict[str, Any]:
        """Arguments of `make_network`, except the number of actions."""
        names = (
            *("arch", "rgb", "nb_choices", "softmax_temp", "precision"),
            *("activation", "alpha_leaky_relu", "keep_percentage"),
        )
        return {name: getattr(self, name) for name in names} | {"seed": self.random_seed}


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Options):
    """The options of train.py: those of a run, and two that its args.json does not hold."""

    # fmt: off
    list_games: bool = option(False, group="Game", help="list all games by platform, and exit")
    preset: str | None = option(None, flag_value=OWN_PRESET, group="Run", help="start a new run with the options of a trained agent: the name or file of a preset, fast (for any game), original (those of the original Manette's agents), or no value for the preset of the game; options that you type win")
    # fmt: on


class EffectCondition(NamedTuple):
    """When an option has an effect, and in words when it has none."""

    holds: Callable[[Options], bool]
    otherwise: str


EFFECT_CONDITIONS = {
    "alpha_leaky_relu": EffectCondition(lambda o: o.activation == "leaky_relu", "without --activation leaky_relu"),
    "keep_percentage": EffectCondition(lambda o: o.arch not in TORSOS_WITHOUT_DROPOUT, "without --arch BAYESIAN"),
    "figar_discount": EffectCondition(lambda o: max(o.repetition_table) > 0, "without --max_repetition"),
    "initial_lr": EffectCondition(lambda o: not o.scale_lr, "with --scale_lr"),
    "clip_norm": EffectCondition(lambda o: o.clip_norm_type != "ignore", "with --clip_norm_type ignore"),
    "epsilon": EffectCondition(lambda o: o.egreedy, "without --egreedy; --e is the epsilon of RMSProp"),
    "annealed": EffectCondition(lambda o: o.egreedy, "without --egreedy"),
    "annealed_steps": EffectCondition(lambda o: o.egreedy and o.annealed, "without --egreedy and --annealed"),
    "eval_episodes": EffectCondition(lambda o: o.eval_interval > 0, "without --eval_interval"),
}  # of the options that have an effect only with some values of others


def has_effect(options: Options, name: str) -> bool:
    """Return whether the option `name` has an effect, with these values of the other options."""
    return name not in EFFECT_CONDITIONS or EFFECT_CONDITIONS[name].holds(options)


LOCAL_OPTIONS = frozenset(field.name for field in fields(Options) if field.metadata["kind"] == LOCAL)


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS has no affinity


def assigned_cores() -> int:
    """Return the number of cores for this training: that in the variable PYTHON_CPU_COUNT, otherwise all usable ones.

    Scripts that run several trainings on one machine set the variable, which Python 3.13 reads as well.
    """
    count = os.environ.get("PYTHON_CPU_COUNT", "")
    return int(count) if count.isdecimal() and int(count) > 0 else usable_cores()


def resolve(given: Mapping[str, Any], prefix: str = "", cls: type[Options] = Options, started: bool = False) -> Any:
    """Return the options of a run, of class `cls`: the `given` ones, by field name, and the defaults of the others.

    Options without a default are chosen here. Raises UserError for values that are outside their limits or contradict
    each other; `prefix`, such as "args.json: ", begins the message. A run that has `started` may have more choices than
    different numbers of repeats: the original Manette allowed it.
    """
    check_limits(cls, given, prefix)
    options = cls(**{**_chosen_at_start(given, cls), **given})
    repeats = options.max_repetition + 1
    if options.nb_choices > MAX_CHOICES:
        raise UserError(
            f"{prefix}--max_repetition {options.max_repetition}: at most {MAX_CHOICES} numbers of repeats can be chosen "
            "from; add a smaller --nb_choices"
        )
    if options.nb_choices > repeats and not started:
        raise UserError(
            f"{prefix}--nb_choices {options.nb_choices}: at most --max_repetition + 1 different numbers of repeats exist; "
            f"use --nb_choices {repeats}, or --max_repetition {options.nb_choices - 1}"
        )
    for name in ("emulator_workers", "shards"):
        count = getattr(options, name)
        if count is not None and count > options.emulator_counts:
            raise UserError(
                f"{prefix}--{name} {count}: must be at most {options.emulator_counts}, the value of --emulator_counts"
            )
    return options


def _chosen_at_start(given: Mapping[str, Any], cls: type[Options]) -> dict[str, Any]:
    """Return the options without a default, which depend on the game, on the protocol and on other options."""
    from emulators import choose_frame_skip  # imported here, so that --help does not load the emulators
    from emulators.gym_settings import allows_random_start

    def value(name: str) -> Any:
        return given.get(name, getattr(cls, name))

    random_start, sticky_actions, full_action_space = PROTOCOLS[value("protocol")]
    chosen = {
        "random_start": random_start and allows_random_start(value("game")),
        "sticky_actions": sticky_actions,
        "full_action_space": full_action_space,
        "nb_choices": value("max_repetition") + 1,  # all numbers of repeats
        "shards": min(DEFAULT_SHARDS, value("emulator_counts")),
        "random_seed": int.from_bytes(os.urandom(4)) >> 1,
    }
    if "frame_skip" not in given:  # otherwise no environment is opened
        chosen["frame_skip"] = choose_frame_skip(value("game"), value("rom_path"), value("env_kwargs"))
    return chosen
