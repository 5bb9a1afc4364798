"""Measure decisions and frames a second: emulators alone, network alone, and the whole training loop.

All are measured in turn, several rounds in one run, and the medians are shown: machines drift, ratios do not. The bound
of the loop is 1 / (1 / emulators + 1 / network), the speed of one in which the two never work at the same time.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
import importlib.util
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any

from networks.registry import TORSOS
from paac import front_door
from paac.command_line import AT_LEAST_ONE, POSITIVE, OptionError, option, typed_options
from paac.options import Options, check, resolve, usable_cores
from speed import peers
from speed.design_2017 import baseline
from speed.measure import Measure, Rate, Rounds, measure_in_turn, median_ratio, medians, share_of_bound


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkOptions(Options):
    """A training's options, and how to measure."""

    # fmt: off
    archs: str = option("NIPS,NATURE", group="Benchmark", help="networks to measure, with commas between")
    rounds: int = option(5, group="Benchmark", limit=AT_LEAST_ONE, help="times that each figure is measured")
    seconds: float = option(4.0, group="Benchmark", limit=POSITIVE, help="about how long each takes")
    peers: bool = option(False, group="Benchmark", help="EnvPool, ALE's own vectors and Stable-Baselines3 too")
    baseline: bool = option(False, group="Benchmark", help="the original's design of 2017 too")
    scaling: bool = option(False, group="Benchmark", help="8 to 256 emulators, 1 to 8 workers, all networks, RGB")
    processes: int | None = option(None, group="Benchmark", limit=AT_LEAST_ONE, help="one process beside N with a share of its emulators and cores")
    startup: bool = option(False, group="Benchmark", help="seconds to the first update")
    memory: int | None = option(None, group="Benchmark", limit=AT_LEAST_ONE, help="memory of a training of N decisions")
    folder: str | None = option(None, group="Benchmark", help="where to write benchmark.json, benchmark.md and charts")
    # fmt: on


class AnswerAtOnce:
    """Stands in for an emulator pool: the same shapes, no games."""

    def __init__(self, pool: Any):
        self.count = pool.count
        self.num_actions = pool.num_actions
        self.shards = pool.shards
        self.failure = None
        self.observations = pool.observations
        self._steps = [
            pool.step(shard, *next(random_play(1, len(part), pool.num_actions, [0])))
            for shard, part in enumerate(pool.shards)
        ]

    def step(self, shard: int, actions: Any, repeats: Any) -> tuple[Any, ...]:
        """What the shard answered once."""
        return tuple(self._steps[shard])


def random_play(steps: int, count: int, num_actions: int, table: Sequence[int]) -> Iterator[tuple[Any, Any]]:
    """Actions and repeats of `count` emulators, a number of steps, all drawn at the start."""
    import numpy as np

    random, shape = np.random.default_rng(), (steps, count)
    return zip(random.integers(0, num_actions, shape), random.choice(table, shape), strict=True)


