"""The index of the files in which TensorFlow saves tensors. A malformed one aborts TensorFlow, so it is checked before.

    NAME.index                      a table, which maps the name of each tensor to its type, shape and place
    NAME.data-00000-of-00001, ...   the tensors' bytes, in one or several files

The table is that of LevelDB, whose document table_format.md describes it, without compression. Its blocks hold entries,
ordered by their keys; of each key, only the part is saved that differs from the key before. The entry "" is the header.
"""

import math
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from paac.cli.input_files import open_file, read_file

MAX_INDEX_BYTES = 2**20  # those of the networks here have 2 to 10 kB
MAX_DATA_BYTES = 2**32  # of each data file: 4 GiB
MAX_KEY_LENGTH = 1000
MAX_RANK = 8
MAX_ELEMENTS = 2**40
MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER_LENGTH = 48


@contextmanager
def path_for_tensorflow(folder: Path) -> Iterator[str]:
    """Yield a path to `folder` that TensorFlow can read. It treats [ and * as patterns, and needs valid UTF-8.

    The working folder stays as it is, because other threads may use relative paths.
    """
    if re.fullmatch(r"[\w./ -]*", str(folder), re.ASCII):
        yield str(folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        link = Path(temporary) / "folder"
        link.symlink_to(folder.resolve())
        yield str(link)


def read_shapes(folder: Path, name: str) -> dict[str, list[int]]:
    """Return the shape of each tensor in the files `name`.* by its name. Raises OSError or ValueError."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.tensor_bundle_pb2 import BundleEntryProto, BundleHeaderProto

    table = read_file(folder / f"{name}.index", MAX_INDEX_BYTES)
    try:
        (_, header), *entries = _entries_of_table(table)
        shards = BundleHeaderProto.FromString(header).num_shards
        shapes = {}
        for key, value in entries:
            entry = BundleEntryProto.FromString(value)
            with open_file(folder / f"{name}.data-{entry.shard_id:05}-of-{shards:05}", MAX_DATA_BYTES) as data:
                shapes[key.decode()] = _check_entry(entry, data)
        return shapes
    except (DecodeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{name}.index is malformed: {error}") from None


def _check_entry(entry: Any, data: BufferedReader) -> list[int]:
    """Return the shape of the tensor that `entry` describes. Raises ValueError unless the file `data` holds it."""
    import tensorflow as tf

    shape = [dimension.size for dimension in entry.shape.dim]
    dtype = tf.dtypes.as_dtype(entry.dtype)
    if len(shape) > MAX_RANK or min(shape, default=0) < 0 or math.prod(max(1, size) for size in shape) > MAX_ELEMENTS:
        raise ValueError(f"a tensor has the shape {shape}")
    if entry.slices or entry.shape.unknown_rank or min(entry.shard_id, entry.offset, entry.size) < 0:
        raise ValueError("a tensor has no whole place")
    if entry.offset + entry.size > os.fstat(data.fileno()).st_size:
        raise ValueError("a tensor lies outside its file")
    if dtype == tf.string:
        fits = shape == [] and entry.size == _string_size(data, entry.offset)
    else:
        is_number = dtype.is_floating or dtype.is_integer or dtype.is_bool
        fits = is_number and entry.dtype < 100 and entry.size == math.prod(shape) * dtype.size  # 100: references
    if not fits:
        raise ValueError(f"a tensor of {entry.size} bytes has the type {dtype.name} and the shape {shape}")
    return shape


def _string_size(data: BufferedReader, offset: int) -> int:
    """Return the number of bytes that a string takes: its length, four bytes of a checksum, and its characters."""
    data.seek(offset)
    length, used = _read_varint(data.read(10), 0)
    return used + 4 + length


def _entries_of_table(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the key and value of each entry in the data blocks, which the index block lists."""
    footer = len(table) - FOOTER_LENGTH
    if footer < 0 or not table.endswith(MAGIC):
        raise ValueError("it is not a table")
    at = footer
    for _ in range(2):  # the place of the metaindex block, which is not used
        _, at = _read_varint(table, at)
    index, _ = _read_block(table, table[at:])
    previous_end = 0
    for _, place in _entries_of_block(index):
        block, start = _read_block(table, place)
        if start < previous_end:
            raise ValueError("its blocks overlap")
        previous_end = start + len(block)
        yield from _entries_of_block(block)


def _read_block(table: bytes, place: bytes) -> tuple[bytes, int]:
    """Return a block and its offset; `place` begins with its offset and size."""
    offset, at = _read_varint(place, 0)
    size, _ = _read_varint(place, at)
    if table[offset + size]:  # the byte after a block is its type of compression
        raise ValueError("it is compressed")
    return table[offset : offset + size], offset


def _entries_of_block(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the key and value of each entry.

    At the end of a block are the offsets of entries with whole keys, at which a search may start, and their number.
    """
    end = len(block) - 4 * (1 + int.from_bytes(block[-4:], "little"))
    if end < 0:
        raise ValueError("a block is too short")
    restarts = {int.from_bytes(block[place : place + 4], "little") for place in range(end, len(block) - 4, 4)}
    starts, key, at = {0}, b"", 0
    while at < end:
        start = at
        shared, at = _read_varint(block, at)
        unshared, at = _read_varint(block, at)
        value_length, at = _read_varint(block, at)
        if not shared:
            starts.add(start)
        if shared > len(key) or shared + unshared > MAX_KEY_LENGTH or at + unshared + value_length > end:
            raise ValueError("an entry is too long")
        key = key[:shared] + block[at : at + unshared]
        at += unshared + value_length
        yield key, block[at - value_length : at]
    if not restarts <= starts:
        raise ValueError("a search would start inside an entry")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number that is saved in groups of 7 bits, and the position after it."""
    value = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
    raise ValueError("a number is too long")
