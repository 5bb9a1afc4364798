"""Every option of training and testing once: its type, default, flags, help and limits.

What a user typed, or a file holds, is a mapping of the options named there and no others; `resolve` makes the dataclass
of it. The learner, the networks and the emulators get plain arguments and never see these classes. Names and flags of
the original Manette are kept, so that its commands and its args.json files work.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from figar.repetition import repetition_table
from networks.registry import TORSOS
from paac.cli.command_line import (
    AT_LEAST_ONE,
    CHOSEN_AT_START,
    DEVICE,
    FIXED,
    NOT_NEGATIVE,
    PATH,
    POSITIVE,
    SEED,
    SHARE,
    TUNABLE,
    Limit,
    between,
    check_limits,
    one_of,
    option,
)
from paac.cli.errors import UserError

CLIP_NORM_TYPES = ("global", "local", "ignore")
PROTOCOLS = {
    # name -> random_start, sticky_actions, full_action_space
    "original": (True, 0.0, False),
    "machado": (False, 0.25, True),  # Machado et al. 2018, section 5
}
DEFAULT_SHARDS = 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a training, every one with its value; make them with `resolve`."""

    # fmt: off
    game: str = option("pong", "-g", group="Game", kind=FIXED, help="game, by its name, or PLATFORM:NAME")
    rom_path: str = option("./atari_roms", group="Game", limit=PATH, help="folder looked in first for NAME.bin, then the library's own ROMs")
    protocol: str = option("original", group="Game", kind=FIXED, limit=one_of(*PROTOCOLS), help="original, or machado: sticky actions 0.25, all 18 actions, no no-op start (Machado et al. 2018)")
    random_start: bool = option(CHOSEN_AT_START, "-rs", "--random_start", group="Game", kind=FIXED, help="start each episode with up to 30 no-op frames (by the protocol: original on, machado off)")
    sticky_actions: float = option(CHOSEN_AT_START, group="Game", kind=FIXED, limit=SHARE, help="probability that a frame repeats the action before it (by the protocol: 0 or 0.25)")
    full_action_space: bool = option(CHOSEN_AT_START, group="Game", kind=FIXED, help="all 18 actions in place of the game's own (by the protocol: off or on)")
    single_life_episodes: bool = option(False, group="Game", kind=FIXED, help="a lost life ends the episode")
    max_episode_frames: int = option(108_000, group="Game", kind=FIXED, limit=AT_LEAST_ONE, help="frames after which an episode is cut: 108000 is 30 minutes of play")
    rgb: bool = option(False, group="Game", kind=FIXED, help="colour in place of gray: 12 channels, not 4")

    emulator_counts: int = option(32, "-ec", "--emulator_counts", group="Emulators", kind=FIXED, limit=between(1, 10_000), help="emulators played at the same time (B)")
    emulator_workers: int | None = option(None, "-ew", "--emulator_workers", group="Emulators", limit=AT_LEAST_ONE, help="processes that play them (the cores of this machine, 8 at most)")
    shards: int = option(CHOSEN_AT_START, group="Emulators", kind=FIXED, limit=AT_LEAST_ONE, help=f"groups of emulators whose play and network overlap ({DEFAULT_SHARDS})")
    visualize: int = option(0, "-v", "--visualize", group="Emulators", limit=one_of(0, 1, 2), help="window: 0 none, 1 all emulators, 2 one of them")

    arch: str = option("NIPS", group="Network", kind=FIXED, limit=one_of(*TORSOS), help="network: " + ", ".join(TORSOS))
    activation: str = option("relu", group="Network", kind=FIXED, limit=one_of("relu", "leaky_relu"), help="relu or leaky_relu")
    alpha_leaky_relu: float = option(0.1, group="Network", kind=FIXED, limit=NOT_NEGATIVE, help="slope of leaky_relu below zero")
    precision: str = option("float32", group="Network", kind=FIXED, limit=one_of("float32", "bfloat16"), help="numbers that the layers compute with: float32, or bfloat16, faster where the processor has it; heads and loss are float32")
    keep_percentage: float = option(0.9, group="Network", kind=FIXED, limit=Limit(lambda share: 0 < share <= 1, "more than 0 and at most 1"), help="share of units that dropout keeps, in BAYESIAN")

    max_repetition: int = option(0, group="FiGAR", kind=FIXED, limit=between(0, 10_000), help="most times an action is repeated; 0 with 1 choice is plain PAAC")
    nb_choices: int = option(1, group="FiGAR", kind=FIXED, limit=between(1, 1000), help="how many numbers of repeats there are to choose from (R)")
    figar_discount: str = option("decision", group="FiGAR", kind=FIXED, limit=one_of("decision", "play"), help="discount once a decision, or by every play as the FiGAR paper")

    initial_lr: float = option(0.0224, "-lr", "--initial_lr", group="Learning", kind=TUNABLE, limit=NOT_NEGATIVE, help="learning rate at step 0")
    scale_lr: bool = option(False, group="Learning", kind=TUNABLE, help="start at 0.0007 for each emulator of all processes, in place of --initial_lr (Clemente et al. 2017)")
    lr_annealing_steps: int = option(80_000_000, "-lra", "--lr_annealing_steps", group="Learning", kind=TUNABLE, limit=AT_LEAST_ONE, help="decisions until it has fallen to 0")
    entropy_regularisation_strength: float = option(0.02, "--entropy", group="Learning", kind=TUNABLE, limit=NOT_NEGATIVE, help="weight of the entropy; 0.05 is advised with FiGAR")
    gamma: float = option(0.99, group="Learning", kind=FIXED, limit=SHARE, help="discount")
    max_local_steps: int = option(5, group="Learning", kind=FIXED, limit=between(1, 1000), help="decisions of each emulator an update (T)")
    max_global_steps: int = option(80_000_000, group="Learning", kind=TUNABLE, limit=AT_LEAST_ONE, help="decisions of all emulators until the training is finished")
    alpha: float = option(0.99, group="Learning", kind=TUNABLE, limit=SHARE, help="decay of RMSProp")
    e: float = option(0.1, group="Learning", kind=TUNABLE, limit=POSITIVE, help="epsilon of RMSProp, inside the root")
    clip_norm: float = option(3.0, group="Learning", kind=TUNABLE, limit=POSITIVE, help="largest norm of the gradient")
    clip_norm_type: str = option("global", group="Learning", kind=TUNABLE, limit=one_of(*CLIP_NORM_TYPES), help="clip by the norm of all gradients, each tensor by its own (local), or ignore")
    random_seed: int = option(CHOSEN_AT_START, "--seed", group="Learning", kind=FIXED, limit=SEED, help="seed of all random numbers (drawn when the run starts)")

    softmax_temp: float = option(1.0, group="Exploration", kind=TUNABLE, limit=POSITIVE, help="temperature: above 1 acts more at random")
    egreedy: bool = option(False, group="Exploration", kind=TUNABLE, help="epsilon-greedy in place of sampling from the policy")
    epsilon: float = option(0.05, group="Exploration", kind=TUNABLE, limit=SHARE, help="its probability of a random choice")
    annealed: bool = option(False, group="Exploration", kind=TUNABLE, help="epsilon falls to 0 over --annealed_steps")
    annealed_steps: int = option(80_000_000, group="Exploration", kind=TUNABLE, limit=AT_LEAST_ONE, help="decisions until epsilon is 0")

    debugging_folder: str = option("logs/", "-df", "--debugging_folder", group="Run", limit=PATH, help="the run's folder; a run that is there goes on")
    device: str = option("/gpu:0", "-d", "--device", group="Run", limit=DEVICE, help="device of the network; without a GPU the CPU is used")
    op_threads: int = option(1, group="Run", kind=FIXED, limit=between(1, 256), help="threads inside one operation of the network; more change the last bits of the weights")
    visualize_convs: bool = option(False, group="Run", kind=TUNABLE, help="pictures of what the convolutions give, in TensorBoard, every 500 updates")
    log_video: bool = option(False, group="Run", kind=TUNABLE, help="with each checkpoint, a film of one episode, a minute at most, among TensorBoard's images")
    checkpoint_interval: int = option(1_000_000, group="Run", kind=TUNABLE, limit=AT_LEAST_ONE, help="decisions between checkpoints")
    keep_checkpoints: int = option(5, group="Run", kind=TUNABLE, limit=AT_LEAST_ONE, help="newest checkpoints kept")
    # fmt: on

    @property
    def repetition_table(self) -> list[int]:
        """Repeats by choice."""
        return repetition_table(self.max_repetition, self.nb_choices)

    @property
    def workers(self) -> int:
        """How many worker processes to start here."""
        return self.emulator_workers or min(8, usable_cores(), self.emulator_counts)

    @property
    def fixed(self) -> dict[str, Any]:
        """What makes the run what it is: the options that a resume may not change."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.metadata["kind"] == FIXED}

    @property
    def emulator_settings(self) -> dict[str, Any]:
        """Arguments of `make_emulator`, but for the seed."""
        names = (
            *("rgb", "random_start", "single_life_episodes", "max_episode_frames"),
            *("sticky_actions", "full_action_space"),
        )
        return {name: getattr(self, name) for name in names}

    @property
    def network_settings(self) -> dict[str, Any]:
        """Arguments of `make_network`, but for the number of actions."""
        names = (
            *("arch", "rgb", "nb_choices", "softmax_temp", "precision"),
            *("activation", "alpha_leaky_relu", "keep_percentage"),
        )
        return {name: getattr(self, name) for name in names} | {"seed": self.random_seed}


@dataclass(frozen=True, kw_only=True)
class FilmOptions:
    """Options of gif.py, and of test.py when it films."""

    # fmt: off
    folder: str = option("logs/", "-f", "--folder", group="Agent", limit=PATH, help="the run's folder, or one that holds a single run")
    rom_path: str | None = option(None, group="Agent", limit=PATH, help="folder looked in first for the game's ROM (the run's)")
    device: str = option("/gpu:0", "-d", "--device", group="Agent", limit=DEVICE, help="device of the network; without a GPU the CPU is used")
    test_count: int = option(1, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="episodes to play, side by side")
    noops: int | None = option(None, "-np", "--noops", group="Episodes", limit=between(0, 10_000), help="no-op frames at most at each start (30, 20 in Gymnasium's games; 0 where the run starts without)")
    dropout_samples: int = option(1, group="Episodes", limit=between(1, 1000), help="passes of a network with dropout that are averaged for each decision")
    greedy: bool = option(False, group="Episodes", help="always the most probable action, not one drawn from the policy")
    seed: int | None = option(None, group="Episodes", limit=SEED, help="play the same episodes each time (drawn)")
    gif_name: str | None = option(None, "-gn", "--gif_name", group="Film", help="write one gif per episode, NAME_1.gif, NAME_2.gif, ...; gif.py: agent")
    gif_folder: str = option("./gifs", "-gf", "--gif_folder", group="Film", limit=PATH, help="where gifs go")
    gif_speed: float = option(1.0, group="Film", limit=between(0.05, 100), help="1 is the speed a person would see, 2 twice as fast")
    gif_seconds: float | None = option(None, group="Film", limit=POSITIVE, help="longest that a gif plays, in seconds (the whole episode)")
    annotate: bool = option(False, group="Film", help="show beside the game what the agent thinks: probabilities, value, score, repeats")
    gif_scale: int | None = option(None, group="Film", limit=between(1, 20), help="pixels of the gif for each of the game's (about 420 rows)")
    # fmt: on


@dataclass(frozen=True, kw_only=True)
class TestOptions(FilmOptions):
    """Options of test.py."""

    # fmt: off
    json: str | None = option(None, group="Result", limit=PATH, help="file for scores, lengths, mean, median and std of the episodes")
    # fmt: on


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def resolve(given: Mapping[str, Any], where: str = "", cls: type[Options] = Options) -> Any:
    """The options `cls` of a run, from those that are `given` by name; the others take their defaults.

    What has no default is chosen here: the parts of the protocol, the number of shards, and the seed. Raises UserError,
    which begins with `where` the options come from, for values out of their limits or that contradict each other.
    """
    from emulators.gym_settings import starts_at_random  # late: --help need not wait for the emulators

    check_limits(cls, given, where)
    random_start, sticky_actions, full_action_space = PROTOCOLS[given.get("protocol", cls.protocol)]
    chosen = {
        "random_start": random_start and starts_at_random(given.get("game", cls.game)),
        "sticky_actions": sticky_actions,
        "full_action_space": full_action_space,
        "shards": min(DEFAULT_SHARDS, given.get("emulator_counts", cls.emulator_counts)),
        "random_seed": int.from_bytes(os.urandom(4)) >> 1,
    }
    options = cls(**{**chosen, **given})
    try:
        repetition_table(options.max_repetition, options.nb_choices)
    except ValueError as error:
        raise UserError(f"{where}--max_repetition and --nb_choices: {error}") from None
    for name in ("emulator_workers", "shards"):
        count = getattr(options, name)
        if count is not None and count > options.emulator_counts:
            raise UserError(
                f"{where}--{name} {count}: must be at most the {options.emulator_counts} of --emulator_counts"
            )
    return options
