"""Files in a folder that a stranger may have prepared: no link in it is followed to write, copy or delete something.

Otherwise, the file to which a symbolic link leads would be changed or published. Where a file is changed in place, its
hard links would change, too. A folder that the user names, such as that of a run, may be a link.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import BinaryIO

from paac.cli.errors import UserError


def refuse_links(*paths: Path) -> None:
    """Raise UserError if one of the paths is a symbolic link."""
    for path in paths:
        if path.is_symlink():
            raise UserError(
                f"{path} is a symbolic link, which is not followed inside the folder of a run: put there what it leads "
                "to, or delete it (a run on another disk: move its whole folder, which may be a link)"
            )


def refuse_shared_files(*files: Path) -> None:
    """Raise UserError if to change one of the files in place could change something outside its folder."""
    for file in files:
        if os.path.lexists(file):
            refuse_links(file)
            _refuse_shared(file, os.lstat(file))


def _refuse_shared(file: Path, status: os.stat_result) -> None:
    _refuse_unless_regular(file, status)
    if status.st_nlink > 1:
        raise UserError(
            f"{file} is a hard link, so that another file would change with it: replace it with a copy, or copy the "
            "folder with cp -r and use that"
        )


def _refuse_unless_regular(file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{file} is not a regular file: move it away")


def open_in_place(file: Path) -> BufferedRandom:
    """Open a file, created if necessary, to read it and to append to it.

    Raises OSError, and UserError as `refuse_shared_files` does.
    """
    refuse_shared_files(file)
    opened = os.fdopen(_open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT), "a+b")
    _refuse_shared(file, os.fstat(opened.fileno()))
    return opened


def append(file: Path, content: bytes, header: bytes = b"") -> None:
    """Append to a file, created with the `header` if necessary: all of it, or nothing. Raises as `open_in_place`."""
    with open_in_place(file) as opened:
        is_new = os.fstat(opened.fileno()).st_size == 0
        write_whole(opened.fileno(), header + content if is_new else content, file)


def write_whole(descriptor: int, content: bytes, file: Path) -> None:
    """Append to the open `file`, without a buffer: all of `content`, or, when it raises OSError, nothing."""
    size, left = os.fstat(descriptor).st_size, content
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError as error:
        os.ftruncate(descriptor, size)
        raise OSError(error.errno, error.strerror, str(file)) from None


def open_to_read(file: Path) -> BufferedReader:
    """Open a file to read it. Raises OSError, and UserError if it is a symbolic link or not a regular file."""
    refuse_links(file)
    opened = os.fdopen(_open(file, os.O_RDONLY), "rb")
    _refuse_unless_regular(file, os.fstat(opened.fileno()))
    return opened


def _open(file: Path, flags: int) -> int:
    # Without O_NONBLOCK, a named pipe would block until another program opens it.
    return os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)


def read_unlinked_file(file: Path) -> bytes:
    """Return the content of a file. Raises OSError, and UserError as `open_to_read` does."""
    with open_to_read(file) as opened:
        return opened.read()


def copy_file(source: Path, to: Path) -> None:
    """Copy a file to `to`, which must not exist. Raises OSError, and UserError as `open_to_read` does."""
    with open_to_read(source) as opened, to.open("xb") as copied:
        shutil.copyfileobj(opened, copied)


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """Open a new file, which takes the place of `file` at the end, or is deleted after an error. Raises OSError.

    After a crash, `file` is either the old one or the new one. A link in its place is replaced, not followed.
    """
    new_file = file.with_name(f".{file.name}.new")
    remove(new_file)
    opened = new_file.open("xb")  # x follows no link
    try:
        with opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())  # otherwise the name may reach the disk before the content
        os.replace(new_file, file)
    except BaseException:
        remove(new_file)
        raise


def replace_file(file: Path, content: bytes) -> None:
    """Write a file as `replacing` does. Raises OSError."""
    with replacing(file) as opened:
        opened.write(content)


def sync(path: Path) -> None:
    """Flush a file or a folder to disk. Raises OSError."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove(path: Path) -> None:
    """Delete a file, a folder with all that it holds, or a link, but not what that leads to. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_unchanged(file: Path, before: os.stat_result, may_grow: bool = False) -> None:
    """Raise OSError if another program has changed `file` in place, replaced or deleted it since its status `before`.

    With `may_grow` it may have become longer.
    """
    try:
        now = os.lstat(file)
    except FileNotFoundError:
        now = None
    if now and os.path.samestat(now, before):
        if now.st_size == before.st_size or may_grow and now.st_size > before.st_size:
            return
        what = f"changed from {before.st_size:,} to {now.st_size:,} bytes"
    else:
        what = "replaced" if now else "deleted"
    raise OSError(
        f"{file} was {what} by another program during the training, which ends here; run the same command to resume "
        "from the last checkpoint"
    )
