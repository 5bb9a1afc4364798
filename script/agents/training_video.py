"""Gifs joined to one mp4, with a line of text above each."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageSequence


class Video:
    """An mp4 file, H.264. A context manager; `add` one gif after the other."""

    def __init__(self, file: Path):
        self._file = file
        self._frames: Generator[None, Any, None] | None = None  # takes them

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *_: object) -> None:
        if self._frames is not None:
            self._frames.close()

    def add(self, gif: Path, left: str, right: str) -> None:
        """Append a film under a band with a text at each side. Raises OSError if the file cannot be written."""
        with Image.open(gif) as film:
            for picture in ImageSequence.Iterator(film):
                frame = with_band(picture.convert("RGB"), left, right)
                if self._frames is None:  # the first says how large and how fast all are
                    self._frames = self._writer(frame.size, picture.info["duration"])
                self._frames.send(np.asarray(frame))

    def _writer(self, size: tuple[int, int], milliseconds: int) -> Generator[None, Any, None]:
        writer = imageio_ffmpeg.write_frames(
            str(self._file),
            size,
            fps=1000 / milliseconds,
            macro_block_size=2,
            quality=8,
            ffmpeg_log_level="error",
        )
        writer.send(None)
        return writer


def with_band(picture: Image.Image, left: str, right: str) -> Image.Image:
    """The picture with a black band above it, and its sides cut or padded to even numbers, which H.264 wants."""
    band = max(16, picture.height // 14)
    width, height = picture.width + picture.width % 2, picture.height + band
    framed = Image.new("RGB", (width, height + height % 2))
    framed.paste(picture, (0, band))
    draw = ImageDraw.Draw(framed)
    font = ImageFont.load_default(_font_size(draw, f"{left}   {right}", width, band))
    draw.text((band // 4, band // 2), left, "white", font, anchor="lm")
    draw.text((width - band // 4, band // 2), right, "white", font, anchor="rm")
    return framed


def _font_size(draw: ImageDraw.ImageDraw, text: str, width: int, band: int) -> float:
    """As large as the band, smaller where the text would not fit."""
    size = 0.7 * band
    return min(size, size * (width - band) / draw.textlength(text, ImageFont.load_default(size)))
