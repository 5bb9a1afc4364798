"""Gifs of a game at real speed, or at a multiple of it."""

import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from emulators import Emulator

PICTURE_SECONDS = 0.05  # approximate time per picture: 3 screens at 60 Hz, and 5 of the 0.01 s units of a gif


class Film:
    """Collects an emulator's screens and saves them as a gif: call `record`, play, and call `save`."""

    def __init__(
        self, speed: float = 1.0, *, frame_rate: float = 60, max_pool: bool = True, max_seconds: float | None = None
    ):
        """Start an empty film.

        Args:
            speed: The speed of the gif as a multiple of the game's real speed.
            frame_rate: Screens per second of the game.
            max_pool: Whether each picture is the pixel-wise maximum of two consecutive screens, because Atari games
                draw some sprites only in every other screen.
            max_seconds: The maximum duration of the gif; later screens are ignored.
        """
        self._max_pool = max_pool
        self._max_seconds = max_seconds or math.inf
        self._screens_per_picture = max(1, round(PICTURE_SECONDS * frame_rate * speed))
        # At least 20 ms per picture: viewers slow down faster gifs.
        self._hundredths = max(2, round(100 * self._screens_per_picture / frame_rate / speed))
        self._pictures: list[Image.Image] = []
        self._previous: np.ndarray | None = None
        self._num_screens = 0

    @property
    def seconds(self) -> float:
        """Duration of the gif so far."""
        return len(self._pictures) * self._hundredths / 100

    @property
    def fitting_scale(self) -> int:
        """The scale at which the gif is about 420 pixels high, twice the height of an Atari screen."""
        return max(1, round(420 / self._pictures[0].height)) if self._pictures else 1

    def record(self, emulator: Emulator) -> None:
        """Add all screens that `emulator` shows from now on."""
        emulator.on_frame, emulator.on_restart = self.add, self.clear

    def add(self, screen: np.ndarray) -> None:
        """Add a screen, uint8 [height, width, 3]."""
        if self.seconds >= self._max_seconds:
            return
        pooled = np.maximum(screen, self._previous) if self._max_pool and self._previous is not None else screen
        if self._num_screens % self._screens_per_picture == 0:
            self._pictures.append(_palette_image(pooled))
        elif (
            self._max_pool and self._num_screens == 1
        ):  # the first picture had no previous screen: it gets the next one
            self._pictures[0] = _palette_image(pooled)
        self._previous = screen
        self._num_screens += 1

    def clear(self) -> None:
        """Discard all screens."""
        self._pictures.clear()
        self._previous = None
        self._num_screens = 0

    def save(self, file: Path | BinaryIO, scale: int = 1) -> None:
        """Write the gif with each pixel enlarged to `scale` x `scale` pixels. Raises OSError."""
        pictures = (self._enlarged(number, scale) for number in range(len(self._pictures)))
        next(pictures).save(
            file, "GIF", save_all=True, append_images=pictures, duration=10 * self._hundredths, loop=0, optimize=False
        )

    def _enlarged(self, number: int, scale: int) -> Image.Image:
        picture = self._pictures[number]
        return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def _palette_image(screen: np.ndarray) -> Image.Image:
    """Return the screen as an image with a palette, which takes a third of the memory; exact up to 256 colours."""
    words = screen.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, indices = np.unique(words, return_inverse=True)
    if len(colours) > 256:
        return Image.fromarray(screen).quantize(256)
    picture = Image.fromarray(indices.reshape(words.shape).astype(np.uint8))
    picture.putpalette(colours.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes())
    return picture
