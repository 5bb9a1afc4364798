"""From what a user types after -g to an emulator."""

import difflib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from emulators.emulator import Emulator, GameError, Seed

ROM_PATH = "./atari_roms"

# Names that mean a game of a platform still to come; without this its Atari namesake would answer to them today.
RESERVED = {"tetris": "Manette's own Tetris is not there yet; the Atari cartridge is -g atari:tetris"}


@dataclass(frozen=True)
class Game:
    """A game that exists: picklable, found once by the parent and handed to every worker."""

    platform: str
    name: str
    rom: str
    notice: str = ""  # one line that the user should read, "" if there is none

    def __str__(self) -> str:
        return short_name(f"{self.platform}:{self.name}")


def short_name(game: str) -> str:
    """NAME for PLATFORM:NAME where that means the same."""
    name = game.removeprefix("atari:")
    return game if name in RESERVED else name


def find_game(game: str, rom_path: str = ROM_PATH) -> Game:
    """Look `game`, a NAME or PLATFORM:NAME, up. Raises GameError, with near matches, if there is none to play."""
    from emulators import atari  # late: --help need not wait for the emulator

    platform, _, name = game.rpartition(":")
    if platform not in ("", "atari"):
        raise GameError(f"-g {game}: no platform {platform!r}; there is atari")
    if not platform and name in RESERVED:
        raise GameError(f"-g {name}: {RESERVED[name]}")
    rom, notice = atari.find_rom(name, rom_path) if re.fullmatch(r"[\w-]{1,100}", name) else (None, "")
    if rom is None:
        known = sorted({*atari.game_names(), *(file.stem for file in Path(rom_path).glob("*.bin"))})
        near = difflib.get_close_matches(re.sub(r"\W+", "_", name.lower()), known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"for example {', '.join(known[::15])}"
        raise GameError(f"-g {game}: no game of that name; {hint}")
    return Game("atari", name, rom, notice)


def make_emulator(
    game: str | Game,
    *,
    seed: Seed,
    rgb: bool = False,
    random_start: bool = True,
    single_life_episodes: bool = False,
    rom_path: str = ROM_PATH,
    max_noops: int | None = None,
    max_episode_frames: int = 108_000,
    sticky_actions: float = 0.0,
    full_action_space: bool = False,
) -> Emulator:
    """One emulator of `game`; two with the same `seed`, a number or several, play the same frames.

    Raises GameError for a game that cannot be played. `Emulator` and `AtariEmulator` explain the other arguments.
    """
    from emulators.atari import AtariEmulator

    if isinstance(game, str):
        game = find_game(game, rom_path)
        if game.notice:
            warnings.warn(game.notice, stacklevel=2)
    return AtariEmulator(
        game.rom,
        seed=seed,
        rgb=rgb,
        random_start=random_start,
        single_life_episodes=single_life_episodes,
        max_noops=max_noops,
        max_episode_frames=max_episode_frames,
        sticky_actions=sticky_actions,
        full_action_space=full_action_space,
    )
