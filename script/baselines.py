"""Play episodes with random actions and, in some games, with a simple rule. A trained agent should score higher."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
import statistics
from collections.abc import Sequence

from emulators import find_game
from emulators.gym_settings import allows_random_start
from paac.cli import entry_point
from paac.cli.command_line import PATH, SEED, JsonObject, between, option, parse
from paac.cli.options import Options
from paac.training.find_runs import check_rom_path


@dataclasses.dataclass(frozen=True, kw_only=True)
class BaselinesOptions:
    """Options of baselines.py."""

    # fmt: off
    game: str = option("pong", "--game", "-g", group="Game", help="game to play; train.py --list_games lists all games")
    env_kwargs: JsonObject = option(Options.env_kwargs, group="Game", help="arguments of a Gymnasium environment as a JSON object")
    rom_path: str = option(Options.rom_path, group="Game", limit=PATH, help="folder that is searched first for the ROM file NAME.bin")
    test_count: int = option(50, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="number of episodes")
    seed: int = option(1, group="Episodes", limit=SEED, help="seed of the episodes; test.py starts the same episodes with the same --seed")
    # fmt: on


def main(argv: Sequence[str]) -> None:
    options = parse(BaselinesOptions, argv, __doc__ or "")

    from agents.players import baseline_scores

    check_rom_path(options.rom_path)
    game = find_game(options.game, options.rom_path, options.env_kwargs)
    if game.notice:
        print(game.notice)
    random_start = allows_random_start(str(game))
    for player, scores in baseline_scores(game, options.test_count, options.seed, random_start=random_start).items():
        mean, std = statistics.fmean(scores), statistics.pstdev(scores)
        print(f"{game}, {player}: mean {mean:.2f}, std {std:.2f}, min {min(scores):.2f}, max {max(scores):.2f}")


if __name__ == "__main__":
    entry_point.run(main)
