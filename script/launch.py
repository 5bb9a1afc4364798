"""Train with several processes on this machine, as one training: one for each GPU, where there are GPUs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
import os
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from emulators import find_game
from experiments.trainings import Trainings
from paac.cli import entry_point
from paac.cli.command_line import AT_LEAST_ONE, option, parse, typed_options
from paac.cli.errors import UserError
from paac.cli.options import Options, usable_cores
from paac.training.distributed import TF_CONFIG, configs_on_this_machine
from paac.training.run_folder import resolve_run_options

ABOUT = """Train with several processes on this machine, as one training: launch.py --processes 2 -- -g pong -df logs/pong. What
comes after -- is for train.py; --emulator_counts is for each process. Ctrl+C saves; the same command goes on. For several
machines, start train.py on each with TF_CONFIG set."""
EACH = "What each process, a train.py, is started with: comes after --."
STOP_TIMEOUT_S = 150.0  # for the other processes, once one has ended: longer than they wait for each other


@dataclasses.dataclass(frozen=True, kw_only=True)
class LaunchOptions:
    """Options of launch.py."""

    # fmt: off
    processes: int = option(2, group="Processes", limit=AT_LEAST_ONE, help="how many, each with its own emulators")
    # fmt: on


def gpus() -> list[str]:
    """The GPUs that CUDA_VISIBLE_DEVICES names, or else all that the driver knows."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name.strip()]
    known = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number in range(len(list(known.iterdir())))] if known.is_dir() else []


def environments(count: int) -> list[dict[str, str]]:
    """The environment variables of each process: all addresses, its rank, and its GPU if there are GPUs."""
    devices = gpus()
    if 0 < len(devices) < count:
        raise UserError(f"--processes {count}: there are {len(devices)} GPUs; each process takes one")
    return [
        {TF_CONFIG: config} | ({"CUDA_VISIBLE_DEVICES": devices[rank]} if devices else {})
        for rank, config in enumerate(configs_on_this_machine(count))
    ]


def train(processes: int, arguments: Sequence[str]) -> int:
    """Run train.py in all processes; returns the worst exit code. The first process writes to the terminal itself."""
    trainings = Trainings()

    def start(rank: int, environment: dict[str, str]) -> int:
        def say(line: str) -> None:
            print(f"[{rank}] {line}", file=sys.stderr, flush=True)

        return trainings.train(arguments, say if rank else None, environment) or 0

    with trainings.passing_signals(), ThreadPoolExecutor(processes) as workers:
        started = [workers.submit(start, *numbered) for numbered in enumerate(environments(processes))]
        wait(started, return_when=FIRST_COMPLETED)
        _, running = wait(started, timeout=STOP_TIMEOUT_S)  # when one ends, all do, and each saves
        if running:
            trainings.kill()
        return max((abs(each.result()) for each in started), default=0)


def main(argv: Sequence[str]) -> None:
    own, arguments = list(argv), list[str]()
    if "--" in own:
        own, arguments = own[: own.index("--")], own[own.index("--") + 1 :]
    options = parse(LaunchOptions, own, ABOUT)
    training, _ = resolve_run_options(
        typed_options(Options, arguments, EACH)
    )  # what is wrong is said once, not by each process
    find_game(training.game, training.rom_path)
    if not {"-ew", "--emulator_workers"} & set(arguments):
        arguments += ["-ew", str(max(1, usable_cores() // options.processes))]
    sys.exit(train(options.processes, arguments))


if __name__ == "__main__":
    entry_point.run(main)