def emulators_alone(pool: Any, table: Sequence[int]) -> Measure:
    """Every shard plays by itself, all side by side."""

    def measure(steps: int) -> tuple[int, int]:
        plays = [0] * len(pool.shards)

        def play(shard: int) -> None:
            for actions, repeats in random_play(steps, len(pool.shards[shard]), pool.num_actions, table):
                plays[shard] += int(pool.step(shard, actions, repeats).plays.sum())

        threads = [threading.Thread(target=play, args=(shard,)) for shard in range(len(plays))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return steps * pool.count, sum(plays)

    return measure


def updates_on(pool: Any, options: Options) -> Measure:
    """Updates of the options' network on the emulators of `pool`."""
    from networks.registry import make_network
    from paac.learner import Learner
    from paac.run_folder import network_settings

    learner = Learner(
        make_network(num_actions=pool.num_actions, **network_settings(options)),
        pool,
        seed=options.random_seed,
        repetition_table=options.repetition_table,
        max_local_steps=options.max_local_steps,
    )

    def measure(count: int) -> tuple[int, int]:
        plays = sum(int(learner.update(lr=1e-4).plays.sum()) for _ in range(count))
        return count * learner.decisions_per_update, plays

    return measure


def one_emulator(game: Any, options: BenchmarkOptions) -> tuple[dict[str, Measure], Any]:
    """One emulator's decisions in this process, and the bare game that each is made of."""
    from emulators import make_emulator
    from paac.run_folder import emulator_settings

    bare, emulator = (make_emulator(game, seed=1, **emulator_settings(options)) for _ in range(2))
    press, is_over, start = bare_game(bare)

    def decide(count: int) -> tuple[int, int]:
        for (action,), _ in random_play(10 * count, 1, bare.num_actions, [0]):
            if emulator.done:
                emulator.reset()
            emulator.step(action)
        return 10 * count, 10 * count

    def play_bare(count: int) -> tuple[int, int]:
        for (action,), _ in random_play(10 * count, 1, bare.num_actions, [0]):
            if is_over():
                start()
            for _ in range(bare.frame_skip):
                press(action)
        return 10 * count, 10 * count

    bare.reset()
    return {"one emulator": decide, "the bare game": play_bare}, emulator


def bare_game(emulator: Any) -> tuple[Callable, Callable, Callable]:
    """One frame of the library underneath, drawn where it does not draw by itself; whether it is over; a new game."""
    from emulators.atari import AtariEmulator

    if isinstance(emulator, AtariEmulator):
        ale, pressed = emulator._ale, emulator._actions
        return (lambda action: ale.act(pressed[action])), ale.game_over, ale.reset_game

    def press(action: int) -> None:
        emulator._press(action)
        (emulator._own.draw if emulator._own else emulator._environment.render)()

    return press, (lambda: emulator._is_over() or emulator._is_cut()), emulator._start


class Report:
    """What was measured, shown as it comes."""

    def __init__(self, frame_skip: int):
        self.frame_skip = frame_skip
        self.lines: list[str] = []
        self.tables: dict[str, dict[str, Rate]] = {}
        self.rounds: dict[str, Rounds] = {}

    def say(self, line: str) -> None:
        """One line of the report."""
        print(line, flush=True)
        self.lines.append(line)

    def table(self, title: str, measured: Rounds) -> None:
        """Medians of what was measured in turn."""
        rates = medians(measured, self.frame_skip)
        self.tables[title], self.rounds[title] = rates, measured
        self.say(f"\n| {title:<26} | decisions/s | frames/s |\n|{'-' * 28}|------------:|---------:|")
        for name, rate in rates.items():
            self.say(f"| {name:<26} | {rate.decisions_per_s:>11,.0f} | {rate.frames_per_s:>8,.0f} |")
        self.say("")

    def write(self, folder: Path, options: BenchmarkOptions, device: str) -> None:
        """All figures as JSON, the report as Markdown, the tables as a bar chart."""
        from speed.charts import bar_chart

        report = {
            "options": dataclasses.asdict(options),
            "device": device,
            "rounds": self.rounds,
            "medians": {
                title: {name: rate._asdict() for name, rate in rates.items()} for title, rates in self.tables.items()
            },
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "benchmark.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        (folder / "benchmark.md").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        bars = {
            title: {name: rate.frames_per_s for name, rate in rates.items()} for title, rates in self.tables.items()
        }
        bar_chart(bars, self.lines[0], folder / "benchmark.png")


def benchmark_emulators(options: BenchmarkOptions, game: Any, pool: Any, report: Report) -> None:
    """The emulators alone, beside their peers; and one emulator beside the bare library."""
    measures = {"emulators": emulators_alone(pool, options.repetition_table)}
    with ExitStack() as stack:
        if options.peers:
            measures |= stack.enter_context(peers.emulators(game.name, pool.count, options.workers))
        measured = measure_in_turn(measures, options.rounds, options.seconds)
    report.table(f"{game}, emulators", measured)
    for name in list(measures)[1:]:
        report.say(f"{median_ratio(measured, 'emulators', name):.2f} x {name}")
    alone, emulator = one_emulator(game, options)
    with closing(emulator):
        measured = measure_in_turn(alone, options.rounds, options.seconds / 2)
    report.table(f"{game}, one process", measured)
    report.say(f"{median_ratio(measured, *alone):.0%} of the bare game's rate in one emulator")


def benchmark_loop(options: BenchmarkOptions, game: Any, pool: Any, report: Report) -> None:
    """The network alone and the whole loop, beside the emulators alone and others' loops."""
    from paac.run_folder import emulator_settings

    measures = {
        "emulators": emulators_alone(pool, options.repetition_table),
        "network": updates_on(AnswerAtOnce(pool), options),
        "loop": updates_on(pool, options),
    }
    if options.repetition_table != [0]:
        measures["loop without FiGAR"] = updates_on(pool, dataclasses.replace(options, max_repetition=0, nb_choices=1))
    with ExitStack() as stack:
        if options.baseline:
            measures |= stack.enter_context(
                baseline(game, pool.count, options.arch, options.max_local_steps, emulator_settings(options))
            )
        if options.peers and options.arch == "NATURE":
            measures |= stack.enter_context(peers.stable_baselines(game.name, pool.count, options.max_local_steps))
        measured = measure_in_turn(measures, options.rounds, options.seconds)
    report.table(options.arch, measured)
    report.say(f"{share_of_bound(measured):.0%} of the bound")
    for name in list(measures)[3:]:
        frames = f", {median_ratio(measured, 'loop', name, 1):.2f} x in frames" if "FiGAR" in name else ""
        report.say(f"{median_ratio(measured, 'loop', name):.2f} x {name}{frames}")


def benchmark_scaling(options: BenchmarkOptions, game: Any, report: Report) -> dict[str, list[tuple[str, float]]]:
    """The loop over emulators, workers, networks and colours; each panel's points."""
    from emulators import EmulatorPool
    from paac.run_folder import emulator_settings

    settings: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "emulators": [(str(count), {"emulator_counts": count}) for count in (8, 16, 32, 64, 128, 256)],
        "workers": [(str(count), {"emulator_workers": count}) for count in (1, 2, 4, 8)],
        "network": [
            (f"{arch}\n{'RGB' if rgb else 'gray'}", {"arch": arch, "rgb": rgb})
            for arch in TORSOS
            for rgb in (False, True)
        ],
    }
    panels = {}
    for panel, points in settings.items():
        with ExitStack() as stack:
            measures = {}
            for label, changes in points:
                changed = dataclasses.replace(options, **changes)
                counts = {"workers": changed.workers, "shards": min(options.shards, changed.emulator_counts)}
                pool = stack.enter_context(
                    EmulatorPool(game, changed.emulator_counts, seed=1, **counts, **emulator_settings(changed))
                )
                pool.reset()
                measures[label] = updates_on(pool, changed)
            measured = measure_in_turn(measures, options.rounds, options.seconds)
        rates = medians(measured, report.frame_skip)
        report.say(f"\n| {panel} | decisions/s |\n|---|---:|")
        for label, rate in rates.items():
            report.say(f"| {label.replace(chr(10), ' ')} | {rate.decisions_per_s:,.0f} |")
        panels[panel] = [(label, rate.decisions_per_s) for label, rate in rates.items()]
    return panels


