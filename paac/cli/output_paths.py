"""Checks that output can be written, before the work that produces it."""

import os
import tempfile
from pathlib import Path

from paac.cli.errors import UserError
from paac.cli.safe_files import replace_file


def writable_file(flag: str, name: str | Path) -> Path:
    """Return the path of the file `name`. Raises UserError, which names the `flag`, if it cannot be written.

    A link is refused, except in /dev: in the folder of a run, a stranger may have prepared it.
    """
    file = Path(name)
    if os.path.islink(file) and not _is_device(file):
        raise UserError(f"{flag} {file}: is a symbolic link, which is not followed; name the file to which it leads")
    if os.path.isdir(file):
        raise UserError(f"{flag} {file}: that is a folder; name a file")
    if not os.path.isdir(file.absolute().parent):
        raise UserError(f"{flag} {file}: must be a file in an existing folder")
    _check_writable(flag, file, file.absolute().parent)
    return file


def write_output(file: Path, text: str) -> None:
    """Write a file that `writable_file` has checked: all of it, or nothing. Raises OSError."""
    if _is_device(file):
        file.write_text(text, encoding="utf-8")
    else:
        replace_file(file, text.encode())


def _is_device(file: Path) -> bool:
    return Path("/dev") in file.absolute().parents


def writable_folder(flag: str, name: str | Path) -> Path:
    """Return the folder `name`, created if needed. Raises UserError, which names the `flag`, if it is not writable."""
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{flag} {folder}: cannot be created ({error.strerror}); name another folder") from None
    _check_writable(flag, folder, folder)
    return folder


def _check_writable(flag: str, path: Path, folder: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{flag} {path}: cannot be written ({error.strerror}); name another path") from None
