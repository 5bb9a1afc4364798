"""The window of --visualize, which shows the games while they are played."""

import math

import numpy as np

from paac.cli.errors import UserError

MAX_SCALE = 4.0
GAP = 4  # pixels between two screens
GAP_COLOUR = 64  # gray, so that screens with a black edge are told apart


class Viewer:
    """A window that opens at the first `show`. The training continues when the user closes it."""

    def __init__(self, which: int):
        """`which` is 1 for all emulators, 2 for one. Raises DisplayError without a display."""
        from emulators.window import Window  # imported here: training without a window needs no pygame

        self._which = which
        self._window = Window("Manette")

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


def open_viewer(which: int) -> Viewer | None:
    """Open the window of --visualize `which`; 0 opens none.

    If the display does not answer, print a line that says so and return None. Raises UserError if no display is set.
    """
    if not which:
        return None
    from emulators.window import DisplayError, is_display_set

    try:
        return Viewer(which)
    except DisplayError as error:
        if not is_display_set():
            raise UserError(f"-v {which}: {error}; leave -v out") from None
        print(f"-v {which}: {error}; the training goes on without a window")
        return None


def tile_screens(screens: np.ndarray) -> np.ndarray:
    """Return `screens` as a grid with gaps, row by row, uint8 [height, width, 3]; empty cells are gray."""
    count, height, width, channels = screens.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    cells = np.full((rows * columns, height + GAP, width + GAP, channels), GAP_COLOUR, np.uint8)
    cells[:count, :height, :width] = screens
    grid = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    return grid.reshape(rows * (height + GAP), columns * (width + GAP), channels)[:-GAP, :-GAP]
