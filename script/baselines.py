"""Play a game at random, and by a simple rule where there is one: what an agent should beat."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
import statistics
from collections.abc import Sequence

from emulators import find_game
from emulators.gym_settings import starts_at_random
from paac.cli import entry_point
from paac.cli.command_line import PATH, SEED, between, option, parse
from paac.cli.options import Options


@dataclasses.dataclass(frozen=True, kw_only=True)
class BaselinesOptions:
    """Options of baselines.py."""

    # fmt: off
    game: str = option("pong", "-g", group="Game", help="train.py --list_games shows all")
    rom_path: str = option(Options.rom_path, group="Game", limit=PATH, help="folder looked in first for NAME.bin")
    test_count: int = option(50, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="episodes to play")
    seed: int = option(1, group="Episodes", limit=SEED, help="of the episodes; those of test.py with the same")
    # fmt: on


def main(argv: Sequence[str]) -> None:
    options = parse(BaselinesOptions, argv, __doc__ or "")

    from agents.players import baselines

    game = find_game(options.game, options.rom_path)
    if game.notice:
        print(game.notice)
    found = baselines(game, options.test_count, options.seed, random_start=starts_at_random(str(game)))
    for player, scores in found.items():
        mean, std = statistics.fmean(scores), statistics.pstdev(scores)
        print(f"{game}, {player}: mean {mean:.2f}, std {std:.2f}, min {min(scores):.2f}, max {max(scores):.2f}")


if __name__ == "__main__":
    entry_point.run(main)
