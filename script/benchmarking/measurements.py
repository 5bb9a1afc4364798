"""The benchmark's sections: what is measured in turn, and what the report says of it."""

import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Any

from benchmarking import peers
from benchmarking.options import BenchmarkOptions
from benchmarking.original_design import baseline
from benchmarking.results import Report
from benchmarking.timing import measure_in_turn, median_ratio, medians, share_of_bound
from benchmarking.workloads import AnswerAtOnce, emulators_alone, one_emulator, updates_on
from networks.registry import TORSOS

EMULATORS = (8, 16, 32, 64, 128, 256)  # counts that --scaling tries
WORKERS = (1, 2, 4, 8)


def measure_emulators(options: BenchmarkOptions, game: Any, pool: Any, report: Report) -> None:
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
    decisions, bare = alone
    report.say(f"{median_ratio(measured, decisions, bare):.0%} of the bare game's rate in one emulator")


def measure_loop(options: BenchmarkOptions, game: Any, pool: Any, report: Report) -> None:
    """The network alone and the whole loop, beside the emulators alone and others' loops."""
    from paac.training.run_folder import emulator_settings

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


def measure_scaling(options: BenchmarkOptions, game: Any, report: Report) -> dict[str, list[tuple[str, float]]]:
    """The loop over emulators, workers, networks and colours; each panel's points."""
    from emulators import EmulatorPool
    from paac.training.run_folder import emulator_settings

    settings: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "emulators": [(str(count), {"emulator_counts": count}) for count in EMULATORS],
        "workers": [(str(count), {"emulator_workers": count}) for count in WORKERS],
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
                counts: dict[str, Any] = {
                    "workers": changed.workers,
                    "shards": min(options.shards, changed.emulator_counts),
                }
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


def measure_processes(options: BenchmarkOptions, archs: Sequence[str], count: int, report: Report) -> None:
    """One process beside several that share its cores; what exchanging gradients costs; what more machines could give."""
    from benchmarking.process_comparison import several
    from benchmarking.scaling_model import speedup_table

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


def measure_startup(options: BenchmarkOptions, game: Any, report: Report) -> None:
    """Seconds of each stage up to the first update."""
    from benchmarking.startup import first_update

    report.say("\n| to the first update | seconds |\n|---|---:|")
    for stage, seconds in first_update(game, options).items():
        report.say(f"| {stage} | {seconds:.1f} |")


def measure_memory(options: BenchmarkOptions, decisions: int, report: Report) -> None:
    """Memory of a training, a line for each tenth of it."""
    from benchmarking.memory import watch_training

    samples = watch_training(
        ["-g", options.game, "--arch", options.arch, "-ec", str(options.emulator_counts)],
        decisions,
    )
    report.say("\n| seconds | trainer, MiB | workers, MiB |\n|---:|---:|---|")
    for sample in samples[:: max(1, len(samples) // 10)]:
        workers = ", ".join(f"{size:.1f}" for size in sample.workers)
        report.say(f"| {sample.seconds:.0f} | {sample.trainer:.1f} | {workers} |")
