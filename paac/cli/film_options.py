"""The options of test.py and gif.py."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from paac.cli.command_line import (
    DEVICE,
    PATH,
    POSITIVE,
    SEED,
    between,
    check_limits,
    flag,
    option,
    typed_options,
)
from paac.cli.errors import UserError


@dataclass(frozen=True, kw_only=True)
class FilmOptions:
    """The options of gif.py, which test.py has too."""

    # fmt: off
    folder: str = option("logs/", "-f", "--folder", group="Agent", limit=PATH, help="folder of a run, or a folder that contains runs, of which the one with the latest checkpoint is used")
    rom_path: str | None = option(None, group="Agent", limit=PATH, help="folder to search first for the game's ROM (the run's --rom_path)")
    device: str = option("/gpu:0", "-d", "--device", group="Agent", limit=DEVICE, help="device of the network; without a GPU, the CPU is used")
    test_count: int = option(1, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="number of episodes to play, in parallel")
    noops: int | None = option(None, "-np", "--noops", group="Episodes", limit=between(0, 10_000), help="maximum number of no-op frames at the start of an episode (30 in Atari games and tetris, 20 in other games whose no-op is known; 0 if the run has no random start)")
    dropout_samples: int = option(1, group="Episodes", limit=between(1, 1000), help="number of forward passes to average for each decision, for a network with dropout")
    greedy: bool = option(False, group="Episodes", help="take the most probable action instead of sampling from the policy, or, after a training with --egreedy, instead of acting with its initial epsilon")
    seed: int | None = option(None, group="Episodes", limit=SEED, help="seed of all random numbers; the same seed and --test_count give the same episodes (drawn at random)")
    gif_name: str | None = option(None, "-gn", "--gif_name", group="Film", help="write one gif per episode: NAME_1.gif, NAME_2.gif, ... (default in gif.py: agent)")
    mp4: bool = option(False, group="Film", help="write mp4 videos instead of gifs: NAME_1.mp4, NAME_2.mp4, ...")
    gif_folder: str = option("./gifs", "-gf", "--gif_folder", group="Film", limit=PATH, help="folder for the films")
    gif_speed: float = option(1.0, group="Film", limit=between(0.05, 100), help="speed of the film: 1 is real time, 2 is twice as fast")
    gif_seconds: float = option(300.0, group="Film", limit=POSITIVE, help="maximum duration of a film in seconds; the film of a longer episode shows its beginning")
    annotate: bool = option(False, group="Film", help="show the agent's probabilities, value, score and repeats beside the game")
    gif_scale: int | None = option(None, group="Film", limit=between(1, 20), help="integer factor that enlarges the game's pixels, and with them the panel of --annotate (chosen to give about 420 rows)")
    # fmt: on


@dataclass(frozen=True, kw_only=True)
class TestOptions(FilmOptions):
    """The options of test.py."""

    # fmt: off
    json: str | None = option(None, group="Result", limit=PATH, help="JSON file for the scores and lengths of the episodes, the truncated ones (numbered from 1), statistics, and the policy's uncertainty in nats")
    # fmt: on


def parse_test_options(argv: Sequence[str], description: str) -> TestOptions:
    """Parse the options of test.py as `parse` does. A typed option of a film without --gif_name is a UserError too."""
    typed = typed_options(TestOptions, argv, description)
    check_limits(TestOptions, typed)
    for field in fields(TestOptions):
        if field.metadata["group"] == "Film" and field.name in typed and "gif_name" not in typed:
            raise UserError(f"{flag(field)}: test.py writes films only with -gn NAME; add it, or leave this option out")
    return TestOptions(**typed)
