"""What must be equal on all machines that train one agent on a game."""

import hashlib
import inspect
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
    if source := _source_file(emulator):
        found["SHA-256 of the environment's source"] = _sha256(source)
    return found


def _source_file(emulator: Emulator) -> str | None:
    """Return the file that defines the emulator's Gymnasium environment or small game, None if there is none."""
    environment = getattr(emulator, "environment", None) or getattr(emulator, "game", None)
    try:
        return inspect.getsourcefile(type(environment))
    except (TypeError, OSError):  # no environment, or one that is not written in Python
        return None


def _sha256(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
