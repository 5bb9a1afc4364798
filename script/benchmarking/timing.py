"""Measuring in turn: machines drift, so what is compared runs side by side, round by round."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

Measure = Callable[[int], tuple[int, int]]  # how often -> decisions and plays
Rounds = dict[str, list[list[float]]]  # by measure, decisions and plays a second of every round


class Rate(NamedTuple):
    """Medians over the rounds."""

    decisions_per_s: float
    frames_per_s: float


def measure_in_turn(measures: Mapping[str, Measure], rounds: int, seconds: float) -> Rounds:
    """Run every measure once a round, each for about `seconds`."""
    counts = {}
    for name, measure in measures.items():
        measure(3)  # warm up
        began = time.perf_counter()
        measure(3)
        counts[name] = max(3, round(3 * seconds / (time.perf_counter() - began)))
    measured: Rounds = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            began = time.perf_counter()
            counted = measure(counts[name])
            passed = time.perf_counter() - began
            measured[name].append([number / passed for number in counted])
    return measured


def medians(measured: Rounds, frame_skip: int) -> dict[str, Rate]:
    """Each measure's rates."""
    rates = {}
    for name, rounds in measured.items():
        decisions, plays = map(statistics.median, zip(*rounds, strict=True))
        rates[name] = Rate(decisions, plays * frame_skip)
    return rates


def median_ratio(measured: Rounds, name: str, other: str, column: int = 0) -> float:
    """Of decisions a second (column 0) or plays (1), taken round by round: if the machine drifts, it drifts for both."""
    pairs = zip(measured[name], measured[other], strict=True)
    return statistics.median(mine[column] / theirs[column] for mine, theirs in pairs)


def fraction_of_bound(measured: Rounds) -> float:
    """The loop against 1 / (1 / emulators + 1 / network), the speed of one in which the two never work at once."""
    rounds = zip(*(measured[name] for name in ("emulators", "network", "loop")), strict=True)
    return statistics.median(loop[0] * (1 / emulators[0] + 1 / network[0]) for emulators, network, loop in rounds)
