"""The measurements of the benchmark, and the tables and lines that report them."""

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

from benchmarking import peers
from benchmarking.options import BenchmarkOptions
from benchmarking.original_design import baseline
from benchmarking.results import Results
from benchmarking.timing import Rounds, Workload, fraction_of_bound, measure_in_rounds, median_ratio, medians
from benchmarking.workloads import ConstantPool, emulators_alone, one_emulator, updates_on
from experiments.train_command import option_words
from networks.registry import TORSOS
from paac.cli.options import Options
from paac.cli.words import counted

EMULATORS = (8, 16, 32, 64, 128, 256)  # numbers of emulators to measure with --scaling
WORKERS = (1, 2, 4, 8)  # numbers of workers to measure with --scaling


def measure_emulators(options: BenchmarkOptions, game: Any, pool: Any, results: Results) -> None:
    """Compare the emulators alone with other vector environments, and one emulator with the bare game."""
    workloads = {"emulators": emulators_alone(pool, options.repetition_table)}
    with ExitStack() as stack:
        if options.peers:
            workloads |= start_peers(stack, peers.VECTOR_ENVIRONMENTS, options, game, pool)
        rounds = measure_in_rounds(workloads, options.rounds, options.seconds)
    results.add_table(f"{game}, emulators", rounds)
    for name in list(rounds)[1:]:
        results.print_line(f"emulators: {median_ratio(rounds, 'emulators', name):.2f} x {name}")
    workloads, emulator = one_emulator(game, options)
    with closing(emulator):
        rounds = measure_in_rounds(workloads, options.rounds, options.seconds / 2)
    results.add_table(f"{game}, one process", rounds)
    emulator_name, bare_name = workloads
    results.print_line(f"{emulator_name}: {median_ratio(rounds, emulator_name, bare_name):.0%} of {bare_name}")


def start_peers(
    stack: ExitStack, names: Sequence[str], options: BenchmarkOptions, game: Any, pool: Any
) -> dict[str, Workload]:
    """Start a process for each of the other libraries; `stack` ends them."""
    settings = game.name, pool.count, options.workers, options.max_local_steps, options.peers_python
    return {name: stack.enter_context(peers.Peer(name, *settings)) for name in names}


def measure_loop(options: BenchmarkOptions, game: Any, pool: Any, results: Results) -> None:
    """Compare the whole loop with the emulators alone, the network alone, the original design and other libraries."""
    workloads = {
        "emulators": emulators_alone(pool, options.repetition_table),
        "network": updates_on(ConstantPool(pool), options),
        "loop": updates_on(pool, options),
    }
    if options.repetition_table != [0]:
        workloads["loop without FiGAR"] = updates_on(pool, dataclasses.replace(options, max_repetition=0, nb_choices=1))
    with ExitStack() as stack:
        if options.baseline:
            workloads |= stack.enter_context(
                baseline(game, pool.count, options.arch, options.max_local_steps, options.emulator_settings)
            )
        if options.peers and options.arch == "NATURE":
            workloads |= start_peers(stack, peers.A2C_VARIANTS, options, game, pool)
        rounds = measure_in_rounds(workloads, options.rounds, options.seconds)
    results.add_table(options.arch, rounds)
    results.print_line(f"loop: {fraction_of_bound(rounds):.0%} of the bound")
    for name in list(rounds)[3:]:
        frames = f", in frames {median_ratio(rounds, 'loop', name, 1):.2f} x" if "FiGAR" in name else ""
        results.print_line(f"loop: {median_ratio(rounds, 'loop', name):.2f} x {name}{frames}")


def measure_scaling(options: BenchmarkOptions, game: Any, results: Results) -> None:
    """Measure the loop with several numbers of emulators and workers, all networks, and gray and RGB observations."""
    settings: dict[str, dict[str, dict[str, Any]]] = {
        "emulators": {str(count): {"emulator_counts": count} for count in EMULATORS},
        "workers": {str(count): {"emulator_workers": count} for count in WORKERS},
        "network": {
            f"{arch}\n{'RGB' if rgb else 'gray'}": {"arch": arch, "rgb": rgb}
            for arch in TORSOS
            for rgb in (False, True)
        },
    }
    for varied, changes in settings.items():
        rounds = _measure_settings(options, game, changes)
        rates = {label: rate.decisions_per_s for label, rate in medians(rounds, results.frame_skip).items()}
        results.print_line(f"\n| {varied} | decisions/s |\n|---|---:|")
        for label, rate in rates.items():
            results.print_line(f"| {label.replace(chr(10), ' ')} | {rate:,.0f} |")
        results.scaling[varied] = rates
        results.write()


