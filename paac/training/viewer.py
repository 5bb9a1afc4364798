"""A window with the games that are being played."""

import math
import os
import sys

import numpy as np

from paac.cli.errors import UserError

WIDEST, HIGHEST = 1280, 800  # pixels of the window at most


class Viewer:
    """Opens on the first `show`. Closing the window ends the show, not the training."""

    def __init__(self, which: int):
        """`which` is 1 for all emulators, 2 for one. Raises UserError without a display."""
        import pygame

        self._which = which
        self._pygame = pygame
        self._window: pygame.Surface | None = None
        self._closed = False
        known = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))
        try:
            if sys.platform == "linux" and not known:  # SDL would draw where nobody sees it
                raise pygame.error("DISPLAY is not set")
            pygame.display.init()
        except pygame.error as error:
            raise UserError(f"-v {which}: no display to open a window on ({error}); leave -v out") from None

    def show(self, screens: np.ndarray) -> None:
        """Show `screens`, uint8 [B, height, width, 3], side by side."""
        if self._closed:
            return
        try:
            self._draw(screens)
        except self._pygame.error:  # the display is gone
            self.close()

    def _draw(self, screens: np.ndarray) -> None:
        pygame = self._pygame
        shown = screens if self._which == 1 else screens[:1]
        columns = math.ceil(math.sqrt(len(shown)))
        rows = math.ceil(len(shown) / columns)
        height, width = shown.shape[1:3]
        scale = min(4.0, WIDEST / (columns * width), HIGHEST / (rows * height))
        cell = (int(width * scale), int(height * scale))
        if self._window is None:
            self._window = pygame.display.set_mode((columns * cell[0], rows * cell[1]))
            pygame.display.set_caption("Manette")
        for number, screen in enumerate(shown):
            picture = pygame.image.frombuffer(np.ascontiguousarray(screen), (width, height), "RGB")
            place = (number % columns * cell[0], number // columns * cell[1])
            self._window.blit(pygame.transform.scale(picture, cell), place)
        pygame.display.flip()
        if any(event.type == pygame.QUIT for event in pygame.event.get()):
            self.close()

    def close(self) -> None:
        """Close the window."""
        self._closed = True
        self._pygame.display.quit()