def benchmark_processes(options: BenchmarkOptions, archs: Sequence[str], count: int, report: Report) -> None:
    """One process beside several that share its cores; what exchanging gradients costs; what more machines could give."""
    from speed.cluster import speedup_table
    from speed.several import several

    exchanges = ["\n| exchange of gradients | MB | ms | share of an update |\n|---|---:|---:|---:|"]
    models = []
    for arch in archs:
        with several(count, dataclasses.replace(options, arch=arch)) as started:
            measures = started.measures()
            measured = measure_in_turn(measures, options.rounds, options.seconds)
            size, seconds = started.exchange()
            update, spread = started.update()
        report.table(f"{arch}, {count} processes", measured)
        one, shared = measures
        report.say(f"{median_ratio(measured, shared, one):.2f} x {one}")
        rate = medians(measured, report.frame_skip)[shared].decisions_per_s
        share = seconds * rate / (options.emulator_counts * options.max_local_steps)
        exchanges.append(f"| {arch} | {size / 1e6:.2f} | {1e3 * seconds:.1f} | {share:.0%} |")
        models.append(f"\n{arch}, an update alone {1e3 * update:.1f} ms, standard deviation {1e3 * spread:.1f} ms:\n")
        models += speedup_table(update, spread, size)
    report.say("\n".join(exchanges + models))


def benchmark_startup(options: BenchmarkOptions, game: Any, report: Report) -> None:
    """Seconds of each stage up to the first update."""
    from speed.startup import first_update

    report.say("\n| to the first update | seconds |\n|---|---:|")
    for stage, seconds in first_update(game, options).items():
        report.say(f"| {stage} | {seconds:.1f} |")


