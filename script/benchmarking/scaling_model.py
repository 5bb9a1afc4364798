"""Estimates how much faster a synchronous training run becomes with more processes."""

import math
from typing import NamedTuple


class Interconnect(NamedTuple):
    """A connection between two processes, in one direction."""

    name: str
    bandwidth: float  # bytes per second
    latency: float  # seconds for the smallest message


INTERCONNECTS = (
    Interconnect("10 Gbit/s Ethernet", 1.25e9, 50e-6),
    Interconnect("100 Gbit/s InfiniBand", 12.5e9, 5e-6),
    Interconnect("NVLink, one machine", 100e9, 5e-6),
)
PROCESSES = (2, 4, 8, 16, 32, 64)


def all_reduce_seconds(processes: int, num_bytes: int, interconnect: Interconnect) -> float:
    """Seconds of a ring all-reduce of `num_bytes` bytes (Patarasuk and Yuan 2009).

    It has 2 (n - 1) steps. In each step every process sends 1 / n of the bytes to its neighbour.
    """
    return 2 * (processes - 1) * (num_bytes / processes / interconnect.bandwidth + interconnect.latency)


def wait_seconds(processes: int, deviation_s: float) -> float:
    """Upper bound of the expected wait for the slowest process: the seconds of its update beyond the mean.

    The expected maximum of n independent standard normal variables is at most sqrt(2 ln n). `deviation_s` is the
    standard deviation of an update.
    """
    return deviation_s * math.sqrt(2 * math.log(processes))


def speedup(processes: int, update_s: float, deviation_s: float, num_bytes: int, interconnect: Interconnect) -> float:
    """Decisions per second of `processes` processes, divided by those of one; each has its own emulators and device.

    One process needs `update_s` seconds for an update on average, with standard deviation `deviation_s`, and has
    `num_bytes` bytes of gradients.
    """
    seconds = update_s + wait_seconds(processes, deviation_s) + all_reduce_seconds(processes, num_bytes, interconnect)
    return processes * update_s / seconds


def speedup_table(update_s: float, deviation_s: float, num_bytes: int) -> list[str]:
    """The lines of a Markdown table of speedups, with a row per interconnect and a column per number of processes."""
    lines = [f"| {' | '.join(['processes', *map(str, PROCESSES)])} |", "|---|" + "---:|" * len(PROCESSES)]
    for interconnect in INTERCONNECTS:
        cells = [f"{speedup(count, update_s, deviation_s, num_bytes, interconnect):.1f}" for count in PROCESSES]
        lines.append(f"| {' | '.join([interconnect.name, *cells])} |")
    return lines
