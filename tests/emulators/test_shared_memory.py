"""Tests arrays that two processes share, in memory that has no name in any file system."""

import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest

from emulators.shared_memory import SharedArrays
from tests.helpers import ROOT
from tests.helpers.commands import TIMEOUT_S

LAYOUT = {
    "bytes": ((3, 5), np.uint8),
    "flags": ((7,), np.bool_),
    "numbers": ((2, 2), np.float32),
    "counts": ((1,), np.int32),
}


def write_as_a_child(arrays: SharedArrays, connection) -> None:
    """Runs in the spawned process: report the arrays, write to them, and report again after the parent has written."""
    connection.send({name: arrays[name].copy() for name in LAYOUT})
    arrays["bytes"][1] = [1, 2, 3, 4, 5]
    arrays["numbers"][0, 1] = -2.5
    connection.send("written")
    connection.recv()
    connection.send(arrays["counts"].copy())


def test_a_spawned_process_and_its_parent_see_what_each_other_writes():
    arrays = SharedArrays(LAYOUT)
    arrays["flags"][2] = True
    arrays["numbers"][1, 1] = 7.25
    before = {name: arrays[name].copy() for name in LAYOUT}
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=write_as_a_child, args=(arrays, theirs), daemon=True)
    child.start()
    arrays.close_file()  # as the pool does; the memory stays
    try:
        theirs.close()
        assert ours.poll(TIMEOUT_S)
        seen = ours.recv()
        for name in LAYOUT:
            assert seen[name].dtype == LAYOUT[name][1]
            np.testing.assert_array_equal(seen[name], before[name])
        assert ours.recv() == "written"
        np.testing.assert_array_equal(arrays["bytes"], [[0] * 5, [1, 2, 3, 4, 5], [0] * 5])
        np.testing.assert_array_equal(arrays["numbers"], [[0, -2.5], [0, 7.25]])
        arrays["counts"][0] = 123456
        ours.send("written")
        assert ours.recv() == [123456]
    finally:
        child.kill()
        child.join()


def test_arrays_have_their_shape_and_dtype_and_are_filled_with_zeros():
    arrays = SharedArrays(LAYOUT)
    for name, (shape, dtype) in LAYOUT.items():
        assert arrays[name].shape == shape and arrays[name].dtype == dtype
        assert not arrays[name].any()
        assert arrays[name].flags.writeable


def test_no_two_arrays_use_the_same_cache_line():
    arrays = SharedArrays(LAYOUT)
    places = [arrays[name].__array_interface__["data"][0] for name in LAYOUT]
    assert [place % 64 for place in places] == [0] * len(LAYOUT)
    for name in LAYOUT:
        place, size = arrays[name].__array_interface__["data"][0], arrays[name].nbytes
        lines = set(range(place // 64, (place + size - 1) // 64 + 1))
        assert [other // 64 in lines for other in places].count(True) == 1


def test_an_array_of_one_cache_line_needs_no_padding():
    arrays = SharedArrays({"one": ((64,), np.uint8), "two": ((65,), np.uint8), "three": ((1,), np.uint8)})
    one, two, three = (arrays[name].__array_interface__["data"][0] for name in ("one", "two", "three"))
    assert (two - one, three - two) == (64, 128)


def test_the_memory_has_no_name_even_while_the_arrays_are_used():
    arrays = SharedArrays({"big": ((1 << 20,), np.uint8)})
    arrays["big"][:] = 1
    assert os.fstat(arrays._fd).st_nlink == 0  # neither in /dev/shm nor anywhere else
    arrays.close_file()
    assert arrays["big"].all()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="macOS cannot reserve memory")
def test_memory_is_reserved_before_it_is_used():
    # Without a reservation, the first use of memory that is missing ends the process with a bus error.
    arrays = SharedArrays({"big": ((3 << 20,), np.uint8)})
    assert os.fstat(arrays._fd).st_blocks * 512 >= 3 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this limit")
def test_too_little_memory_is_an_error_at_the_start():
    code = (
        "import resource, numpy\n"
        "from emulators.shared_memory import SharedArrays\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "SharedArrays({'fits': ((1 << 19,), numpy.uint8)})\n"
        "try:\n"
        "    SharedArrays({'too big': ((1 << 21,), numpy.uint8)})\n"
        "except OSError:\n"
        "    print('refused')\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert answer.stdout == "refused\n", answer.stderr


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no memfd_create to remove")
def test_without_memfd_create_the_memory_is_a_file_without_a_name(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.delattr(os, "posix_fallocate")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    arrays = SharedArrays(LAYOUT)
    assert list(tmp_path.iterdir()) == []
    arrays["counts"][0] = 5
    arrays.close_file()
    assert arrays["counts"] == [5]
