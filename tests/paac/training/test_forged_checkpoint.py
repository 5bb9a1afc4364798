"""A checkpoint that a stranger has forged is damaged: one line, soon, and with little memory."""

import hashlib
import io
import json
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.checkpoint_folder import CheckpointFolder
from paac.training.emulator_states import MAX_STATE_BYTES
from tests.helpers.messages import message_of
from tests.helpers.runs import forge

STATES = [b"one", b"two"]


@pytest.fixture
def folder(tmp_path):
    """A small checkpoint."""
    network = tf.Module()
    network.weights = tf.Variable([1.0])
    CheckpointFolder(tmp_path).write(100, {"network": network}, {"global_step": 100}, STATES, keep=1)
    return tmp_path / "100"


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "huge"])
@pytest.mark.parametrize(
    "name", ["manifest.json", "state.json", "weights.index", "weights.data-00000-of-00001", "emulators.npz"]
)
def test_only_regular_files_are_read(name, kind, folder):
    file = folder / name
    file.unlink()
    size = 0
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "folder":
        file.mkdir()
    else:
        size = 2**40
        file.touch()
        os.truncate(file, size)
    if name != "manifest.json":  # it says what is there
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][name] = {"size": size, "sha256": hashlib.sha256().hexdigest()}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match="100 is damaged") as error:
        Checkpoint(folder)
    assert name in message_of(error)


@pytest.mark.parametrize("name", ["state.json", "weights.index", "weights.data-00000-of-00001"])
def test_the_manifest_must_list_every_file_that_is_read(name, folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"][name]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match=f"manifest.json does not list {name}"):
        Checkpoint(folder)


@pytest.mark.parametrize("name", ["manifest.json", "state.json"])
@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"files": {}, "files": {}}', b'{"a": \xff}'])
def test_malformed_json(content, name, folder):
    if name == "manifest.json":
        (folder / name).write_bytes(content)
    else:
        forge(folder / name, content)
    with pytest.raises(CheckpointError, match="100 is damaged") as error:
        Checkpoint(folder)
    assert message_of(error)


# emulators.npz.


def archive(*contents, **settings):
    """Return an npz file with these contents, as arrays of bytes unless they are bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **settings) as opened:
        for number, content in enumerate(contents):
            if not isinstance(content, bytes):
                array = io.BytesIO()
                np.save(array, content)
                content = array.getvalue()
            opened.writestr(f"{number:05}.npy", content)
    return file.getvalue()


def changed(content, start, end, value):
    """Change bytes of an npz file that lie `start` to `end` after each of its headers: local ones, and the central."""
    for signature, offset in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        at = content.find(signature)
        while at >= 0:
            content = content[: at + start + offset] + value + content[at + end + offset :]
            at = content.find(signature, at + 4)
    return content


BYTES = np.zeros(5, np.uint8)
WHOLE = archive(BYTES, BYTES)
NPZ = {
    "not an archive": b"a" * 100,
    "empty": b"",
    "cut off": WHOLE[:-30],
    "wrong checksum": WHOLE.replace(bytes(5) + b"PK", b"\0\1\0\0\0PK"),
    "encrypted": changed(WHOLE, 6, 8, struct.pack("<H", 1)),
    "unknown compression": changed(WHOLE, 8, 10, struct.pack("<H", 77)),
    "a later version": changed(WHOLE, 4, 5, b"\xff"),
    "compressed": archive(BYTES, BYTES, compression=zipfile.ZIP_DEFLATED),
    "too few": archive(BYTES),
    "too many": archive(BYTES, BYTES, BYTES),
    "too large": archive(BYTES, np.zeros(MAX_STATE_BYTES, np.uint8)),
    "other numbers": archive(BYTES, np.zeros(5)),
    "objects": archive(BYTES, np.array([None], object)),
    "no array": archive(BYTES, b"text"),
}


@pytest.mark.parametrize("content", NPZ.values(), ids=NPZ.keys())
def test_malformed_emulator_states(content, folder):
    forge(folder / "emulators.npz", content)
    with pytest.raises(CheckpointError, match="100 is damaged") as error:
        Checkpoint(folder).emulator_states(2)
    assert message_of(error)


def test_the_states_of_this_test_are_read(folder):
    forge(folder / "emulators.npz", WHOLE)
    assert Checkpoint(folder).emulator_states(2) == [bytes(5)] * 2


def test_a_small_file_with_a_huge_array_takes_little_memory(folder):
    file, size = io.BytesIO(), 2**26
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened,
        opened.open("00000.npy", "w", force_zip64=True) as array,
    ):
        np.lib.format.write_array_header_1_0(array, {"descr": "|u1", "fortran_order": False, "shape": (size,)})
        for _ in range(2**8):
            array.write(bytes(size // 2**8))
    forge(folder / "emulators.npz", file.getvalue())
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="100 is damaged .*compressed or larger"):
        Checkpoint(folder).emulator_states(1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 16


def test_a_state_that_could_not_be_read_is_not_written(tmp_path):
    with pytest.raises(OSError, match=r"emulators.npz: the state of an emulator is larger than 2 MiB"):
        CheckpointFolder(tmp_path).write(1, {"network": tf.Module()}, {}, [b"", bytes(MAX_STATE_BYTES)], keep=1)
    assert list(tmp_path.iterdir()) == []
    largest = bytes(MAX_STATE_BYTES - 2**10)
    CheckpointFolder(tmp_path).write(1, {"network": tf.Module()}, {}, [largest], keep=1)
    assert Checkpoint(tmp_path / "1").emulator_states(1) == [largest]
