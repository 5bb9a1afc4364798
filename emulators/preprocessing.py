"""From a game's screen to an observation: 84x84 pixels, gray or RGB, with the last four frames stacked.

The pipeline is that of Mnih et al. 2015 (DQN), except that it takes the nearest pixel where they average, as the
original Manette does. Numba compiles the loops: they visit each sampled pixel once and need no intermediate arrays.
"""

import numpy as np
from numba import njit

SIZE = 84  # rows and columns of an observation
STACK = 4  # frames in an observation, oldest first
FRAME_BITS, NEWEST_SHIFT = np.uint32(8), np.uint32(24)  # of a word: bits per frame, and position of the newest frame
IDENTITY = np.arange(256, dtype=np.uint8)  # a table that changes no value


def nearest_pixels(length: int) -> np.ndarray:
    """Return the source row (or column) nearest to each of the 84 target rows (or columns), uint32 [84].

    It compares the centres of the pixels, in exact integer arithmetic.
    """
    nearest = (2 * np.arange(SIZE) + 1) * length // (2 * SIZE)
    return nearest.astype(np.uint32)  # unsigned, so that Numba does not check for negative indices


class FrameStack:
    """The last four frames. A frame is the pixel-wise maximum of two screens, sampled at the nearest pixels.

    For each pixel and colour channel, one little-endian 32-bit word holds the values in all four frames, one byte each.
    The lowest byte is the oldest frame, so one shift drops it and makes room for the newest.
    """

    def __init__(self, height: int, width: int, rgb: bool, table: np.ndarray | None = None):
        """`table` gives the gray value or colour of each palette index, uint8 [256] or [256, 3].

        Without a table the screens must be RGB. `rgb` says whether the frames are RGB or gray.
        """
        self.words = np.zeros((SIZE, SIZE, 3 if rgb else 1), "<u4")
        self.in_place = False  # True: a push changes `words`; False: it makes a new array
        self._pixels = nearest_pixels(height), nearest_pixels(width)
        self._tables = None if table is None else list(np.ascontiguousarray(table.reshape(256, -1).T))  # by channel

    def push(self, first: np.ndarray, second: np.ndarray) -> None:
        """Drop the oldest frame and add the maximum of two screens as the newest.

        Screens are uint8 [height, width] (palette indices) or [height, width, 3] (RGB). Observations that were returned
        earlier keep their values, unless the stack works in place.
        """
        before = self.words
        if not self.in_place:
            self.words = np.empty_like(before)
        if self._tables is not None:
            for channel, table in enumerate(self._tables):
                _push(first, second, *self._pixels, table, before[:, :, channel], self.words[:, :, channel])
        elif self.words.shape[2] == 1:
            _push_gray(first, second, *self._pixels, before[:, :, 0], self.words[:, :, 0])
        else:
            for channel in range(3):
                one, other = first[:, :, channel], second[:, :, channel]
                _push(one, other, *self._pixels, IDENTITY, before[:, :, channel], self.words[:, :, channel])

    def set(self, words: np.ndarray) -> None:
        """Replace all four frames by those in `words`, uint32 [84, 84, 1 or 3]. Raises ValueError for others."""
        if (words.shape, words.dtype) != (self.words.shape, self.words.dtype):
            expected = f"{self.words.dtype} {list(self.words.shape)}"
            raise ValueError(f"the saved frames are {words.dtype} {list(words.shape)}, but must be {expected}")
        if self.in_place:
            self.words[...] = words
        else:
            self.words = words

    def fill(self, screen: np.ndarray) -> None:
        """Set all four frames to one screen."""
        for _ in range(STACK):
            self.push(screen, screen)

    @property
    def observation(self) -> np.ndarray:
        """The frames as an observation, oldest first.

        It is uint8 [84, 84, 4] for gray frames. For RGB frames it is [84, 84, 12]: the four frames of red, then those
        of green, then those of blue.
        """
        return self.words.view(np.uint8)


@njit
def _push(first, second, rows, columns, table, before, words):
    """Push one channel: `table` [256] translates the values of the screens [height, width]; words are [84, 84]."""
    for row in range(SIZE):
        one, other, old, new = first[rows[row]], second[rows[row]], before[row], words[row]
        for column in range(SIZE):
            x = columns[column]
            newest = max(table[one[x]], table[other[x]])
            new[column] = old[column] >> FRAME_BITS | np.uint32(newest) << NEWEST_SHIFT


@njit
def _push_gray(first, second, rows, columns, before, words):
    """Push RGB screens [height, width, 3] as gray."""
    for row in range(SIZE):
        one, other, old, new = first[rows[row]], second[rows[row]], before[row], words[row]
        for column in range(SIZE):
            x = columns[column]
            new[column] = old[column] >> FRAME_BITS | max(_gray(one[x]), _gray(other[x])) << NEWEST_SHIFT


@njit
def _gray(pixel):
    """Return the luma of ITU-R BT.601, 0.299 red + 0.587 green + 0.114 blue, rounded down."""
    return np.uint32((299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2]) // 1000)
