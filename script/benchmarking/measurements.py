"""What the benchmark measures in turn, and what it says of it."""

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

from benchmarking import peers
from benchmarking.options import BenchmarkOptions
from benchmarking.original_design import baseline
from benchmarking.results import Results
from benchmarking.timing import Rounds, fraction_of_bound, measure_in_turn, median_ratio, medians
from benchmarking.workloads import ConstantPool, emulators_alone, one_emulator, updates_on
from networks.registry import TORSOS

EMULATORS = (8, 16, 32, 64, 128, 256)  # counts that --scaling tries
WORKERS = (1, 2, 4, 8)


def measure_emulators(options: BenchmarkOptions, game: Any, pool: Any, results: Results) -> None:
    """The emulators alone, beside their peers; and one emulator beside the bare library."""
    measures = {"emulators": emulators_alone(pool, options.repetition_table)}
    with ExitStack() as stack:
        if options.peers:
            measures |= stack.enter_context(peers.vector_environments(game.name, pool.count, options.workers))
        measured = measure_in_turn(measures, options.rounds, options.seconds)
    results.table(f"{game}, emulators", measured)
    for name in list(measures)[1:]:
        results.say(f"{median_ratio(measured, 'emulators', name):.2f} x {name}")
    alone, emulator = one_emulator(game, options)
    with closing(emulator):
        measured = measure_in_turn(alone, options.rounds, options.seconds / 2)
    results.table(f"{game}, one process", measured)
    decisions, bare = alone
    results.say(f"{median_ratio(measured, decisions, bare):.0%} of the bare game's rate in one emulator")


def measure_loop(options: BenchmarkOptions, game: Any, pool: Any, results: Results) -> None:
    """The network alone and the whole loop, beside the emulators alone and others' loops."""

    measures = {
        "emulators": emulators_alone(pool, options.repetition_table),
        "network": updates_on(ConstantPool(pool), options),
        "loop": updates_on(pool, options),
    }
    if options.repetition_table != [0]:
        measures["loop without FiGAR"] = updates_on(pool, dataclasses.replace(options, max_repetition=0, nb_choices=1))
    with ExitStack() as stack:
        if options.baseline:
            measures |= stack.enter_context(
                baseline(game, pool.count, options.arch, options.max_local_steps, options.emulator_settings)
            )
        if options.peers and options.arch == "NATURE":
            measures |= stack.enter_context(peers.stable_baselines(game.name, pool.count, options.max_local_steps))
        measured = measure_in_turn(measures, options.rounds, options.seconds)
    results.table(options.arch, measured)
    results.say(f"{fraction_of_bound(measured):.0%} of the bound")
    for name in list(measures)[3:]:
        frames = f", {median_ratio(measured, 'loop', name, 1):.2f} x in frames" if "FiGAR" in name else ""
        results.say(f"{median_ratio(measured, 'loop', name):.2f} x {name}{frames}")


def measure_scaling(options: BenchmarkOptions, game: Any, results: Results) -> None:
    """The loop with other numbers of emulators and workers, other networks and colours."""
    settings: dict[str, dict[str, dict[str, Any]]] = {
        "emulators": {str(count): {"emulator_counts": count} for count in EMULATORS},
        "workers": {str(count): {"emulator_workers": count} for count in WORKERS},
        "network": {
            f"{arch}\n{'RGB' if rgb else 'gray'}": {"arch": arch, "rgb": rgb}
            for arch in TORSOS
            for rgb in (False, True)
        },
    }
    for varied, points in settings.items():
        measured = _measure_settings(options, game, points)
        rates = {label: rate.decisions_per_s for label, rate in medians(measured, results.frame_skip).items()}
        results.say(f"\n| {varied} | decisions/s |\n|---|---:|")
        for label, rate in rates.items():
            results.say(f"| {label.replace(chr(10), ' ')} | {rate:,.0f} |")
        results.scaling[varied] = rates


def _measure_settings(options: BenchmarkOptions, game: Any, settings: Mapping[str, Mapping[str, Any]]) -> Rounds:
    """The loop with each of the `settings`, changes of the options by label."""
    from emulators import EmulatorPool

    with ExitStack() as stack:
        measures = {}
        for label, changes in settings.items():
            changed = dataclasses.replace(options, **changes)
            count, shards = changed.emulator_counts, min(options.shards, changed.emulator_counts)
            pool = stack.enter_context(
                EmulatorPool(game, count, seed=1, workers=changed.workers, shards=shards, **changed.emulator_settings)
            )
            pool.reset()
            measures[label] = updates_on(pool, changed)
        return measure_in_turn(measures, options.rounds, options.seconds)


def measure_processes(options: BenchmarkOptions, archs: Sequence[str], count: int, results: Results) -> None:
    """One process beside several that share its cores; the time to exchange gradients; an estimate for more machines."""
    from benchmarking.process_comparison import compare_processes
    from benchmarking.scaling_model import speedup_table

    exchanges = ["\n| exchange of gradients | MB | ms | share of an update |\n|---|---:|---:|---:|"]
    models = []
    for arch in archs:
        with compare_processes(count, dataclasses.replace(options, arch=arch)) as processes:
            measures = processes.measures()
            measured = measure_in_turn(measures, options.rounds, options.seconds)
            size, seconds = processes.exchange()
            update, deviation = processes.update()
        results.table(f"{arch}, {count} processes", measured)
        one, shared = measures
        results.say(f"{median_ratio(measured, shared, one):.2f} x {one}")
        rate = medians(measured, results.frame_skip)[shared].decisions_per_s
        fraction = seconds * rate / (options.emulator_counts * options.max_local_steps)
        exchanges.append(f"| {arch} | {size / 1e6:.2f} | {1e3 * seconds:.1f} | {fraction:.0%} |")
        models.append(
            f"\n{arch}, an update alone {1e3 * update:.1f} ms, standard deviation {1e3 * deviation:.1f} ms:\n"
        )
        models += speedup_table(update, deviation, size)
    results.say("\n".join(exchanges + models))


def measure_startup(options: BenchmarkOptions, game: Any, results: Results) -> None:
    """Seconds of each stage up to the first update."""
    from benchmarking.startup import first_update

    results.say("\n| to the first update | seconds |\n|---|---:|")
    for stage, seconds in first_update(game, options).items():
        results.say(f"| {stage} | {seconds:.1f} |")


def measure_memory(options: BenchmarkOptions, decisions: int, results: Results) -> None:
    """Memory of a training, a line for each tenth of it."""
    from benchmarking.memory import watch_training

    samples = watch_training(
        ["-g", options.game, "--arch", options.arch, "-ec", str(options.emulator_counts)],
        decisions,
    )
    results.say("\n| seconds | trainer, MiB | workers, MiB |\n|---:|---:|---|")
    for sample in samples[:: max(1, len(samples) // 10)]:
        workers = ", ".join(f"{size:.1f}" for size in sample.workers)
        results.say(f"| {sample.seconds:.0f} | {sample.trainer:.1f} | {workers} |")
