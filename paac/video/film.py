"""Films of a game at real speed, or at a multiple of it."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from emulators import Emulator
from paac.cli.safe_files import replacing
from paac.video.gif import GifWriter
from paac.video.picture_store import PictureStore

if TYPE_CHECKING:
    from paac.evaluation import Decision  # for type hints only: it imports TensorFlow

PICTURE_SECONDS = 0.05  # approximate time per picture: 3 screens at 60 Hz, and 5 of the 0.01 s units of a gif


class Film:
    """Records an emulator's screens: call `record`, play, and call `save`.

    As a `Watcher` of the episode it also records the score. The pictures wait in a temporary file, so that a film of
    any length needs little memory.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        frame_rate: float = 60,
        max_pool: bool = True,
        max_seconds: float = math.inf,
        file: BinaryIO | None = None,
    ):
        """Start an empty film.

        Args:
            speed: The speed of the film as a multiple of the game's real speed.
            frame_rate: Screens per second of the game.
            max_pool: Whether each picture is the pixel-wise maximum of two consecutive screens, because Atari games
                draw some sprites only in every other screen.
            max_seconds: The maximum duration of the film; later screens are ignored.
            file: A temporary file for the pictures, which several films can share.
        """
        self._max_pool = max_pool
        self._max_seconds = max_seconds
        self._screens_per_picture = max(1, round(PICTURE_SECONDS * frame_rate * speed))
        self.picture_rate = frame_rate * speed / self._screens_per_picture  # pictures per second of the film
        self.is_shortened = False  # whether screens were ignored at the end
        self.scores: list[float] = []  # for each picture, the score of the decisions before the one that it shows
        self._score = 0.0
        self._pictures = PictureStore(file)
        self._previous: np.ndarray | None = None  # the newest screen
        self._last: np.ndarray | None = None  # the picture that it gives
        self._num_screens = 0

    @property
    def seconds(self) -> float:
        """Duration of the film so far."""
        return len(self._pictures) / self.picture_rate

    @property
    def fitting_scale(self) -> int:
        """The scale at which the film is about 420 pixels high, twice the height of an Atari screen."""
        return max(1, round(420 / len(self._previous))) if self._previous is not None else 1

    def record(self, emulator: Emulator) -> None:
        """Add all screens that `emulator` shows from now on."""
        emulator.on_frame, emulator.on_restart = self.add, self.clear

    def on_decision(self, decision: "Decision") -> None:
        """Note the score before the decision, for the screens that follow."""
        self._score = decision.score

    def on_end(self, score: float) -> None:
        """Let the last picture show the end and the `score` of the episode, unless the film ended before it."""
        if not self.is_shortened and self._last is not None:
            self._pictures.replace_last(_palette_image(self._last))
            self.scores[-1] = score

    def add(self, screen: np.ndarray) -> None:
        """Add a screen, uint8 [height, width, 3]. Raises OSError."""
        starts_picture = self._num_screens % self._screens_per_picture == 0
        if starts_picture and self.seconds >= self._max_seconds:
            self.is_shortened = True
            return
        pooled = np.maximum(screen, self._previous) if self._max_pool and self._previous is not None else screen
        if starts_picture:
            self._pictures.append(_palette_image(pooled))
            self.scores.append(self._score)
        # The first picture had no previous screen: it gets the next one.
        elif self._max_pool and self._num_screens == 1:
            self._pictures.replace_last(_palette_image(pooled))
        self._previous, self._last = screen, pooled
        self._num_screens += 1

    def clear(self) -> None:
        """Discard all screens."""
        self._pictures.clear()
        self.scores.clear()
        self._previous = self._last = None
        self._num_screens = 0
        self.is_shortened = False

    def pictures(self, scale: int) -> Iterator[Image.Image]:
        """Yield the pictures, with each pixel enlarged to `scale` x `scale` pixels; `picture_rate` is their rate."""
        return (self._enlarged(number, scale) for number in range(len(self._pictures)))

    def save(self, file: Path, scale: int = 1) -> None:
        """Write an mp4 if `file` ends with .mp4, else a gif, with each pixel enlarged to `scale` x `scale` pixels.

        Raises OSError.
        """
        if file.suffix.lower() == ".mp4":
            from paac.video.mp4 import mp4_writer

            with mp4_writer(file, self.picture_rate) as write:
                for picture in self.pictures(scale):
                    write(picture)
        else:
            with replacing(file) as opened:
                self.write_gif(opened, scale)

    def write_gif(self, file: BinaryIO, scale: int = 1) -> None:
        """Write a gif into an open file, as `save` does. Raises OSError."""
        gif = GifWriter(file)
        end = 0
        for number, picture in enumerate(self.pictures(scale), 1):
            start, end = end, round(100 * number / self.picture_rate)  # rounded ends, so that no error adds up
            gif.add(picture, end - start)
        gif.close()

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
