"""What must be equal on all machines that train one agent on a game."""

import hashlib
import inspect
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from emulators.emulator import Emulator
from emulators.registry import Game


def fingerprint(game: Game, emulator: Emulator) -> dict[str, str]:
    """Return what must be equal in all processes that play `game` in emulators like `emulator`, by its name."""
    found = {
        "game": str(game),
        "actions": " ".join(emulator.action_names),
        "screen": "x".join(map(str, emulator.screen().shape)),
        "frame skip": str(emulator.frame_skip),
        "maximum of frames in an episode": str(emulator.max_episode_frames),
        "ability to save": str(emulator.can_save),
    }
    if game.rom:
        found |= {"SHA-256 of the ROM": _sha256(game.rom), "version of ale-py": version("ale-py")}
    # The emulator's Gymnasium environment or small game.
    environment = getattr(emulator, "environment", None) or getattr(emulator, "game", None)
    # None has no source, and an environment may be written in another language or come without its source.
    with suppress(TypeError, OSError):
        found["SHA-256 of the environment's source"] = _sha256(inspect.getfile(type(environment)))
    return found


def _sha256(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
