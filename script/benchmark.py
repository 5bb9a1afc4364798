"""Measure decisions and frames a second: emulators alone, network alone, and the whole training loop.

All are measured in turn, several rounds in one run, and the medians are shown: machines drift, ratios do not. The bound
of the loop is 1 / (1 / emulators + 1 / network), the speed of one in which the two never work at the same time.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
from collections.abc import Sequence

from benchmarking.measurements import (
    measure_emulators,
    measure_loop,
    measure_memory,
    measure_processes,
    measure_scaling,
    measure_startup,
)
from benchmarking.options import parse
from benchmarking.results import Report
from paac.cli import entry_point
from paac.cli.errors import UserError


def main(argv: Sequence[str]) -> None:
    options, archs = parse(argv, (__doc__ or "").splitlines()[0])

    from emulators import EmulatorPool, find_game
    from paac.training.run_folder import emulator_settings
    from paac.training.tensorflow_setup import start_tensorflow

    game = find_game(options.game, options.rom_path)
    if options.folder is not None:
        try:
            Path(options.folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
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
            measure_emulators(options, game, pool, report)
            for arch in archs:
                measure_loop(dataclasses.replace(options, arch=arch), game, pool, report)
        if options.scaling:
            panels = measure_scaling(options, game, report)
    if options.processes:
        measure_processes(options, archs, options.processes, report)
    if options.startup:
        measure_startup(options, game, report)
    if options.memory:
        measure_memory(options, options.memory, report)
    if options.folder:
        folder = Path(options.folder)
        report.write(folder, options, device)
        if panels:
            from benchmarking.charts import scaling_chart

            scaling_chart(panels, f"{game}, the whole loop", folder / "scaling.png")
        print(f"Wrote {folder}")


if __name__ == "__main__":
    entry_point.run(main)
