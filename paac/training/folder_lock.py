"""The lock of a run's folder, which lets only one process train there."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paac.cli.errors import UserError
from paac.cli.safe_files import open_in_place


@contextmanager
def locked(file: Path, typed_as: str) -> Iterator[os.stat_result]:
    """Lock the folder of `file`, created if necessary, by locking `file`; yields the status of `file`.

    Raises UserError, which begins with the flag `typed_as`, if another process holds the lock. The system releases the
    lock however this process ends.
    """
    with report_write_errors(file.parent, typed_as):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock_file = open_in_place(file)
    with lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock_file.seek(0)
            process = lock_file.read().decode(errors="replace")
            raise UserError(
                f"{typed_as} {file.parent}: process {process} is training there; stop it first, or name another folder"
            ) from None
        except OSError:
            pass  # a file system without locks
        with report_write_errors(file.parent, typed_as):
            lock_file.truncate(0)
            os.write(lock_file.fileno(), str(os.getpid()).encode())  # without a buffer
        yield os.fstat(lock_file.fileno())


@contextmanager
def report_write_errors(folder: Path, typed_as: str = "-df") -> Iterator[None]:
    """Raise UserError, which names the folder and begins with the flag `typed_as`, instead of OSError."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{typed_as} {folder}: cannot be written ({error.strerror}); name another folder") from None
