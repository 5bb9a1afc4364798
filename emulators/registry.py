"""Finds the game that a user names with -g, and makes its emulators."""

import difflib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.emulator import Emulator, GameError, Seed
from emulators.gym_settings import GAME_SETTINGS, GymSettings, settings_of

ROM_PATH = "./atari_roms"
PLATFORMS = ("atari", "gym", "tetris")
TETRIS = "tetris"  # our own game; the Atari cartridge is atari:tetris
TETRIS_NAMES = (TETRIS, "Tetris")  # the second is its name in the original Manette


@dataclass(frozen=True)
class Game:
    """A game that was found. The parent finds it once and sends it, pickled, to every worker."""

    platform: str  # one of PLATFORMS
    name: str
    rom: str  # path of the ROM file, "" on platforms without ROMs
    notice: str = ""  # one line that the user should read, or ""

    def __str__(self) -> str:
        return short_name(f"{self.platform}:{self.name}")


def short_name(game: str) -> str:
    """Return NAME for PLATFORM:NAME if it means the same game, and `game` unchanged otherwise."""
    platform, _, name = game.rpartition(":")
    if _is_own_tetris(platform, name):
        return TETRIS
    if platform == "atari" and name != TETRIS and re.fullmatch("[a-z0-9_]+", name):
        return name
    return name if platform == "gym" and re.search(r"[A-Z]", name) else game


def _is_own_tetris(platform: str, name: str) -> bool:
    return platform in ("", "tetris") and name in TETRIS_NAMES


def find_game(game: str, rom_path: str = ROM_PATH) -> Game:
    """Look up `game`, a NAME or PLATFORM:NAME.

    Raises GameError if it does not exist or cannot be played; the message suggests similar names.
    """
    platform, _, name = game.rpartition(":")
    if platform not in ("", *PLATFORMS):
        raise GameError(f"-g {game}: there is no platform {platform!r}; the platforms are {', '.join(PLATFORMS)}")
    if _is_own_tetris(platform, name):
        return Game("tetris", TETRIS, "")
    if platform == "tetris":
        raise GameError(f"-g {game}: the platform tetris has one game; type -g tetris")
    from emulators import atari  # imported here so that --help need not wait for it

    if platform in ("", "atari") and (re.fullmatch(r"[\w-]{1,100}", name) or name in own_roms(rom_path)):
        rom, notice = atari.find_rom(name, rom_path)
        if rom is not None:
            return Game("atari", name, rom, notice)
    from emulators import gym

    if platform in ("", "gym") and gym.is_registered(name):
        gym.make_environment(name).close()  # raises GameError if it cannot be played
        return Game("gym", name, "")
    known = sorted({*atari.game_names(), *own_roms(rom_path)})
    names = [*known, TETRIS, *gym.game_names()]
    by_letters = {re.sub(r"\W+", "_", name.lower()): name for name in names[::-1]}
    similar = difflib.get_close_matches(re.sub(r"\W+", "_", name.lower()), by_letters, n=3)
    meant = " or ".join(by_letters[letters] for letters in similar)
    hint = f"did you mean {meant}?" if similar else f"examples are {', '.join(known[::15])}."
    raise GameError(f"-g {game}: there is no game of that name; {hint} train.py --list_games shows all games")


def own_roms(rom_path: str) -> list[str]:
    """Return the names of the games in the folder `rom_path`, sorted: NAME for each file NAME.bin, except hidden ones.

    A colon would end the name of a platform, so files with colons in their names are left out.
    """
    names = [file.stem for file in Path(rom_path).glob("*.bin")]
    return sorted(name for name in names if not name.startswith(".") and ":" not in name)


def frame_skip(game: str) -> int:
    """Return the frames in one play of `game`, a NAME or PLATFORM:NAME, without starting it or needing its ROM."""
    platform, _, name = game.rpartition(":")
    if _is_own_tetris(platform, name):
        return settings_of("tetris", TETRIS).frame_skip
    from emulators import gym

    if platform == "gym" or (not platform and gym.is_registered(name)):
        return settings_of("gym", name).frame_skip
    from emulators.atari import AtariEmulator

    return AtariEmulator.frame_skip


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
    """Make one emulator of `game`.

    Two emulators with the same `seed`, one integer or several, play the same frames when given the same actions.
    `Emulator` and `AtariEmulator` explain the other arguments. Raises GameError for a game that cannot be played.
    """
    if isinstance(game, str):
        game = find_game(game, rom_path)
        if game.notice:
            warnings.warn(game.notice, stacklevel=2)
    settings: dict[str, Any] = {
        "seed": seed,
        "rgb": rgb,
        "random_start": random_start,
        "single_life_episodes": single_life_episodes,
        "max_noops": max_noops,
        "max_episode_frames": max_episode_frames,
    }
    if game.platform == "atari":
        from emulators.atari import AtariEmulator

        return AtariEmulator(game.rom, sticky_actions=sticky_actions, full_action_space=full_action_space, **settings)
    if sticky_actions or full_action_space:
        options = "--sticky_actions, --full_action_space and --protocol machado"
        raise GameError(f"-g {game}: {options} apply only to Atari games; leave them out")
    return _make_gym_emulator(settings_of(game.platform, game.name), settings)


def _make_gym_emulator(gym_settings: GymSettings, settings: dict[str, Any]) -> Emulator:
    from emulators.games import OWN_GAMES

    if gym_settings.id in OWN_GAMES:
        from emulators.pixel_emulator import PixelGameEmulator

        return PixelGameEmulator(gym_settings, **settings)
    from emulators.gym import GymEmulator

    return GymEmulator(gym_settings, **settings)


def list_games(rom_path: str = ROM_PATH) -> dict[str, list[str]]:
    """Return the names of the games by platform, for `train.py --list_games`.

    The last entry of "gym" is not a name: it describes the other environments that can be played.
    """
    from emulators import atari

    own = own_roms(rom_path)
    games = {"atari": [*own, *(name for name in atari.game_names() if name not in own)]}
    others = "and others with discrete actions that render to pixels"
    return games | {"tetris": [TETRIS], "gym": [*GAME_SETTINGS, others]}
