"""The window of --visualize, which shows the games while they are played."""

import math

import numpy as np

from paac.cli.errors import UserError

MAX_SCALE = 4.0


class Viewer:
    """A window that opens at the first `show`. The training continues when the user closes it."""

    def __init__(self, which: int):
        """`which` is 1 for all emulators, 2 for one. Raises UserError without a display."""
        from emulators.window import DisplayError, Window  # imported here: training without a window needs no pygame

        self._which = which
        try:
            self._window = Window("Manette")
        except DisplayError as error:
            raise UserError(f"-v {which}: {error}; leave -v out") from None

    def show(self, screens: np.ndarray) -> None:
        """Show `screens`, uint8 [B, height, width, 3], as a grid."""
        if self._window.closed:
            return
        picture = tile_screens(screens if self._which == 1 else screens[:1])
        height, width = picture.shape[:2]
        scale = min(MAX_SCALE, self._window.fitting_scale(width, height))
        self._window.show(picture, (int(scale * width), int(scale * height)))

    def close(self) -> None:
        """Close the window."""
        self._window.close()


def tile_screens(screens: np.ndarray) -> np.ndarray:
    """Return `screens` as a grid, row by row, uint8 [rows * height, columns * width, 3]; empty cells are black."""
    count, height, width, _ = screens.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    cells = np.zeros((rows * columns, height, width, 3), np.uint8)
    cells[:count] = screens
    return cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
