"""Joins films to one mp4 video, with a line of text and the score so far above each."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from paac.video.film import Film


class Video:
    """An mp4 file with H.264 video. Use it as a context manager, and `add` the films in their order."""

    def __init__(self, file: Path):
        self._file = file
        self._encoder: Generator[None, Any, None] | None = None  # receives the frames; starts with the first film

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *_: object) -> None:
        if self._encoder is not None:
            self._encoder.close()

    def add(self, film: Film, text: str) -> None:
        """Append a film, with the `text` and the score so far above it. Raises OSError if the file cannot be written.

        All films must have pictures of the same size, at the same rate.
        """
        scores = [f"score {score:.15g}" for score in film.scores]
        widest = max(scores, key=len, default="")
        for picture, score in zip(film.pictures(film.fitting_scale), scores, strict=True):
            frame = with_band(picture.convert("RGB"), text, score, widest)
            if self._encoder is None:
                self._encoder = self._start_encoder(frame.size, film.picture_rate)
            self._encoder.send(np.asarray(frame))

    def _start_encoder(self, size: tuple[int, int], picture_rate: float) -> Generator[None, Any, None]:
        encoder = imageio_ffmpeg.write_frames(
            str(self._file),
            size,
            fps=picture_rate,
            macro_block_size=2,
            quality=8,
            ffmpeg_log_level="error",
        )
        encoder.send(None)
        return encoder


def with_band(picture: Image.Image, left: str, right: str, widest_right: str = "") -> Image.Image:
    """The picture below a black band with the texts; width and height are padded to even numbers, as H.264 requires.

    The letters have the same size for every text up to `widest_right`, so that a text that changes does not flicker.
    """
    band = max(16, picture.height // 14)
    width, height = picture.width + picture.width % 2, picture.height + band
    framed = Image.new("RGB", (width, height + height % 2))
    framed.paste(picture, (0, band))
    draw = ImageDraw.Draw(framed)
    font = ImageFont.load_default(_font_size(draw, f"{left}   {max(right, widest_right, key=len)}", width, band))
    draw.text((band // 4, band // 2), left, "white", font, anchor="lm")
    draw.text((width - band // 4, band // 2), right, "white", font, anchor="rm")
    return framed


def _font_size(draw: ImageDraw.ImageDraw, text: str, width: int, band: int) -> float:
    """The size that fills the band's height, or a smaller one if the text would be too wide."""
    size = 0.7 * band
    return min(size, size * (width - band) / draw.textlength(text, ImageFont.load_default(size)))
