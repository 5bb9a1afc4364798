"""A window that shows the picture of a game.

It is used by train.py --visualize, by playing by hand and by the small games' render_mode "human".
"""

import os
import sys
from collections.abc import Sequence

import numpy as np
import pygame

from emulators.emulator import GameError

MAX_WIDTH, MAX_HEIGHT = 1280, 800  # pixels of the scaled picture
MIN_TEXT_WIDTH = 420  # pixels; minimum width of a window with text
LINE_HEIGHT = 20  # pixels of a line of text
FONT_SIZE = 14  # pixels
DISPLAYS = "DISPLAY", "WAYLAND_DISPLAY"  # environment variables that name a display
INVISIBLE_DRIVERS = "offscreen", "dummy"  # of SDL: they draw without a window
TEXT, HIGHLIGHT, BACKGROUND = (200, 200, 200), (255, 220, 120), (24, 24, 28)


class DisplayError(GameError):
    """There is no display to open a window on, or it does not answer. The message is one line that says why."""


def is_display_set() -> bool:
    """Return whether the environment names a display. Systems other than Linux need no name."""
    return sys.platform != "linux" or any(map(os.environ.get, (*DISPLAYS, "SDL_VIDEODRIVER")))


def _check_visible() -> None:
    """Raise pygame.error if SDL draws without a window, which it does when the display does not answer.

    A user who sets SDL_VIDEODRIVER to such a driver wants no window.
    """
    if pygame.display.get_driver() in INVISIBLE_DRIVERS and os.environ.get("SDL_VIDEODRIVER") not in INVISIBLE_DRIVERS:
        pygame.display.quit()
        named = [f"{name}={os.environ[name]}" for name in DISPLAYS if os.environ.get(name)]
        raise pygame.error(f"{' and '.join(named) or 'the display'} does not answer")


class Window:
    """A window that shows one picture at a time, with lines of text below it.

    The window opens with the first picture. `closed` becomes true when `close` is called, when the user closes the
    window, and when pygame loses its display; from then on `show` does nothing. If the X server ends, its library Xlib
    ends the whole process.
    """

    def __init__(self, title: str):
        """Raises DisplayError if there is no display, or if it does not answer."""
        try:
            if not is_display_set():
                raise pygame.error("DISPLAY is not set")
            pygame.display.init()
            _check_visible()
        except pygame.error as error:
            raise DisplayError(f"no display to open a window on ({error})") from None
        self.closed = False
        self._title = title
        self._surface: pygame.Surface | None = None

    @staticmethod
    def fitting_scale(width: int, height: int) -> float:
        """Return the largest factor at which a picture of `width` x `height` pixels still fits the window's limits."""
        return min(MAX_WIDTH / width, MAX_HEIGHT / height)

    def show(self, picture: np.ndarray, size: tuple[int, int], lines: Sequence[str] = ()) -> None:
        """Show `picture`, uint8 [height, width, 3], scaled to `size`, a (width, height) in pixels.

        All calls for one window must pass the same `size` and equally many `lines`. The first line is highlighted.
        """
        if self.closed:
            return
        try:
            if not pygame.display.get_init():  # a game in this process, such as CartPole, ended pygame when it closed
                pygame.display.init()
                _check_visible()
                self._surface = None
            self._draw(picture, size, lines)
            if any(event.type == pygame.QUIT for event in pygame.event.get(exclude=pygame.KEYDOWN)):
                self.close()
        except pygame.error:  # pygame has lost the display
            self.close()

    def _draw(self, picture: np.ndarray, size: tuple[int, int], lines: Sequence[str]) -> None:
        surface = self._surface or self._open(size, len(lines))
        image = pygame.image.frombuffer(np.ascontiguousarray(picture).data, picture.shape[1::-1], "RGB")
        surface.fill(BACKGROUND)
        surface.blit(pygame.transform.scale(image, size), ((surface.get_width() - size[0]) // 2, 0))
        for row, line in enumerate(lines):
            text = self._font.render(line, True, TEXT if row else HIGHLIGHT)
            surface.blit(text, (8, size[1] + 4 + row * LINE_HEIGHT))
        pygame.display.flip()

    def _open(self, size: tuple[int, int], lines: int) -> pygame.Surface:
        width, height = size
        if lines:
            pygame.font.init()
            self._font = pygame.font.Font(pygame.font.get_default_font(), FONT_SIZE)
            width, height = max(MIN_TEXT_WIDTH, width), height + lines * LINE_HEIGHT + 8
        self._surface = pygame.display.set_mode((width, height))
        pygame.display.set_caption(self._title)
        return self._surface

    def pressed_keys(self) -> list[str]:
        """Return the names of the keys that were pressed since the last call, in order."""
        return [pygame.key.name(event.key) for event in pygame.event.get(pygame.KEYDOWN)]

    def held_keys(self, names: Sequence[str]) -> set[str]:
        """Return those of `names` whose keys are down."""
        down = pygame.key.get_pressed()
        return {name for name in names if down[pygame.key.key_code(name)]}

    def close(self) -> None:
        """Close the window. It is safe to call this twice."""
        if not self.closed:
            self.closed = True
            pygame.display.quit()
