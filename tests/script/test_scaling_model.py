"""Tests of the estimated speedup of many processes, against values computed by hand."""

import pytest

from benchmarking.scaling_model import (
    INTERCONNECTS,
    Interconnect,
    all_reduce_seconds,
    speedup,
    speedup_table,
    wait_seconds,
)

WIRE = Interconnect("wire", bandwidth=1e6, latency=0.001)


def test_a_ring_sends_one_nth_of_the_bytes_in_each_step():
    assert all_reduce_seconds(1, 10**6, WIRE) == 0
    assert all_reduce_seconds(2, 10**6, WIRE) == pytest.approx(2 * (0.5 + 0.001))
    assert all_reduce_seconds(4, 10**6, WIRE) == pytest.approx(6 * (0.25 + 0.001))


def test_there_is_no_wait_with_one_process_or_with_equal_updates():
    assert wait_seconds(1, 0.5) == 0 == wait_seconds(64, 0.0)
    assert wait_seconds(2, 0.5) == pytest.approx(0.5 * 1.1774, rel=1e-4)


def test_the_speedup_is_linear_if_updates_are_equal_and_the_all_reduce_takes_no_time():
    assert speedup(8, 0.1, 0.0, 0, Interconnect("", 1e9, 0.0)) == pytest.approx(8)
    assert speedup(2, 1.0, 0.0, 10**6, WIRE) == pytest.approx(2 / 2.002)


def test_the_table_has_a_row_for_each_interconnect():
    lines = speedup_table(0.04, 0.002, 2_700_000)
    assert len(lines) == 2 + len(INTERCONNECTS) and all(line.count("|") == 8 for line in lines)
    assert lines[-1].startswith("| NVLink") and float(lines[-1].split("|")[2]) < 2
