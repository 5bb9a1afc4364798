"""Gifs at the speed that a person would see."""

import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

PICTURE_SECONDS = 0.05  # about, from one picture to the next; 3 screens at 60 Hz, which a gif's hundredths say exactly


class Film:
    """Collects an emulator's screens: set `emulator.on_frame = film.add`, then `save`.

    Sprites of the Atari may be shown in every other screen only, so there each picture joins two by a pixel-wise
    maximum.
    """

    def __init__(
        self, speed: float = 1.0, *, frame_rate: float = 60, join: bool = True, most_seconds: float | None = None
    ):
        """`speed` 2 is twice as fast as real, with `frame_rate` screens a second; it ends after `most_seconds`."""
        self._join = join
        self._most_seconds = most_seconds or math.inf
        self._every = max(1, round(PICTURE_SECONDS * frame_rate * speed))
        self._hundredths = max(2, round(100 * self._every / frame_rate / speed))  # 20 ms: viewers slow faster gifs down
        self._pictures: list[Image.Image] = []
        self._before: np.ndarray | None = None
        self._shown = 0

    @property
    def seconds(self) -> float:
        """How long the gif plays."""
        return len(self._pictures) * self._hundredths / 100

    @property
    def fitting_scale(self) -> int:
        """What makes the gif about 420 pixels high, as an Atari's screen twice."""
        return max(1, round(420 / self._pictures[0].height)) if self._pictures else 1

    def add(self, screen: np.ndarray) -> None:
        """Take a screen, uint8 [height, width, 3]."""
        if self.seconds >= self._most_seconds:
            return
        joined = np.maximum(screen, self._before) if self._join and self._before is not None else screen
        if self._shown % self._every == 0:
            self._pictures.append(_with_palette(joined))
        elif self._join and self._shown == 1:  # the first had none before it
            self._pictures[0] = _with_palette(joined)
        self._before = screen
        self._shown += 1

    def save(self, file: Path | BinaryIO, scale: int = 1) -> None:
        """Write the gif, each pixel as `scale` x `scale`. Raises OSError."""
        pictures = (self._enlarged(number, scale) for number in range(len(self._pictures)))
        next(pictures).save(
            file, "GIF", save_all=True, append_images=pictures, duration=10 * self._hundredths, loop=0, optimize=False
        )

    def _enlarged(self, number: int, scale: int) -> Image.Image:
        picture = self._pictures[number]
        return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def _with_palette(screen: np.ndarray) -> Image.Image:
    """The picture with a palette of its own colours, exact where there are 256 at most; a third of the memory."""
    words = screen.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, indices = np.unique(words, return_inverse=True)
    if len(colours) > 256:
        return Image.fromarray(screen).quantize(256)
    picture = Image.fromarray(indices.reshape(words.shape).astype(np.uint8))
    picture.putpalette(colours.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes())
    return picture
