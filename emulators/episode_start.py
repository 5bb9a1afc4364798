"""The start of an episode: no-op frames, and a frame stack that is full before the agent's first decision."""

from typing import TYPE_CHECKING

from emulators.preprocessing import STACK

if TYPE_CHECKING:
    from emulators.emulator import Emulator

MAX_RESTARTS = 10  # of a game that ends before the agent's first decision


def start_episode(emulator: "Emulator") -> None:
    """Start a game, play the random start and fill the frame stack, as `Emulator.reset` describes.

    If the game ends during these frames, it starts again, at most `MAX_RESTARTS` times. If it still ends, it starts
    once more and nothing is played: the first screen fills the stack. `on_restart` is called before each restart.
    """
    if emulator.noop is None:
        _start_with_first_screen(emulator)
        return
    for _ in range(1 + MAX_RESTARTS):
        _start_game(emulator)
        _play_noops(emulator, emulator.noop)
        if not (emulator._is_over() or emulator._is_truncated()):
            return
        if emulator.on_restart is not None:
            emulator.on_restart()
    _start_with_first_screen(emulator)


def _play_noops(emulator: "Emulator", noop: int) -> None:
    if emulator.random_start:
        for _ in range(emulator._random.integers(emulator.max_noops + 1)):
            emulator._frame(noop)
    for screens in emulator._screens:
        emulator._play(noop, screens)
    emulator._push(STACK)


def _start_with_first_screen(emulator: "Emulator") -> None:
    _start_game(emulator)
    emulator._screen = emulator._screens[-1][-1]
    emulator._show(emulator._screen)
    emulator._report_frame()
    emulator._stack.fill(emulator._screen)


def _start_game(emulator: "Emulator") -> None:
    emulator._start()
    emulator._frames = 0
