"""From a game's screen to what the network sees: 84x84 pixels, gray or RGB, the last four frames in a stack.

Mnih et al. 2015 (DQN) describe the pipeline; the nearest pixel in place of an averaging resize is the choice of the
original Manette. The loops are plain ones that Numba compiles: one pass over the pixels that are picked, and no array
in between.
"""

import numpy as np
from numba import njit

SIZE = 84  # rows and columns of an observation
STACK = 4  # frames in an observation, oldest first
DROP, ADD = np.uint32(8), np.uint32(24)  # bits that the frames of a word move, and where the newest comes in
SAME = np.arange(256, dtype=np.uint8)  # shades that change nothing


def nearest(length: int) -> np.ndarray:
    """Source row (or column) of each of the 84 target ones, by pixel centres in exact integers, uint32 [84]."""
    return ((2 * np.arange(SIZE) + 1) * length // (2 * SIZE)).astype(np.uint32)  # unsigned: no index from the end


class FrameStack:
    """The last four frames, one little-endian 32-bit word per pixel and colour: the lowest byte is the oldest frame.

    So a push is a shift. A frame is the pixel-wise maximum of two screens, nearest pixels, gray or RGB.
    """

    def __init__(self, height: int, width: int, rgb: bool, table: np.ndarray | None = None):
        """`table` says what a palette index looks like, uint8 [256] or [256, 3]; None: the screens are RGB already."""
        self.words = np.zeros((SIZE, SIZE, 3 if rgb else 1), "<u4")
        self.in_place = False  # whether a push changes the words, or makes new ones
        self._pixels = nearest(height), nearest(width)
        self._shades = None if table is None else list(np.ascontiguousarray(table.reshape(256, -1).T))  # by colour

    def push(self, first: np.ndarray, second: np.ndarray) -> None:
        """Drop the oldest frame and add that of two screens; unless in place, observations given out before stay.

        Screens are uint8 [height, width] (palette indices) or [height, width, 3] (RGB).
        """
        before = self.words
        if not self.in_place:
            self.words = np.empty_like(before)
        if self._shades is not None:
            for colour, shades in enumerate(self._shades):
                _push(first, second, *self._pixels, shades, before[:, :, colour], self.words[:, :, colour])
        elif self.words.shape[2] == 1:
            _push_gray(first, second, *self._pixels, before[:, :, 0], self.words[:, :, 0])
        else:
            for colour in range(3):
                one, other = first[:, :, colour], second[:, :, colour]
                _push(one, other, *self._pixels, SAME, before[:, :, colour], self.words[:, :, colour])

    def set(self, words: np.ndarray) -> None:
        """Take over all four frames from another stack's words."""
        if self.in_place:
            self.words[...] = words
        else:
            self.words = words

    def fill(self, screen: np.ndarray) -> None:
        """Make the frame of one screen all four frames."""
        for _ in range(STACK):
            self.push(screen, screen)

    @property
    def observation(self) -> np.ndarray:
        """uint8 [84, 84, 4] gray, or [84, 84, 12]: four reds, four greens, four blues; oldest first."""
        return self.words.view(np.uint8)


@njit
def _push(first, second, rows, columns, shades, before, words):
    """One colour: screens [height, width] of what `shades` [256] translates; words [84, 84]."""
    for row in range(SIZE):
        one, other, old, new = first[rows[row]], second[rows[row]], before[row], words[row]
        for column in range(SIZE):
            x = columns[column]
            newest = max(shades[one[x]], shades[other[x]])
            new[column] = old[column] >> DROP | np.uint32(newest) << ADD


@njit
def _push_gray(first, second, rows, columns, before, words):
    """The same for RGB screens [height, width, 3] that become gray."""
    for row in range(SIZE):
        one, other, old, new = first[rows[row]], second[rows[row]], before[row], words[row]
        for column in range(SIZE):
            x = columns[column]
            new[column] = old[column] >> DROP | max(_gray(one[x]), _gray(other[x])) << ADD


@njit
def _gray(pixel):
    """ITU-R BT.601's weights of red, green and blue, in whole thousandths."""
    return np.uint32((299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2]) // 1000)
