"""Measure decisions and frames a second: emulators alone, network alone, and the whole training loop.

The three are measured in turn, several rounds in one run, and the medians are shown: machines drift, ratios do not.
Their bound is 1 / (1 / emulators + 1 / network), the speed of a loop in which the two never work at the same time.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from paac import front_door
from paac.options import AT_LEAST_ONE, POSITIVE, OptionError, Options, check, option, resolve, typed_options


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkOptions(Options):
    """A training's options, and how to measure."""

    # fmt: off
    archs: str = option("NIPS,NATURE", group="Benchmark", help="networks to measure, with commas between")
    rounds: int = option(5, group="Benchmark", limit=AT_LEAST_ONE, help="times that each figure is measured")
    seconds: float = option(4.0, group="Benchmark", limit=POSITIVE, help="about how long each takes")
    json: str | None = option(None, group="Benchmark", help="file for all figures")
    # fmt: on


class AnswerAtOnce:
    """Stands in for an emulator pool: the same shapes, no games."""

    def __init__(self, pool: Any):
        self.count = pool.count
        self.shards = pool.shards
        self.failure = None
        self.observations = pool.observations
        self._steps = [pool.step(shard, *random_play(len(part), [0])) for shard, part in enumerate(pool.shards)]

    def step(self, shard: int, actions: Any, repeats: Any) -> tuple[Any, ...]:
        """What the shard answered once."""
        return tuple(self._steps[shard])


def random_play(count: int, table: Sequence[int]) -> tuple[Any, Any]:
    """Actions and repeats for `count` emulators; action 0 and 1 exist in every game."""
    import numpy as np

    random = np.random.default_rng()
    return random.integers(0, 2, count), random.choice(table, count)


def emulators_alone(pool: Any, table: Sequence[int], steps: int) -> tuple[int, int]:
    """Every shard plays `steps` decisions, all side by side; returns decisions and plays."""
    plays = [0] * len(pool.shards)

    def play(shard: int) -> None:
        count = len(pool.shards[shard])
        for _ in range(steps):
            plays[shard] += int(pool.step(shard, *random_play(count, table)).plays.sum())

    threads = [threading.Thread(target=play, args=(shard,)) for shard in range(len(plays))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return steps * pool.count, sum(plays)


def updates(learner: Any, count: int) -> tuple[int, int]:
    """`count` updates; returns decisions and plays."""
    return count * learner.decisions_per_update, sum(int(learner.update(lr=1e-4).plays.sum()) for _ in range(count))


def rates(measure: Callable[[int], tuple[int, int]], count: int) -> tuple[float, float]:
    """Decisions and plays a second."""
    began = time.perf_counter()
    decisions, plays = measure(count)
    seconds = time.perf_counter() - began
    return decisions / seconds, plays / seconds


def benchmark(options: BenchmarkOptions, arch: str, pool: Any) -> dict[str, Any]:
    """All figures of one network; medians of the rounds."""
    from networks.registry import make_network
    from paac.learner import Learner
    from paac.run_folder import network_settings

    def learner(of: Any) -> Learner:
        network = make_network(num_actions=pool.num_actions, **network_settings(options) | {"arch": arch})
        return Learner(
            network,
            of,
            seed=options.random_seed,
            repetition_table=options.repetition_table,
            max_local_steps=options.max_local_steps,
        )

    alone, whole = learner(AnswerAtOnce(pool)), learner(pool)
    measures: dict[str, Callable[[int], tuple[int, int]]] = {
        "emulators": lambda count: emulators_alone(pool, options.repetition_table, count),
        "network": lambda count: updates(alone, count),
        "loop": lambda count: updates(whole, count),
    }
    counts = {}
    for name, measure in measures.items():
        measure(3)  # warm up
        began = time.perf_counter()
        measure(3)
        counts[name] = max(3, round(3 * options.seconds / (time.perf_counter() - began)))
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in measures}
    for _ in range(options.rounds):
        for name, measure in measures.items():
            rounds[name].append(rates(measure, counts[name]))
    figures: dict[str, Any] = {"arch": arch, "rounds": rounds}
    for name, measured in rounds.items():
        figures[name] = {
            "decisions_per_s": statistics.median(decisions for decisions, _ in measured),
            "frames_per_s": statistics.median(plays for _, plays in measured) * pool.frame_skip,
        }
    # By round, then the median: what drifts, drifts for all three.
    figures["share_of_bound"] = statistics.median(
        loop[0] * (1 / emulators[0] + 1 / network[0])
        for emulators, network, loop in zip(*(rounds[name] for name in measures), strict=True)
    )
    return figures


def show(figures: dict[str, Any]) -> None:
    """One network's figures as a table."""
    print(f"\n{figures['arch']:<12}{'decisions/s':>14}{'frames/s':>14}")
    for name in ("emulators", "network", "loop"):
        print(f"{name:<12}{figures[name]['decisions_per_s']:>14,.0f}{figures[name]['frames_per_s']:>14,.0f}")
    print(f"{'of the bound':<12}{figures['share_of_bound']:>14.0%}")


def main(argv: Sequence[str]) -> None:
    typed = typed_options(BenchmarkOptions, argv, (__doc__ or "").splitlines()[0])
    options = BenchmarkOptions(**typed)
    archs = options.archs.split(",") if "arch" not in typed else [options.arch]
    for arch in archs:
        check(dataclasses.replace(options, arch=arch))
    options = resolve(options)

    from emulators import EmulatorPool, find_game
    from paac.engine import start_tensorflow
    from paac.run_folder import emulator_settings

    game = find_game(options.game, options.rom_path)
    device = start_tensorflow(options.device, options.op_threads)

    import tensorflow as tf

    settings = emulator_settings(options) | {"workers": options.workers, "shards": options.shards}
    with EmulatorPool(game, options.emulator_counts, seed=options.random_seed, **settings) as pool, tf.device(device):
        pool.reset()
        print(
            f"{game}, {pool.count} emulators, {options.workers} workers, {options.shards} shards, "
            f"repeats {options.repetition_table}, {device}, {options.rounds} rounds"
        )
        results = []
        for arch in archs:
            results.append(benchmark(options, arch, pool))
            show(results[-1])
    if options.json:
        report = {"options": dataclasses.asdict(options), "device": device, "results": results}
        try:
            Path(options.json).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise OptionError(f"--json {options.json}: cannot be written ({error.strerror})") from None


if __name__ == "__main__":
    front_door.run(main)
