"""NumPy arrays in memory that a parent and its spawned workers share.

The memory has no name in any file system, so nothing is left behind, however the processes end.
"""

import math
import mmap
import os
import tempfile
from collections.abc import Mapping
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np

ALIGNMENT = 64  # bytes of a cache line; no two arrays use the same cache line

Layout = Mapping[str, tuple[tuple[int, ...], type[np.generic]]]  # name of an array -> (shape, dtype)


class SharedArrays:
    """Named NumPy arrays in one block of shared memory, filled with zeros at first.

    Pass the object to a process that is being spawned: unpickled there, it opens the same memory.
    """

    def __init__(self, layout: Layout):
        """Reserve the memory.

        Raises OSError if there is too little; without the reservation, its first use would end in a bus error.
        """
        size = sum(_aligned_size(*entry) for entry in layout.values())
        fd = _unnamed_file()
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(fd, 0, size)
            else:  # macOS
                os.ftruncate(fd, size)
        except OSError as error:
            os.close(fd)
            raise OSError(f"{size:,} bytes of shared memory cannot be reserved ({error.strerror})") from None
        self._open(layout, fd)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __getstate__(self) -> tuple[Layout, Any]:
        return self._layout, DupFd(self._fd)

    def __setstate__(self, state: tuple[Layout, Any]) -> None:
        layout, duplicate = state
        self._open(layout, duplicate.detach())

    def close_file(self) -> None:
        """Close the file once every worker has opened it. The memory lives as long as any of the arrays."""
        os.close(self._fd)

    def _open(self, layout: Layout, fd: int) -> None:
        self._layout = layout
        self._fd = fd
        block = mmap.mmap(fd, os.fstat(fd).st_size)
        self._arrays = {}
        offset = 0
        for name, (shape, dtype) in layout.items():
            flat = np.frombuffer(block, dtype, count=math.prod(shape), offset=offset)
            self._arrays[name] = flat.reshape(shape)
            offset += _aligned_size(shape, dtype)


def _unnamed_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("manette")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _aligned_size(shape: tuple[int, ...], dtype: type[np.generic]) -> int:
    return -(-math.prod(shape) * np.dtype(dtype).itemsize // ALIGNMENT) * ALIGNMENT
