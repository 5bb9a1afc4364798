"""From what a user types after -g to an emulator."""

import difflib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.emulator import Emulator, GameError, Seed
from emulators.gym_settings import GAMES, GymSettings, settings_of

ROM_PATH = "./atari_roms"
PLATFORMS = ("atari", "gym", "tetris")
TETRIS = "tetris"  # ours; the Atari cartridge is atari:tetris


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
    platform, _, name = game.rpartition(":")
    if platform == "tetris" and name == TETRIS:
        return name
    if platform == "atari" and name != TETRIS and re.fullmatch("[a-z0-9_]+", name):
        return name
    return name if platform == "gym" and re.search(r"[A-Z]", name) else game


def find_game(game: str, rom_path: str = ROM_PATH) -> Game:
    """Look `game`, a NAME or PLATFORM:NAME, up. Raises GameError, with near matches, if there is none to play."""
    platform, _, name = game.rpartition(":")
    if platform not in ("", *PLATFORMS):
        raise GameError(f"-g {game}: no platform {platform!r}; there are {', '.join(PLATFORMS)}")
    if platform == "tetris" or (name == TETRIS and not platform):
        if name != TETRIS:
            raise GameError(f"-g {game}: the platform tetris has one game; type -g tetris")
        return Game("tetris", name, "")
    from emulators import atari  # late: --help need not wait for the emulator

    if platform in ("", "atari") and re.fullmatch(r"[\w-]{1,100}", name):
        rom, notice = atari.find_rom(name, rom_path)
        if rom is not None:
            return Game("atari", name, rom, notice)
    from emulators import gym

    if platform in ("", "gym") and gym.is_registered(name):
        gym.make_environment(name).close()  # or the line why not
        return Game("gym", name, "")
    known = sorted({*atari.game_names(), *(file.stem for file in Path(rom_path).glob("*.bin"))})
    names = [*known, TETRIS, *gym.game_names()]
    by_letters = {re.sub(r"\W+", "_", name.lower()): name for name in names[::-1]}
    near = difflib.get_close_matches(re.sub(r"\W+", "_", name.lower()), by_letters, n=3)
    meant = " or ".join(by_letters[letters] for letters in near)
    hint = f"did you mean {meant}" if near else f"for example {', '.join(known[::15])}"
    raise GameError(f"-g {game}: no game of that name; {hint}; train.py --list_games shows all")


def frame_skip(game: str) -> int:
    """Frames of one play of `game`, a NAME or PLATFORM:NAME; nothing is started, and its ROM need not be there."""
    platform, _, name = game.rpartition(":")
    if platform == "tetris" or (name == TETRIS and not platform):
        return settings_of("tetris", name).frame_skip
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
    """One emulator of `game`; two with the same `seed`, a number or several, play the same frames.

    Raises GameError for a game that cannot be played. `Emulator` and `AtariEmulator` explain the other arguments.
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
        raise GameError(
            f"-g {game}: --sticky_actions, --full_action_space and --protocol machado are Atari's; leave them out"
        )
    return _make_gym_emulator(settings_of(game.platform, game.name), settings)


def _make_gym_emulator(gym_settings: GymSettings, settings: dict[str, Any]) -> Emulator:
    from emulators.games import GAMES as OWN_GAMES

    if gym_settings.id in OWN_GAMES:
        from emulators.pixel_game import PixelGameEmulator

        return PixelGameEmulator(gym_settings, **settings)
    from emulators.gym import GymEmulator

    return GymEmulator(gym_settings, **settings)


def list_games(rom_path: str = ROM_PATH) -> dict[str, list[str]]:
    """Names of all games, by platform."""
    from emulators import atari

    own = sorted(file.stem for file in Path(rom_path).glob("*.bin"))
    games = {"atari": [*own, *(name for name in atari.game_names() if name not in own)]}
    return games | {"tetris": [TETRIS], "gym": [*GAMES, "and others with discrete actions that render to pixels"]}
