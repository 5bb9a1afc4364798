"""Train an agent with PAAC, or resume the run in its folder.

TensorFlow is imported only inside `main`, because --help must be fast.
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

    if typed.pop("list_games", False):
        from paac.training.find_runs import check_rom_path

        check_rom_path(typed.get("rom_path"), instead="list ale-py's own ROMs")
        print_games(typed.get("rom_path", TrainOptions.rom_path))
        return

    from paac.training.session import run_session
    from paac.training.stop_signal import StopSignal

    run_session(typed, StopSignal())


def print_games(rom_path: str) -> None:
    from emulators import list_games

    for platform, names in list_games(rom_path).items():
        print(textwrap.fill(f"{platform}: {', '.join(names)}", 118, subsequent_indent="    "))


if __name__ == "__main__":
    # Until `StopSignal` handles Ctrl+C, it ends the process at once. Python's handler would raise KeyboardInterrupt,
    # which a module that is being imported may catch and ignore.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    entry_point.run(main)
