"""Writing a gif picture by picture. Pillow's `save` would collect all pictures before it writes the first one."""

from typing import BinaryIO

from PIL import GifImagePlugin, Image, ImageChops

MAX_HUNDREDTHS = 2**16 - 1  # longest duration that a gif can store for one picture, in hundredths of a second


class GifWriter:
    """Writes an endlessly repeated gif into a file, with only two pictures in memory.

    As in Pillow's gifs, a picture that equals the one before prolongs that one, and of any other picture only the
    rectangle that has changed is written, with a palette of its own.
    """

    def __init__(self, file: BinaryIO):
        """`file` is open for writing; `close` does not close it."""
        self._file = file
        self._picture: Image.Image | None = None  # the newest one; it is written when its duration is known
        self._hundredths = 0  # its duration so far
        self._box = (0, 0, 0, 0)  # the rectangle that it changes
        self._is_first = True

    def add(self, picture: Image.Image, hundredths: int) -> None:
        """Add a picture with a palette and its duration in hundredths of a second. Raises OSError."""
        if self._picture is None:
            header, _ = GifImagePlugin.getheader(picture, info={"loop": 0})
            self._file.writelines(header)
            self._box = (0, 0, *picture.size)
        else:
            box = _changed_box(self._picture, picture)
            if box is None and self._hundredths + hundredths <= MAX_HUNDREDTHS:
                self._hundredths += hundredths
                return
            self._write_picture()
            self._box = box or (0, 0, 1, 1)
            self._is_first = False
        self._picture, self._hundredths = picture, min(hundredths, MAX_HUNDREDTHS)

    def close(self) -> None:
        """Write the end of the gif."""
        self._write_picture()
        self._file.write(b";")

    def _write_picture(self) -> None:
        if self._picture is not None:
            rectangle = self._picture.crop(self._box)
            # The first picture has its palette in the header.
            settings = {"duration": 10 * self._hundredths, "include_color_table": not self._is_first}
            self._file.writelines(GifImagePlugin.getdata(rectangle, self._box[:2], **settings))


def _changed_box(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int] | None:
    """Return the smallest rectangle outside which the pictures are equal; None if they are equal everywhere."""
    return ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox()
