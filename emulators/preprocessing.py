"""From a game's screen to what the network sees: 84x84 pixels, gray or RGB, the last four frames in a stack.

The order of work is chosen for speed: the 84x84 pixels are picked first, their colour is looked up afterwards, and the
stack holds the four frames of a pixel in one 32-bit word, so that pushing a frame is a shift. Mnih et al. 2015 (DQN)
describe the pipeline; the nearest pixel in place of an averaging resize is the original Manette's choice.
"""

import numpy as np

SIZE = 84  # rows and columns of an observation
STACK = 4  # frames in an observation, oldest first
GRAY_WEIGHTS = np.array([299, 587, 114], np.uint32)  # of red, green and blue, in thousandths: ITU-R BT.601


def nearest(length: int) -> np.ndarray:
    """Source row (or column) of each of the 84 target ones, by pixel centres in exact integers, intp [84]."""
    return (2 * np.arange(SIZE) + 1) * length // (2 * SIZE)


class FramePicker:
    """Turns native screens into one 84x84 frame: nearest pixels, gray or RGB, pixel-wise maximum over the screens."""

    def __init__(self, height: int, width: int, rgb: bool, table: np.ndarray | None = None):
        """`table` says what a palette index looks like, uint8 [256] or [256, 3]; None: the screens are RGB already."""
        self.rgb = rgb
        self.table = table
        self.pixels = nearest(height)[:, None] * width + nearest(width)  # intp [84, 84], into a flat screen

    def __call__(self, screens: np.ndarray) -> np.ndarray:
        """Screens uint8 [N, height, width] (indices) or [N, height, width, 3] (RGB) -> uint8 [84, 84, 3 or 1]."""
        frame = self._pick(screens[0])
        for screen in screens[1:]:
            np.maximum(frame, self._pick(screen), out=frame)
        return frame if self.rgb else frame[:, :, None]

    def _pick(self, screen: np.ndarray) -> np.ndarray:
        if self.table is not None:
            return self.table.take(screen.reshape(-1).take(self.pixels, mode="clip"), axis=0, mode="clip")
        colours = screen.reshape(-1, 3).take(self.pixels, axis=0, mode="clip")
        return colours if self.rgb else (colours @ GRAY_WEIGHTS // 1000).astype(np.uint8)


class FrameStack:
    """The last four frames, one little-endian 32-bit word per pixel and colour: the lowest byte is the oldest frame."""

    def __init__(self, rgb: bool):
        self.words = np.zeros((SIZE, SIZE, 3 if rgb else 1), "<u4")

    def push(self, frame: np.ndarray) -> None:
        """Drop the oldest frame and add `frame`, uint8 [84, 84, C]; observations given out before stay as they were."""
        self.words = self.words >> np.uint32(8)
        self.words.view(np.uint8)[:, :, STACK - 1 :: STACK] = frame

    def fill(self, frame: np.ndarray) -> None:
        """Make `frame` all four frames."""
        for _ in range(STACK):
            self.push(frame)

    @property
    def observation(self) -> np.ndarray:
        """uint8 [84, 84, 4] gray, or [84, 84, 12]: four reds, four greens, four blues; oldest first."""
        return self.words.view(np.uint8)
