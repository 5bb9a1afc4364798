"""The file `emulators.npz` of a checkpoint: the state of each emulator, as an array of bytes that is not compressed."""

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np

from paac.cli.input_files import open_file

MAX_STATE_BYTES = 2**21  # of one emulator: 2 MiB; those of the games here have 1 to 11 kB
HEADER = re.compile(  # of an array [size] of bytes, as np.save writes it
    rb"\x93NUMPY\x01\x00..\{'descr': '\|u1', 'fortran_order': False, 'shape': \(\d+,\), \} *\n", re.DOTALL
)


def write_states(states: Sequence[bytes], file: Path) -> None:
    """Write the state of each emulator. Raises OSError, also for a state that `read_states` would refuse."""
    if max(map(len, states), default=0) > MAX_STATE_BYTES - 2**10:  # of which headers take a part
        raise OSError(f"{file}: the state of an emulator is larger than 2 MiB")
    arrays = {f"{number:05}": np.frombuffer(state, np.uint8) for number, state in enumerate(states)}
    np.savez(file, **arrays)  # type: ignore[arg-type]


def read_states(file: Path, count: int) -> list[bytes]:
    """Return the states of `count` emulators. Raises OSError or ValueError; the file may come from a stranger."""
    try:
        with open_file(file, count * MAX_STATE_BYTES) as opened, ZipFile(opened) as archive:
            arrays = sorted(archive.infolist(), key=lambda array: array.filename)
            if len(arrays) != count:
                raise ValueError(f"{len(arrays)} emulator states instead of {count}")
            for array in arrays:
                if array.compress_type != ZIP_STORED or array.file_size > MAX_STATE_BYTES:
                    raise ValueError(f"{array.filename[:100]} is compressed or larger than {MAX_STATE_BYTES} bytes")
            return [_content(archive.read(array)) for array in arrays]
    # NotImplementedError, for an unknown version or encryption, is a RuntimeError.
    except (LookupError, RuntimeError, EOFError, BadZipFile, struct.error) as error:
        raise ValueError(str(error)[:200]) from None


def _content(array: bytes) -> bytes:
    header = HEADER.match(array)
    if header is None:
        raise ValueError("an emulator's state is not an array of bytes")
    return array[header.end() :]
