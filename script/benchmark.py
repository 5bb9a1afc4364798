"""Measure decisions and frames per second of the emulators alone, the network alone and the whole training loop.

Each round measures everything once, and the medians over the rounds are shown. The speed of a machine changes over
time, but the ratio of two measurements from the same round hardly does. The bound of the loop is
1 / (1 / emulators + 1 / network), the speed of a loop whose emulators and network never work at the same time.
"""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarking.measurements import (
    measure_emulators,
    measure_loop,
    measure_memory,
    measure_processes,
    measure_scaling,
    measure_startup,
)
from benchmarking.options import UNUSED_OPTIONS, BenchmarkOptions, read_options
from benchmarking.results import Results
from benchmarking.tuning import tune
from paac.cli import entry_point
from paac.cli.command_line import typed_options
from paac.cli.output_paths import writable_folder
from paac.cli.words import counted


def measure(options: BenchmarkOptions, archs: Sequence[str], game: Any, device: str, folder: Path | None) -> None:
    """Measure what the options ask for; print each result when it is known, and write it to `folder` if there is one."""
    import tensorflow as tf

    from emulators import EmulatorPool

    settings = options.emulator_settings | {"workers": options.workers, "shards": options.shards}
    with tf.device(device):
        with EmulatorPool(game, options.emulator_counts, seed=options.random_seed, **settings) as pool:
            pool.reset()
            results = Results(game, pool.frame_skip, options, device, folder)
            results.print_line(
                f"{game}, {counted(pool.count, 'emulator')}, {counted(options.workers, 'worker')}, "
                f"{counted(options.shards, 'shard')}, "
                f"repeats {options.repetition_table}, {options.precision} on {device}, {counted(options.rounds, 'round')}"
            )
            measure_emulators(options, game, pool, results)
            for arch in archs:
                measure_loop(dataclasses.replace(options, arch=arch), game, pool, results)
        if options.scaling:
            measure_scaling(options, game, results)
    if options.processes:
        measure_processes(options, archs, options.processes, results)
    if options.startup:
        measure_startup(options, game, results)
    if options.memory:
        measure_memory(options, options.memory, results)
    results.write()


def main(argv: Sequence[str]) -> None:
    options, archs = read_options(argv, (__doc__ or "").splitlines()[0])

    from emulators import find_game
    from paac.training.tensorflow_setup import start_tensorflow

    game = find_game(options.game, options.rom_path, options.env_kwargs)
    if options.tune:
        typed = typed_options(BenchmarkOptions, argv, "", without=UNUSED_OPTIONS)
        tune(options, typed, partial(print, flush=True))
        return
    folder = writable_folder("--folder", options.folder) if options.folder else None
    device = start_tensorflow(options.device, options.op_threads)
    measure(options, archs, game, device, folder)
    if folder:
        print(f"Wrote {folder}")


if __name__ == "__main__":
    entry_point.run(main)
