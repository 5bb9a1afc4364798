"""What more processes can give one synchronous training, from what one process and a network take."""

import math
from typing import NamedTuple


class Interconnect(NamedTuple):
    """Between two processes, each way."""

    name: str
    bandwidth: float  # bytes a second
    latency: float  # seconds, of the smallest message


INTERCONNECTS = (
    Interconnect("10 Gbit/s Ethernet", 1.25e9, 50e-6),
    Interconnect("100 Gbit/s InfiniBand", 12.5e9, 5e-6),
    Interconnect("NVLink, one machine", 100e9, 5e-6),
)
PROCESSES = (2, 4, 8, 16, 32, 64)


def exchange_seconds(processes: int, size: int, interconnect: Interconnect) -> float:
    """Of a ring all-reduce of `size` bytes (Patarasuk and Yuan 2009).

    In each of 2 (n - 1) steps every process sends an n-th of the bytes to its neighbour.
    """
    return 2 * (processes - 1) * (size / processes / interconnect.bandwidth + interconnect.latency)


def wait_seconds(processes: int, deviation: float) -> float:
    """How long the slowest of `processes` updates takes beyond the mean, where `deviation` is their standard deviation.

    That is the expected greatest of n normal numbers, sqrt(2 ln n) at most.
    """
    return deviation * math.sqrt(2 * math.log(processes))


def speedup(processes: int, update: float, deviation: float, size: int, interconnect: Interconnect) -> float:
    """Decisions a second of `processes` over those of one, each with emulators and a device as that one has."""
    together = update + wait_seconds(processes, deviation) + exchange_seconds(processes, size, interconnect)
    return processes * update / together


def speedup_table(update: float, deviation: float, size: int) -> list[str]:
    """Markdown: a row for each interconnect."""
    lines = [f"| {' | '.join(['times one process', *map(str, PROCESSES)])} |", "|---|" + "---:|" * len(PROCESSES)]
    for interconnect in INTERCONNECTS:
        cells = [f"{speedup(count, update, deviation, size, interconnect):.1f}" for count in PROCESSES]
        lines.append(f"| {' | '.join([interconnect.name, *cells])} |")
    return lines
