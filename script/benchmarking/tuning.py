"""Finds the numbers of workers, shards and threads that are fastest on this machine."""

import dataclasses
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from benchmarking.options import BenchmarkOptions
from benchmarking.process_comparison import trainings
from benchmarking.timing import Rounds, measure_in_rounds, median_ratio, medians
from experiments.train_command import option_words
from paac.cli.options import usable_cores

MAX_WORKERS = 32  # the trainings with all numbers of workers are started together
SMALLEST_GAIN = 1.03  # a smaller one may be noise, and the numbers so far are kept


def candidates(options: BenchmarkOptions, cores: int) -> dict[str, list[int]]:
    """Return the values to try for each option, in the order in which the options are tuned."""
    counts = {
        "emulator_workers": {
            *(min(number, MAX_WORKERS) for number in (1, cores // 2, cores, 2 * cores)),
            options.workers,
        },
        "shards": {1, 2, 4, options.shards},
    }
    tried = {
        name: {value for value in values if 1 <= value <= options.emulator_counts} for name, values in counts.items()
    }
    tried["op_threads"] = {value for value in (1, 2, 4, 8) if value <= cores} | {options.op_threads}
    return {name: sorted(values) for name, values in tried.items()}


def fastest(rounds: Rounds, current: str) -> str:
    """Return the name of the fastest workload, which is `current` unless another gains more than noise."""
    ratios = {name: median_ratio(rounds, name, current) for name in rounds}
    best = max(ratios, key=lambda name: ratios[name])
    return best if ratios[best] >= SMALLEST_GAIN else current


def tune(options: BenchmarkOptions, typed: Mapping[str, Any], print_line: Callable[[str], None]) -> None:
    """Measure trainings with other numbers of workers, shards and threads, and print the command of the fastest.

    The options are tuned one after the other: all combinations would take too long. The command has the `typed` ones too.
    """
    chosen: dict[str, Any] = {"emulator_workers": options.workers}
    for name, values in candidates(options, usable_cores()).items():
        current = chosen.get(name, getattr(options, name))
        settings = {str(value): dataclasses.replace(options, **{**chosen, name: value}) for value in values}
        rounds = _measure(settings, options)
        print_line(f"\n| --{name} | decisions/s |\n|---|---:|")
        for label, rate in medians(rounds, 1).items():
            print_line(f"| {label} | {rate.decisions_per_s:,.0f} |")
        chosen[name] = int(fastest(rounds, str(current)))
    words = option_words({**typed, "game": options.game, "arch": options.arch, **chosen})
    print_line(f"\nThe fastest here: {shlex.join(['python3', 'train.py', *words])}")


def _measure(settings: Mapping[str, BenchmarkOptions], options: BenchmarkOptions) -> Rounds:
    with trainings(settings) as workloads:
        return measure_in_rounds(workloads, options.rounds, options.seconds / 2)
