"""Train an agent with PAAC, or resume the run in its folder.

TensorFlow is imported only inside `main`, because worker processes import this file too, and --help must be fast.
"""

import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Python leaves it out with PYTHONSAFEPATH

from paac.cli import entry_point


def main(argv: Sequence[str]) -> None:
    from paac.cli.command_line import typed_options
    from paac.cli.options import Options

    typed = typed_options(
        Options,
        argv,
        "Train an agent, or resume the run in its folder. Ctrl+C saves and exits.",
        switches={"list_games": ("Game", "list all games by platform, and exit")},
    )

    from paac.training.distributed import processes_from_tf_config
    from paac.training.resume import check_start
    from paac.training.stop_signal import StopSignal
    from paac.training.tensorflow_setup import device_notes, start_tensorflow
    from paac.training.viewer import open_viewer

    if typed.pop("list_games", False):
        print_games(typed.get("rom_path", Options.rom_path))
        return
    options, game, notes = prepare(typed)
    viewer = open_viewer(options.visualize)
    with StopSignal() as stop, processes_from_tf_config() as processes:
        if processes.count == 1:  # several processes check it together, or the others would wait for this one
            notes += check_start(options, typed)
        if processes.rank == 0:
            for note in notes:
                print(note)
        device = start_tensorflow(options.device, options.op_threads, processes.connect)
        print(*device_notes(options.device, device, options.precision), sep="\n")

        import tensorflow as tf

        from paac.training.loop import train

        with tf.device(device):
            train(processes.broadcast_options(options), game, stop, viewer, processes)


def prepare(typed: dict[str, Any]) -> tuple[Any, Any, list[str]]:
    """Return the options to train with, the game and lines for the user. Raises errors, and writes nothing."""
    from emulators import find_game, make_emulator
    from paac.training.find_runs import resolve_run_options
    from paac.training.run_folder import RunFolder

    options, changes = resolve_run_options(typed)
    game = find_game(options.game, options.rom_path, options.env_kwargs)
    make_emulator(game, seed=0, **options.emulator_settings).close()
    run = RunFolder(options.debugging_folder)
    started = "" if run.has_checkpoint() else f"{game}: new run in {run}"
    return options, game, [note for note in (started, *changes, game.notice, options.annealing_note) if note]


def print_games(rom_path: str) -> None:
    from emulators import list_games

    for platform, names in list_games(rom_path).items():
        print(textwrap.fill(f"{platform}: {', '.join(names)}", 118, subsequent_indent="    "))


if __name__ == "__main__":
    # Until `StopSignal` handles Ctrl+C, it ends the process at once. Python's handler would raise KeyboardInterrupt,
    # which a module that is being imported may catch and ignore.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    entry_point.run(main)
