"""Finds the game that a user names with -g, and makes its emulators."""

import difflib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.emulator import Emulator, GameError, Seed
from emulators.gym_settings import DEFAULT_FRAME_SKIP, GymSettings, settings_of, suitable_frame_skip

ROM_PATH = "./atari_roms"
NO_KWARGS = "{}"
PLATFORMS = ("atari", "gym", "tetris")
TETRIS = "tetris"  # our own game; the Atari cartridge is atari:tetris
# Gymnasium's names of an Atari game: Pong-v0, PongNoFrameskip-v4, Pong-ramDeterministic-v4, ALE/Pong-v5.
ATARI_ID = re.compile(r"(?:ALE/)?(\w+?)(?:-ram)?(?:NoFrameskip|Deterministic)?-v\d+")
TETRIS_NAMES = (TETRIS, "Tetris", "Tetris-v0")  # the second is its name in the original Manette


@dataclass(frozen=True)
class Game:
    """A game that was found. The parent finds it once and sends it, pickled, to every worker."""

    platform: str  # one of PLATFORMS
    name: str
    rom: str  # path of the ROM file, "" on platforms without ROMs
    notice: str = ""  # one line that the user should read, or ""
    env_kwargs: str = NO_KWARGS  # arguments of the Gymnasium environment, a JSON object
    frame_rate: float | None = None  # of the Gymnasium environment, in frames per second, if it has one

    def __str__(self) -> str:
        return short_name(f"{self.platform}:{self.name}")


def short_name(game: str) -> str:
    """Return NAME for PLATFORM:NAME if it means the same game, and `game` unchanged otherwise."""
    platform, name = split_name(game)
    if _is_own_tetris(platform, name):
        return TETRIS
    if platform == "atari" and name != TETRIS and re.fullmatch("[a-z0-9_]+", name):
        return name
    is_unique = re.search(r"[A-Z]", name) and not split_name(name)[0]
    return name if platform == "gym" and is_unique else game


def split_name(game: str) -> tuple[str, str]:
    """Return the platform and the name of the game PLATFORM:NAME; the platform of another text is ""."""
    platform, colon, name = game.partition(":")
    return (platform, name) if colon and platform in PLATFORMS else ("", game)


def _is_own_tetris(platform: str, name: str) -> bool:
    return platform != "atari" and name in TETRIS_NAMES


def find_game(game: str, rom_path: str = ROM_PATH, env_kwargs: str = NO_KWARGS) -> Game:
    """Look up `game`, a NAME or PLATFORM:NAME. The NAME of an environment of another package is MODULE:ID.

    `env_kwargs` are the arguments of a Gymnasium environment, a JSON object. Raises GameError if the game does not
    exist or cannot be played; the message suggests similar names.
    """
    found = _find_game(game, rom_path, env_kwargs)
    if found.env_kwargs != env_kwargs:
        raise GameError(f"-g {game}: --env_kwargs apply only to Gymnasium's environments; leave them out")
    return found


def _find_game(game: str, rom_path: str, env_kwargs: str) -> Game:
    platform, name = split_name(game)
    if _is_own_tetris(platform, name):
        return Game("tetris", TETRIS, "")
    if ":" in name:
        return _find_in_module(game, platform, name, env_kwargs)
    if platform == "tetris":
        raise GameError(f"-g {game}: the platform tetris has one game; type -g tetris")
    from emulators import atari  # imported here so that --help need not wait for it

    if platform in ("", "atari") and (re.fullmatch(r"[\w-]{1,100}", name) or name in own_roms(rom_path)):
        rom, notice = atari.find_rom(name, rom_path)
        if rom is not None:
            return Game("atari", name, rom, notice)
    from emulators import gym

    if platform in ("", "gym") and gym.is_registered(name):
        kwargs = NO_KWARGS if name in gym.small_games() else env_kwargs
        return _gym_game(name, kwargs)
    hint = _hint(name, sorted(_atari_names(rom_path)), gym.suggested_names())
    raise GameError(f"-g {game}: there is no game of that name; {hint}")


def _hint(name: str, atari_names: list[str], gym_names: list[str]) -> str:
    """Return what may have been meant by `name`, and how to see all games, for messages."""
    gym_id = ATARI_ID.fullmatch(name)
    same_game = [known for known in atari_names if gym_id and _letters(known) == _letters(gym_id[1])]
    if same_game:
        playable = f"atari:{TETRIS}" if same_game[0] == TETRIS else same_game[0]
        return f"did you mean {playable}? It is the same game, but not with the frame skip and the rules of that id"
    by_letters = {_letters(known): known for known in [*atari_names, TETRIS, *gym_names][::-1]}
    letters = _letters(name)
    similar = [letters] if letters in by_letters else difflib.get_close_matches(letters, by_letters, n=3)
    meant = " or ".join(by_letters[letters] for letters in similar)
    hint = f"did you mean {meant}?" if similar else f"examples are {', '.join(atari_names[::15])}."
    if letters not in similar and re.fullmatch(r"[A-Z].*-v\d+", name):
        hint += f" For an environment of your own, type MODULE:{name}."
    return f"{hint} train.py --list_games shows all games"


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def own_roms(rom_path: str) -> list[str]:
    """Return the names of the games in the folder `rom_path`, sorted: NAME for each file NAME.bin, except hidden ones.

    A colon would end the name of a platform, so files with colons in their names are left out.
    """
    names = [file.stem for file in Path(rom_path).glob("*.bin")]
    return sorted(name for name in names if not name.startswith(".") and ":" not in name)


