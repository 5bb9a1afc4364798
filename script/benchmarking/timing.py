"""Measures workloads in rounds.

The speed of a machine changes over time. Each round runs every workload once, and ratios are taken within a round.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

Workload = Callable[[int], tuple[int, int]]  # runs a number of steps or updates; returns their decisions and plays
Rounds = dict[str, list[list[float]]]  # name of the workload -> [decisions per second, plays per second] of each round


class WorkloadError(Exception):
    """A workload failed; the message is for the user. The other workloads are still measured."""


class Rate(NamedTuple):
    """Medians of a workload over the rounds."""

    decisions_per_s: float
    frames_per_s: float


def measure_in_rounds(workloads: Mapping[str, Workload], num_rounds: int, seconds: float) -> Rounds:
    """Run every workload once per round, each for about `seconds`.

    A workload that raises WorkloadError is left out, and its message is printed.
    """
    counts: dict[str, int] = {}
    rounds: Rounds = {name: [] for name in workloads}
    for number in range(1 + num_rounds):
        for name in list(rounds):
            try:
                if number == 0:
                    counts[name] = _steps_in(workloads[name], seconds)
                else:
                    rounds[name].append(_measure(workloads[name], counts[name]))
            except WorkloadError as error:
                print(error, flush=True)
                del rounds[name]
    return rounds


def _steps_in(workload: Workload, seconds: float) -> int:
    """The number of steps that the workload makes in about `seconds`, after a warm-up."""
    workload(3)
    start = time.perf_counter()
    workload(3)
    return max(3, round(3 * seconds / (time.perf_counter() - start)))


def _measure(workload: Workload, steps: int) -> list[float]:
    """Decisions and plays per second."""
    start = time.perf_counter()
    decisions_and_plays = workload(steps)
    elapsed = time.perf_counter() - start
    return [number / elapsed for number in decisions_and_plays]


def medians(rounds: Rounds, frame_skip: int) -> dict[str, Rate]:
    """The median rates of each workload; a play is `frame_skip` frames."""
    rates = {}
    for name, pairs in rounds.items():
        decisions, plays = map(statistics.median, zip(*pairs, strict=True))
        rates[name] = Rate(decisions, plays * frame_skip)
    return rates


def median_ratio(rounds: Rounds, name: str, other: str, column: int = 0) -> float:
    """Median over the rounds of the ratio of two workloads, in decisions per second (column 0) or plays (column 1)."""
    pairs = zip(rounds[name], rounds[other], strict=True)
    return statistics.median(rates[column] / other_rates[column] for rates, other_rates in pairs)


def fraction_of_bound(rounds: Rounds) -> float:
    """Speed of the loop divided by the bound 1 / (1 / emulators + 1 / network).

    The bound is the speed of a loop whose emulators and network never work at the same time.
    """
    triples = zip(*(rounds[name] for name in ("emulators", "network", "loop")), strict=True)
    return statistics.median(loop[0] * (1 / emulators[0] + 1 / network[0]) for emulators, network, loop in triples)
