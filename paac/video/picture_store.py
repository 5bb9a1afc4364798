"""Pictures that wait on the disk."""

import io
import tempfile
from typing import BinaryIO

from PIL import Image


class PictureStore:
    """A sequence of pictures in a temporary file, compressed without loss.

    Several stores can share a `file`, because a process may open only a limited number of files.
    """

    def __init__(self, file: BinaryIO | None = None):
        """`file` is a temporary file, open for reading and writing; without one, the store creates its own."""
        self._file = file or tempfile.TemporaryFile()  # noqa: SIM115 - it is deleted with the store
        self._places: list[tuple[int, int]] = []  # start and length of each picture in the file

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Image.Image:
        start, length = self._places[number]
        self._file.seek(start)
        return Image.open(io.BytesIO(self._file.read(length)))

    def append(self, picture: Image.Image) -> None:
        """Add a picture at the end. Raises OSError."""
        png = io.BytesIO()
        picture.save(png, "PNG", compress_level=1)
        start = self._file.seek(0, io.SEEK_END)
        self._file.write(png.getbuffer())
        self._places.append((start, png.tell()))

    def clear(self) -> None:
        """Remove all pictures."""
        self._places.clear()

    def replace_last(self, picture: Image.Image) -> None:
        """Put a picture in the place of the last one. Raises OSError."""
        self._places.pop()
        self.append(picture)
