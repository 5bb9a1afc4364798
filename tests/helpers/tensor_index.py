"""Indices of tensors as TensorFlow writes them, with right checksums whatever they hold."""

import struct
from collections.abc import Sequence

from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

MAGIC = 0xDB4775248B80FB57
HEADER = (b"", b"\x08\x01\x1a\x02\x08\x01")  # one data file, written by version 1

Entries = Sequence[tuple[bytes, bytes]]  # keys and values


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def block(entries: Entries, restarts: Sequence[int] | None = None, kind: bytes = b"\0") -> bytes:
    """Return a block in which each key is whole, and the checksum after it; `kind` is its type of compression."""
    content, starts = b"", []
    for key, value in entries:
        starts.append(len(content))
        content += b"\0" + varint(len(key)) + varint(len(value)) + key + value
    restarts = restarts or starts or [0]
    content += struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts)) + kind
    return content + struct.pack("<I", masked_crc32c(content))


def index(entries: Entries, listed: int = 1, **settings) -> bytes:
    """Return an index with these entries in one block, which is `listed` so many times."""
    blocks = [block(entries, **settings), block([])]
    places = [varint(0) + varint(len(blocks[0]) - 5), varint(len(blocks[0])) + varint(len(blocks[1]) - 5)]
    offset = sum(map(len, blocks))
    blocks.append(block([(b"\xff", places[0])] * listed))
    footer = places[1] + varint(offset) + varint(len(blocks[2]) - 5)
    return b"".join(blocks) + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)
