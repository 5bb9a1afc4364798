"""Joins films to one mp4 video, with a line of text and the score so far above each."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from paac.video.film import Film
from paac.video.mp4 import mp4_writer


class Video(ExitStack):
    """An mp4 file of several films. Use it as a context manager, and `add` the films in their order."""

    def __init__(self, file: Path):
        super().__init__()
        self._file = file
        self._write: Callable[[Image.Image], None] | None = None  # set by the first film

    def add(self, film: Film, text: str) -> None:
        """Append a film, with the `text` and the score so far above it. Raises OSError if the file cannot be written.

        All films must have pictures of the same size, at the same rate.
        """
        if self._write is None:
            self._write = self.enter_context(mp4_writer(self._file, film.picture_rate))
        scores = [f"score {score:.15g}" for score in film.scores]
        widest = max(scores, key=len, default="")
        for picture, score in zip(film.pictures(film.fitting_scale), scores, strict=True):
            self._write(with_band(picture.convert("RGB"), text, score, widest))


def with_band(picture: Image.Image, left: str, right: str, widest_right: str = "") -> Image.Image:
    """The picture below a black band with the texts.

    The letters have the same size for every text up to `widest_right`, so that a text that changes does not flicker.
    """
    band = max(16, picture.height // 14)
    width = picture.width
    framed = Image.new("RGB", (width, picture.height + band))
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
