"""Play a game by hand; the window shows what its keys do. P pauses, R restarts, G saves a gif, Escape quits."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
import os
import re
from collections.abc import Sequence
from contextlib import closing

import numpy as np

from paac.cli import entry_point
from paac.cli.command_line import PATH, SEED, JsonObject, option, parse
from paac.cli.options import Options
from paac.training.find_runs import check_rom_path
from paac.video.film import Film


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """Options of play.py."""

    # fmt: off
    game: str = option("pong", "--game", "-g", group="Game", help="game to play; train.py --list_games lists all games")
    env_kwargs: JsonObject = option(Options.env_kwargs, group="Game", help="arguments of a Gymnasium environment as a JSON object")
    rom_path: str = option(Options.rom_path, group="Game", limit=PATH, help="folder that is searched first for the ROM file NAME.bin")
    seed: int | None = option(None, group="Game", limit=SEED, help="seed of the game: the same seed starts the same game (drawn at random)")
    gif_folder: str = option("./gifs", "-gf", "--gif_folder", group="Film", limit=PATH, help="folder for the gifs that G saves")
    # fmt: on


class GifRecorder:
    """Records the screens of an episode, and writes them as a gif on request."""

    def __init__(self, name: str, options: PlayOptions, **film_settings: float):
        self._name, self._options, self._film_settings = name, options, film_settings
        self.start()

    def start(self) -> None:
        """Start a new recording, and discard the last one."""
        self._film = Film(**self._film_settings)

    def add(self, screen: np.ndarray) -> None:
        """Append one screen."""
        self._film.add(screen)

    def save(self) -> str:
        """Write the gif under the next unused name; returns a message for the player."""
        folder = Path(self._options.gif_folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            number = next(n for n in range(1, 1_000_000) if not (folder / f"{self._name}_{n}.gif").exists())
            file = folder / f"{self._name}_{number}.gif"
            self._film.save(file, self._film.fitting_scale)
        except OSError as error:
            return f"cannot write to {folder} ({error.strerror})"
        return f"saved {file}"


def main(argv: Sequence[str]) -> None:
    options = parse(PlayOptions, argv, __doc__ or "")

    from emulators import find_game, make_emulator
    from emulators.by_hand import ManualPlay

    check_rom_path(options.rom_path)
    game = find_game(options.game, options.rom_path, options.env_kwargs)
    if game.notice:
        print(game.notice)
    seed = int.from_bytes(os.urandom(4)) if options.seed is None else options.seed
    with closing(make_emulator(game, seed=seed)) as emulator:
        recorder = GifRecorder(
            re.sub("[/:]", "_", game.name),
            options,
            frame_rate=emulator.frames_per_second,
            max_pool=emulator.sprites_flicker,
        )
        ManualPlay(str(game), emulator, recorder).play()


if __name__ == "__main__":
    entry_point.run(main)
