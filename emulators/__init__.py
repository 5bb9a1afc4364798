"""Games in, observations out. Nothing here knows of TensorFlow, so that worker processes start fast."""

import emulators.sdl  # noqa: F401 - before anything imports pygame
from emulators.emulator import Emulator, GameError
from emulators.pool import EmulatorPool
from emulators.registry import Game, find_game, list_games, make_emulator, short_name
from emulators.workers import WorkerError

__all__ = [
    "Emulator",
    "EmulatorPool",
    "Game",
    "GameError",
    "WorkerError",
    "find_game",
    "list_games",
    "make_emulator",
    "short_name",
]
