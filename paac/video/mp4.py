"""Writing an mp4 picture by picture."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageOps

from paac.cli.safe_files import replacing

QUALITY = 8  # of 10: imageio-ffmpeg's scale; the edges of enlarged pixels stay sharp


@contextmanager
def mp4_writer(file: Path, picture_rate: float) -> Iterator[Callable[[Image.Image], None]]:
    """A context that yields a function, which adds a picture to a new mp4 file with H.264 video.

    All pictures must have the same size. At the end, the new file takes the place of `file`; after an error it is
    deleted.

    Args:
        file: The mp4 file.
        picture_rate: Pictures per second.

    Raises:
        OSError: The file cannot be written.
    """
    encoder: Generator[None, Any, None] | None = None

    def add(picture: Image.Image) -> None:
        nonlocal encoder
        frame = _with_even_size(picture.convert("RGB"))
        if encoder is None:
            encoder = imageio_ffmpeg.write_frames(
                path,
                frame.size,
                fps=picture_rate,
                macro_block_size=2,
                quality=QUALITY,
                ffmpeg_log_level="quiet",  # `_check` reports errors
                output_params=["-f", "mp4", "-movflags", "+faststart"],  # a browser can play it while it loads
            )
            encoder.send(None)
        try:
            encoder.send(np.asarray(frame))
        except OSError as error:
            reason = str(error).strip().splitlines()[0]  # the other lines are the encoder's command
            raise OSError(f"{file}: cannot be written ({reason})") from None

    with replacing(file) as new_file:
        path = os.path.abspath(new_file.name)  # a colon in a relative path would mean a protocol
        try:
            yield add
        finally:
            if encoder is not None:
                encoder.close()
        _check(path, file)


def _with_even_size(picture: Image.Image) -> Image.Image:
    """Add a black column at the right or a black row below if needed: the format yuv420p has even sizes only."""
    return ImageOps.expand(picture, (0, 0, picture.width % 2, picture.height % 2))


def _check(written: str, file: Path) -> None:
    """Raise OSError unless `written` can be read as a video: the encoder does not report that the disk is full."""
    try:
        next(imageio_ffmpeg.read_frames(written))
    except (OSError, StopIteration):
        raise OSError(f"{file}: cannot be written: the encoder failed, or the disk is full") from None
