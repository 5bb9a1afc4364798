"""Where files are to go, checked before the work that they are to hold."""

import tempfile
from pathlib import Path

from paac.cli.errors import UserError


def writable_file(typed_as: str, name: str | Path) -> Path:
    """The file `name`, new or to be replaced. Raises UserError, which says how it was typed, if that cannot be."""
    file = Path(name)
    if not file.absolute().parent.is_dir() or file.is_dir():
        raise UserError(f"{typed_as} {file}: must be a file in a folder that is there")
    _try(typed_as, file, file.absolute().parent)
    return file


def writable_folder(typed_as: str, name: str | Path) -> Path:
    """The folder `name`, made if need be. Raises UserError if it cannot be, or if nothing can be written there."""
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{typed_as} {folder}: cannot be made ({error.strerror}); name another folder") from None
    _try(typed_as, folder, folder)
    return folder


def _try(typed_as: str, typed: Path, folder: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{typed_as} {typed}: cannot be written ({error.strerror}); name another") from None
