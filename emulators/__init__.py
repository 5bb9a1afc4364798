"""Emulators run games and return observations. Nothing here imports TensorFlow, so worker processes start fast."""

import emulators.sdl  # noqa: F401 - must come before any import of pygame
from emulators.emulator import Emulator, GameError
from emulators.pool import EmulatorPool
from emulators.registry import (
    Game,
    choose_frame_skip,
    find_game,
    frame_skip_by_name,
    list_games,
    make_emulator,
    short_name,
)
from emulators.workers import WorkerError

__all__ = [
    "Emulator",
    "EmulatorPool",
    "Game",
    "GameError",
    "WorkerError",
    "choose_frame_skip",
    "frame_skip_by_name",
    "find_game",
    "list_games",
    "make_emulator",
    "short_name",
]