def benchmark_memory(options: BenchmarkOptions, decisions: int, report: Report) -> None:
    """Memory of a training, a line for each tenth of it."""
    from speed.memory import watch_training

    samples = watch_training(
        ["-g", options.game, "--arch", options.arch, "-ec", str(options.emulator_counts)],
        decisions,
    )
    report.say("\n| seconds | trainer, MiB | workers, MiB |\n|---:|---:|---|")
    for sample in samples[:: max(1, len(samples) // 10)]:
        workers = ", ".join(f"{size:.1f}" for size in sample.workers)
        report.say(f"| {sample.seconds:.0f} | {sample.trainer:.1f} | {workers} |")


def check_peers() -> None:
    """Raise OptionError unless they are installed."""
    for module in ("envpool", "stable_baselines3", "cv2"):
        if importlib.util.find_spec(module) is None:
            raise OptionError(f"--peers: {module} is not there; pip install -r script/requirements-peers.txt")


def parse(argv: Sequence[str]) -> tuple[BenchmarkOptions, list[str]]:
    """The options and the networks to measure. Raises OptionError."""
    typed = typed_options(BenchmarkOptions, argv, (__doc__ or "").splitlines()[0])
    options = BenchmarkOptions(**typed)
    archs = options.archs.split(",") if "arch" not in typed else [options.arch]
    for arch in archs:
        if arch not in TORSOS:
            raise OptionError(f"--archs {options.archs}: {arch!r} is not one of {', '.join(TORSOS)}")
        check(dataclasses.replace(options, arch=arch))
    if options.peers:
        check_peers()
    if options.processes and (options.emulator_counts % options.processes or options.processes > usable_cores()):
        raise OptionError(
            f"--processes {options.processes}: must divide the {options.emulator_counts} of --emulator_counts, and be "
            f"at most the {usable_cores()} cores of this machine"
        )
    if options.baseline and (options.max_repetition or options.rgb or options.protocol != "original"):
        raise OptionError("--baseline: plays the original's way; leave --max_repetition, --rgb and --protocol away")
    if options.baseline or options.peers:
        from emulators import find_game

        if find_game(options.game, options.rom_path).platform != "atari":
            raise OptionError(f"-g {options.game}: --peers and --baseline play Atari only; leave them away")
    return resolve(dataclasses.replace(options, arch=archs[0])), archs


def main(argv: Sequence[str]) -> None:
    options, archs = parse(argv)

    from emulators import EmulatorPool, find_game
    from paac.engine import start_tensorflow
    from paac.run_folder import emulator_settings

    game = find_game(options.game, options.rom_path)
    if options.folder is not None:
        try:
            Path(options.folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OptionError(
                f"--folder {options.folder}: cannot be made ({error.strerror}); name another folder"
            ) from None
    device = start_tensorflow(options.device, options.op_threads)

    import tensorflow as tf

    settings = emulator_settings(options) | {"workers": options.workers, "shards": options.shards}
    panels = {}
    with tf.device(device):
        with EmulatorPool(game, options.emulator_counts, seed=options.random_seed, **settings) as pool:
            pool.reset()
            report = Report(pool.frame_skip)
            report.say(
                f"{game}, {pool.count} emulators, {options.workers} workers, {options.shards} shards, "
                f"repeats {options.repetition_table}, {options.precision} on {device}, {options.rounds} rounds"
            )
            benchmark_emulators(options, game, pool, report)
            for arch in archs:
                benchmark_loop(dataclasses.replace(options, arch=arch), game, pool, report)
        if options.scaling:
            panels = benchmark_scaling(options, game, report)
    if options.processes:
        benchmark_processes(options, archs, options.processes, report)
    if options.startup:
        benchmark_startup(options, game, report)
    if options.memory:
        benchmark_memory(options, options.memory, report)
    if options.folder:
        folder = Path(options.folder)
        report.write(folder, options, device)
        if panels:
            from speed.charts import scaling_chart

            scaling_chart(panels, f"{game}, the whole loop", folder / "scaling.png")
        print(f"Wrote {folder}")


if __name__ == "__main__":
    front_door.run(main)