def _measure_settings(options: BenchmarkOptions, game: Any, settings: Mapping[str, Mapping[str, Any]]) -> Rounds:
    """Measure the loop with each of the `settings`: label -> changed options."""
    from emulators import EmulatorPool

    with ExitStack() as stack:
        workloads = {}
        for label, changes in settings.items():
            changed = dataclasses.replace(options, **changes)
            count = changed.emulator_counts
            workers, shards = min(changed.workers, count), min(options.shards, count)
            pool = stack.enter_context(
                EmulatorPool(game, count, seed=1, workers=workers, shards=shards, **changed.emulator_settings)
            )
            pool.reset()
            workloads[label] = updates_on(pool, changed)
        return measure_in_rounds(workloads, options.rounds, options.seconds)


def measure_processes(options: BenchmarkOptions, archs: Sequence[str], count: int, results: Results) -> None:
    """Compare one process with `count` processes on the same cores; estimate the speedup from more machines."""
    from benchmarking.process_comparison import compare_processes
    from benchmarking.scaling_model import speedup_table

    all_reduces = ["\n| all-reduce of gradients | MB | ms | fraction of an update |\n|---|---:|---:|---:|"]
    estimates = []
    for arch in archs:
        with compare_processes(count, dataclasses.replace(options, arch=arch)) as processes:
            workloads = processes.workloads()
            rounds = measure_in_rounds(workloads, options.rounds, options.seconds)
            num_bytes, all_reduce_s = processes.measure_all_reduce()
            update_s, deviation_s = processes.measure_update()
        results.add_table(f"{arch}, {counted(count, 'process')}", rounds)
        single_name, multiple_name = workloads
        ratio = median_ratio(rounds, multiple_name, single_name)
        results.print_line(f"{multiple_name}: {ratio:.2f} x {single_name}")
        rate = medians(rounds, results.frame_skip)[multiple_name].decisions_per_s
        fraction = all_reduce_s * rate / (options.emulator_counts * options.max_local_steps)
        all_reduces.append(f"| {arch} | {num_bytes / 1e6:.2f} | {1e3 * all_reduce_s:.1f} | {fraction:.0%} |")
        estimates.append(
            f"\n{arch}, estimated speedup; an update of one process takes {1e3 * update_s:.1f} ms, "
            f"standard deviation {1e3 * deviation_s:.1f} ms:\n"
        )
        estimates += speedup_table(update_s, deviation_s, num_bytes)
    results.print_line("\n".join(all_reduces + estimates))


def measure_startup(options: BenchmarkOptions, game: Any, results: Results) -> None:
    """Measure the seconds of each stage from the start of Python to the first update."""
    from benchmarking.startup import measure_stages

    results.print_line("\n| stage until the first update | seconds |\n|---|---:|")
    for stage, seconds in measure_stages(game, options).items():
        results.print_line(f"| {stage} | {seconds:.1f} |")


def measure_memory(options: BenchmarkOptions, decisions: int, results: Results) -> None:
    """Measure the memory of a training run of `decisions` decisions; print about ten samples."""
    from benchmarking.memory import sample_training

    given = {
        field.name: value
        for field in dataclasses.fields(Options)
        if (value := getattr(options, field.name)) not in (None, field.default)
    }
    samples = sample_training(option_words(given), decisions)
    results.print_line("\n| seconds | trainer, MiB | workers, MiB |\n|---:|---:|---|")
    for sample in samples[:: max(1, len(samples) // 10)]:
        workers = ", ".join(f"{size:.1f}" for size in sample.workers_mib)
        results.print_line(f"| {sample.seconds:.0f} | {sample.trainer_mib:.1f} | {workers} |")
