"""Reading files that may come from a stranger: only regular files of a limited size, and JSON of a limited depth."""

import errno
import json
import os
import stat
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path
from typing import Any

MAX_JSON_BYTES = 2**23  # 8 MiB
MAX_JSON_DEPTH = 50


def open_file(file: Path, max_bytes: int) -> BufferedReader:
    """Open a file for reading bytes. Raises OSError, also if it is larger, or a folder, device or pipe."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # without O_NONBLOCK, a pipe waits for a writer
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_size <= max_bytes:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISREG(status.st_mode):
        raise OSError(errno.EFBIG, f"larger than {max_bytes / 2**20:,.0f} MiB", str(file))
    raise OSError(errno.EINVAL, "not a regular file", str(file))


def read_file(file: Path, max_bytes: int) -> bytes:
    """Return the content of a file. Raises OSError as `open_file` does."""
    with open_file(file, max_bytes) as opened:
        return opened.read(os.fstat(opened.fileno()).st_size)


def load_json(file: Path) -> Any:
    """Return the value in a JSON file. Raises OSError or ValueError."""
    return parse_json(read_file(file, MAX_JSON_BYTES).decode())


def parse_json(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError, also if a key is there twice or values nest too deeply."""
    too_deep = ValueError(f"nested more than {MAX_JSON_DEPTH} levels deep")
    try:
        value = json.loads(text, object_pairs_hook=_unique_keys)
    except RecursionError:
        raise too_deep from None
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [inner for outer in level for inner in _values_in(outer)]
    if level:
        raise too_deep
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key {key[:100]!r} is there twice")
        values[key] = value
    return values


def _values_in(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
