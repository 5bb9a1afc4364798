"""A malformed index of tensors gives an error, where TensorFlow would abort the process."""

import subprocess
import sys

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.tensor_bundle_pb2 import BundleEntryProto

from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.original import OriginalCheckpoint
from paac.training.tensor_bundle import read_shapes
from tests.helpers.tensor_index import HEADER, index


def entry(dtype=1, shape=(3,), size=12, **place):
    """Return an entry of float32 [3] at the start of the data file, or another one."""
    dimensions = {"dim": [{"size": length} for length in shape]}
    return BundleEntryProto(dtype=dtype, shape=dimensions, size=size, **place).SerializeToString()


@pytest.fixture
def write(tmp_path):
    """A function that writes an index of these entries, beside a data file of 12 bytes."""

    def write(*entries, **settings):
        (tmp_path / "weights.index").write_bytes(index([HEADER, *entries], **settings))
        (tmp_path / "weights.data-00000-of-00001").write_bytes(b"\x05" + bytes(11))
        return tmp_path

    return write


def test_shapes_are_those_that_tensorflow_reads(tmp_path):
    variables = {f"{'layer' * 5}{number}": tf.Variable(tf.zeros([number, 2])) for number in range(60)}
    prefix = tf.train.Checkpoint(**variables).write(str(tmp_path / "weights"))
    expected = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    assert read_shapes(tmp_path, "weights") == expected and len(expected) == 61


def test_an_index_of_this_test_is_one_for_tensorflow(write):
    folder = write((b"a", entry()), (b"b", entry(dtype=7, shape=(), size=10)))
    shapes = tf.train.load_checkpoint(str(folder / "weights")).get_variable_to_shape_map()
    assert read_shapes(folder, "weights") == shapes == {"a": [3], "b": []}


MALFORMED = [
    b"\xff\xff\xff",
    entry(shape=(-3,)),
    entry(shape=(2**62, 2**62), size=0),
    entry(shape=(0, 2**62, 2**62), size=0),
    entry(shape=(1,) * 300, size=4),
    entry(shape=(2**30,), size=2**32),
    entry(dtype=77),
    entry(dtype=101),  # a reference
    entry(dtype=21),  # a variant
    entry(dtype=7, shape=(), size=11),  # a string of five characters
    entry(dtype=7, shape=(1,), size=10),
    entry(size=11),
    entry(size=-1),
    entry(offset=1),
    entry(offset=-12),
    entry(shard_id=1),
    entry(slices=[{"extent": [{"start": 0}]}]),
]


@pytest.mark.parametrize("value", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_entry_is_refused(value, write):
    folder = write((b"a", value))
    with pytest.raises((ValueError, OSError)) as error:
        read_shapes(folder, "weights")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings", [{"restarts": [0, 7]}, {"restarts": [2**32 - 1]}, {"kind": b"\1"}, {"listed": 2}], ids=str
)
def test_a_malformed_block_is_refused(settings, write):
    folder = write((b"a", entry()), **settings)
    with pytest.raises(ValueError, match=r"weights.index is malformed"):
        read_shapes(folder, "weights")


def test_any_flipped_bit_gives_the_shapes_or_an_error(write):
    folder = write((b"a", entry()), (b"ab", entry()))
    content, refused = (folder / "weights.index").read_bytes(), 0
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        (folder / "weights.index").write_bytes(changed)
        try:
            read_shapes(folder, "weights")
        except (ValueError, OSError):
            refused += 1
    assert refused > len(content) / 4


def test_an_index_that_is_cut_is_refused(write):
    folder = write((b"a", entry()))
    file, content = folder / "weights.index", (folder / "weights.index").read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(ValueError, match="malformed"):
            read_shapes(folder, "weights")


def test_a_checkpoint_of_either_program_with_such_an_index_is_damaged(write, tmp_path):
    folder = write((b"a", entry(shape=(-3,))))
    for suffix in ("index", "data-00000-of-00001"):
        (folder / f"-8.{suffix}").write_bytes((folder / f"weights.{suffix}").read_bytes())
    with pytest.raises(CheckpointError, match="-8 is damaged .*malformed"):
        OriginalCheckpoint(tmp_path, 8).has_optimizer()
    checkpoint = Checkpoint.__new__(Checkpoint)
    checkpoint.folder = folder
    for read in (checkpoint.has_optimizer, checkpoint.restore):
        with pytest.raises(CheckpointError, match="is damaged .*malformed"):
            read()


@pytest.mark.slow
def test_tensorflow_aborts_without_the_check(write):
    folder = write((b"a", entry(shape=(-3,))))
    code = f"import tensorflow as tf; tf.train.load_checkpoint({str(folder / 'weights')!r})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode < 0