def _atari_names(rom_path: str = ROM_PATH) -> list[str]:
    """Return the names of the Atari games that can be played: first those in `rom_path`, then those of ale-py."""
    from emulators import atari

    own = [name for name in own_roms(rom_path) if atari.is_playable(Path(rom_path) / f"{name}.bin")]
    return [*own, *(name for name in atari.game_names() if name not in own)]


def _find_in_module(game: str, platform: str, name: str, env_kwargs: str) -> Game:
    """Import the module of an environment MODULE:ID, and look it up."""
    from emulators import gym

    module = name.rpartition(":")[0]
    if platform not in ("", "gym") or not gym.is_module(module):
        missing = f"{platform}:{module}" if platform else module
        platforms = ", ".join(PLATFORMS)
        raise GameError(
            f"-g {game}: there is no platform or module {missing!r}; the platforms are {platforms}, and a module must "
            "be installed, beside train.py or in a folder of PYTHONPATH"
        )
    if gym.is_atari(name):
        raise GameError(f"-g {game}: {_hint(name.rpartition(':')[2], _atari_names(), [])}")
    return _gym_game(name, env_kwargs)


def _gym_game(name: str, env_kwargs: str) -> Game:
    from emulators import gym

    frame_rate, notice = gym.check_environment(name, env_kwargs)
    return Game("gym", name, "", notice, env_kwargs, frame_rate)


def frame_skip_by_name(game: str) -> int:
    """Return the frames in one play of `game`, a NAME or PLATFORM:NAME, as far as the name tells.

    It is also the frame skip of runs that saved none. The game need not exist on this machine, and no MODULE is
    imported: no earlier version played MODULE:ID.
    """
    platform, name = split_name(game)
    if ":" in name:
        return DEFAULT_FRAME_SKIP
    if _is_own_tetris(platform, name):
        return settings_of("tetris", TETRIS).frame_skip or DEFAULT_FRAME_SKIP
    if not platform and re.search("[A-Z]", name):
        from emulators import gym

        try:
            platform = "gym" if gym.is_registered(name) else ""
        except GameError:  # the package of the environment is missing here
            platform = "gym"
    return DEFAULT_FRAME_SKIP if platform == "gym" else Emulator.frame_skip


def choose_frame_skip(game: str, rom_path: str = ROM_PATH, env_kwargs: str = NO_KWARGS) -> int:
    """Return the frames in one play of `game` in a new run. It opens a Gymnasium environment to see its frame rate.

    For a game that cannot be played it returns a number too: `find_game` reports such a game.
    """
    try:
        # A name without capitals, a colon or the "-" of a version is that of an Atari game.
        if split_name(game)[0] in ("", "gym") and re.search("[A-Z:-]", game):
            found = find_game(game, rom_path, env_kwargs)
            if found.platform == "gym":
                return settings_of("gym", found.name).frame_skip or suitable_frame_skip(found.frame_rate)
        return frame_skip_by_name(game)
    except GameError:
        return DEFAULT_FRAME_SKIP


def make_emulator(
    game: str | Game,
    *,
    seed: Seed,
    rom_path: str = ROM_PATH,
    env_kwargs: str = NO_KWARGS,
    frame_skip: int | None = None,
    sticky_actions: float = 0.0,
    full_action_space: bool = False,
    **settings: Any,
) -> Emulator:
    """Make one emulator of `game`.

    Two emulators with the same `seed`, one integer or several, play the same frames when given the same actions.
    `rom_path` and `env_kwargs` are those of `find_game`, and unused if `game` is a `Game`. Without `frame_skip` the
    game chooses it. `AtariEmulator` explains the options of Atari games, `Emulator` the other `settings`. Raises
    GameError for a game that cannot be played, or not with these arguments.
    """
    if isinstance(game, str):
        game = find_game(game, rom_path, env_kwargs)
        if game.notice:
            warnings.warn(game.notice, stacklevel=2)
    if game.platform != "gym":
        own = frame_skip_by_name(f"{game.platform}:{game.name}")
        if frame_skip not in (None, own):
            raise GameError(f"--frame_skip {frame_skip}: {game} always has a frame skip of {own}; leave the option out")
    settings["seed"] = seed
    if game.platform == "atari":
        from emulators.atari import AtariEmulator

        return AtariEmulator(game.rom, sticky_actions=sticky_actions, full_action_space=full_action_space, **settings)
    if sticky_actions or full_action_space:
        options = "--sticky_actions, --full_action_space and --protocol machado"
        raise GameError(f"-g {game}: {options} apply only to Atari games; leave them out")
    gym_settings = settings_of(game.platform, game.name)
    gym_settings = gym_settings._replace(frame_skip=frame_skip or gym_settings.frame_skip)
    return _make_gym_emulator(gym_settings, game.env_kwargs, settings)


def _make_gym_emulator(gym_settings: GymSettings, env_kwargs: str, settings: dict[str, Any]) -> Emulator:
    from emulators.games import OWN_GAMES

    if gym_settings.id in OWN_GAMES:
        from emulators.pixel_emulator import PixelGameEmulator

        return PixelGameEmulator(gym_settings, **settings)
    from emulators.gym import GymEmulator

    return GymEmulator(gym_settings, env_kwargs=env_kwargs, **settings)


def list_games(rom_path: str = ROM_PATH) -> dict[str, list[str]]:
    """Return the names of the games by platform, for `train.py --list_games`.

    The last entry of "gym" is not a name: it describes the other environments that can be played.
    """
    from emulators import gym

    names = [f"atari:{TETRIS}" if name == TETRIS else name for name in _atari_names(rom_path)]
    others = (
        "and others with discrete actions that render to pixels, those of your module as MODULE:ID; LunarLander-v3 "
        "needs pip install gymnasium[box2d]"
    )
    return {"atari": names, "tetris": [TETRIS], "gym": [*gym.listed_names(), others]}
