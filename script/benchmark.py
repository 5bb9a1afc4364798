"""Measure decisions and frames a second: emulators alone, network alone, and the whole training loop.

All are measured in turn, several rounds in one run, and the medians are shown: machines drift, ratios do not. The bound
of the loop is 1 / (1 / emulators + 1 / network), the speed of one in which the two never work at the same time. With
`--peers` the same job is given to what users would pick instead.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
import importlib.util
import json
import os
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

import peers

from networks.registry import TORSOS
from paac import front_door
from paac.options import AT_LEAST_ONE, POSITIVE, OptionError, Options, check, option, resolve, typed_options


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkOptions(Options):
    """A training's options, and how to measure."""

    # fmt: off
    archs: str = option("NIPS,NATURE", group="Benchmark", help="networks to measure, with commas between")
    rounds: int = option(5, group="Benchmark", limit=AT_LEAST_ONE, help="times that each figure is measured")
    seconds: float = option(4.0, group="Benchmark", limit=POSITIVE, help="about how long each takes")
    peers: bool = option(False, group="Benchmark", help="EnvPool, ALE's own vectors and Stable-Baselines3 too")
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


def measure_in_turn(measures: Mapping[str, peers.Measure], rounds: int, seconds: float) -> dict[str, list[list[float]]]:
    """Decisions and plays a second of every measure in every round; each takes about `seconds`."""
    counts = {}
    for name, measure in measures.items():
        measure(3)  # warm up
        began = time.perf_counter()
        measure(3)
        counts[name] = max(3, round(3 * seconds / (time.perf_counter() - began)))
    measured: dict[str, list[list[float]]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            began = time.perf_counter()
            counted = measure(counts[name])
            passed = time.perf_counter() - began
            measured[name].append([number / passed for number in counted])
    return measured


def median_ratio(measured: Mapping[str, list[list[float]]], name: str, other: str) -> float:
    """Of decisions a second, taken round by round: what drifts, drifts for both."""
    pairs = zip(measured[name], measured[other], strict=True)
    return statistics.median(mine[0] / theirs[0] for mine, theirs in pairs)


def one_emulator(game: Any, options: BenchmarkOptions) -> tuple[dict[str, peers.Measure], Any]:
    """One emulator's decisions in this process, and the four bare frames that each is made of; Atari only."""
    from emulators import make_emulator
    from paac.run_folder import emulator_settings

    bare, emulator = (make_emulator(game, seed=1, **emulator_settings(options)) for _ in range(2))
    ale, pressed = bare._ale, bare._actions

    def decide(count: int) -> tuple[int, int]:
        for action in random_play(100 * count, [0])[0].tolist():
            if emulator.done:
                emulator.reset()
            emulator.step(action)
        return 100 * count, 100 * count

    def act(count: int) -> tuple[int, int]:
        for action in random_play(100 * count, [0])[0].tolist():
            if ale.game_over():
                ale.reset_game()
            for _ in range(4):
                ale.act(pressed[action])
        return 100 * count, 100 * count

    return {"one emulator": decide, "four bare frames": act}, emulator


def benchmark_emulators(options: BenchmarkOptions, game: Any, pool: Any) -> dict[str, Any]:
    """The emulators alone, beside their peers; and one emulator beside the bare library."""
    measures: dict[str, peers.Measure] = {
        "emulators": lambda count: emulators_alone(pool, options.repetition_table, count)
    }
    with ExitStack() as stack:
        if options.peers:
            measures |= stack.enter_context(peers.emulators(game.name, pool.count, options.workers))
        measured = measure_in_turn(measures, options.rounds, options.seconds)
    alone, emulator = one_emulator(game, options)
    with closing(emulator):
        measured |= measure_in_turn(alone, options.rounds, options.seconds / 2)
    figures = show(f"{game}, emulators", measured, pool.frame_skip)
    for name in measures:
        if name != "emulators":
            print(f"{median_ratio(measured, 'emulators', name):>8.2f} x {name}")
    print(f"{median_ratio(measured, *alone):>8.0%} of the bare frames' rate in one emulator")
    return {"medians": figures, "rounds": measured}


def benchmark_loop(options: BenchmarkOptions, arch: str, game: Any, pool: Any) -> dict[str, Any]:
    """The network alone and the whole loop, beside the emulators alone."""
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
    measures: dict[str, peers.Measure] = {
        "emulators": lambda count: emulators_alone(pool, options.repetition_table, count),
        "network": lambda count: updates(alone, count),
        "loop": lambda count: updates(whole, count),
    }
    with ExitStack() as stack:
        if options.peers and arch == "NATURE":
            measures |= stack.enter_context(peers.stable_baselines(game.name, pool.count, options.max_local_steps))
        measured = measure_in_turn(measures, options.rounds, options.seconds)
    share = statistics.median(
        loop[0] * (1 / emulators[0] + 1 / network[0])
        for emulators, network, loop in zip(*(measured[name] for name in ("emulators", "network", "loop")), strict=True)
    )
    figures = show(arch, measured, pool.frame_skip)
    print(f"{share:>8.0%} of the bound")
    for name in list(measures)[3:]:
        print(f"{median_ratio(measured, 'loop', name):>8.2f} x {name}")
    return {"arch": arch, "medians": figures, "rounds": measured, "share_of_bound": share}


def show(title: str, measured: Mapping[str, list[list[float]]], frame_skip: int) -> dict[str, dict[str, float]]:
    """Medians as a table, and returned: decisions and frames a second."""
    figures = {}
    print(f"\n{title:<26}{'decisions/s':>14}{'frames/s':>14}")
    for name, rounds in measured.items():
        decisions, plays = map(statistics.median, zip(*rounds, strict=True))
        figures[name] = {"decisions_per_s": decisions, "frames_per_s": plays * frame_skip}
        print(f"{name:<26}{decisions:>14,.0f}{plays * frame_skip:>14,.0f}", flush=True)
    return figures


def check_peers() -> None:
    """Raise OptionError unless they are installed."""
    for module in ("envpool", "stable_baselines3", "cv2"):
        if importlib.util.find_spec(module) is None:
            raise OptionError(f"--peers: {module} is not there; pip install -r script/requirements-peers.txt")


def main(argv: Sequence[str]) -> None:
    typed = typed_options(BenchmarkOptions, argv, (__doc__ or "").splitlines()[0])
    options = BenchmarkOptions(**typed)
    archs = options.archs.split(",") if "arch" not in typed else [options.arch]
    for arch in archs:
        if arch not in TORSOS:
            raise OptionError(f"--archs {options.archs}: {arch!r} is not one of {', '.join(TORSOS)}")
        check(dataclasses.replace(options, arch=arch))
    if options.json and not os.access(Path(options.json).absolute().parent, os.W_OK):
        raise OptionError(f"--json {options.json}: its folder is not there, or cannot be written")
    options = resolve(options)

    from emulators import EmulatorPool, find_game
    from paac.engine import start_tensorflow
    from paac.run_folder import emulator_settings

    game = find_game(options.game, options.rom_path)
    if options.peers:
        check_peers()
    device = start_tensorflow(options.device, options.op_threads)

    import tensorflow as tf

    settings = emulator_settings(options) | {"workers": options.workers, "shards": options.shards}
    with EmulatorPool(game, options.emulator_counts, seed=options.random_seed, **settings) as pool, tf.device(device):
        pool.reset()
        print(
            f"{game}, {pool.count} emulators, {options.workers} workers, {options.shards} shards, "
            f"repeats {options.repetition_table}, {device}, {options.rounds} rounds"
        )
        results = [benchmark_emulators(options, game, pool)]
        results += [benchmark_loop(options, arch, game, pool) for arch in archs]
    if options.json:
        report = {"options": dataclasses.asdict(options), "device": device, "results": results}
        try:
            Path(options.json).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise OptionError(f"--json {options.json}: cannot be written ({error.strerror})") from None


if __name__ == "__main__":
    front_door.run(main)
