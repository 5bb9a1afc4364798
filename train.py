"""Train an agent with PAAC, or resume the run in its folder.

TensorFlow is imported only inside `main`, because worker processes import this file too, and --help must be fast.
"""

import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Python leaves it out with PYTHONSAFEPATH

from paac.cli import entry_point


def main(argv: Sequence[str]) -> None:
    from paac.cli.command_line import typed_options
    from paac.cli.options import TrainOptions

    typed = typed_options(
        TrainOptions, argv, "Train an agent, or resume the run in its folder. Ctrl+C saves and exits."
    )

    from paac.training.distributed import processes_from_tf_config
    from paac.training.resume import check_start
    from paac.training.start import prepare
    from paac.training.stop_signal import StopSignal
    from paac.training.tensorflow_setup import device_notes, start_tensorflow
    from paac.training.viewer import open_viewer

    if typed.pop("list_games", False):
        print_games(typed.get("rom_path", TrainOptions.rom_path))
        return
    processes = processes_from_tf_config()
    start = prepare(typed, processes.rank)  # raises errors before the run's folder is created
    notes = list(start.notes)
    if processes.count == 1:  # several processes check it together, or the others would wait for this one
        notes += check_start(start.options, typed)
    print("".join(f"{note}\n" for note in notes), end="")
    viewer = open_viewer(start.options.visualize)
    with StopSignal() as stop, processes:
        device = start_tensorflow(start.options.device, start.options.op_threads, processes.connect)
        print(*device_notes(start.options.device, device, start.options.precision), sep="\n")

        import tensorflow as tf

        from paac.training.loop import train

        stop.saves = True
        start = processes.agree(start)
        with tf.device(device):
            train(start.options, start.game, stop, viewer, processes)


def print_games(rom_path: str) -> None:
    from emulators import list_games

    for platform, names in list_games(rom_path).items():
        print(textwrap.fill(f"{platform}: {', '.join(names)}", 118, subsequent_indent="    "))


if __name__ == "__main__":
    # Until `StopSignal` handles Ctrl+C, it ends the process at once. Python's handler would raise KeyboardInterrupt,
    # which a module that is being imported may catch and ignore.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    entry_point.run(main)
