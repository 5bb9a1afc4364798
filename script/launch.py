"""Train one agent with several processes on this machine; with GPUs, each process uses one of them."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
import itertools
import os
import signal
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from experiments.trainings import Trainings, failure_reason
from paac.cli import entry_point
from paac.cli.command_line import between, option, parse, typed_options
from paac.cli.errors import UserError
from paac.cli.options import TrainOptions
from paac.training.run_folder import RunFolder
from paac.training.start import prepare
from paac.training.tf_config import TF_CONFIG, configs_on_this_machine

DESCRIPTION = """Train one agent with several processes on this machine, for example: launch.py --processes 2 -- -g pong
-df logs/pong. Every process runs train.py with the options after --, so --emulator_counts is the number of emulators of
each process. Ctrl+C saves and stops; the same command resumes. To use several machines, start train.py on each of them
with TF_CONFIG set."""
TRAIN_DESCRIPTION = "Options of train.py, written after --; all processes get the same options."
START_TIMEOUT_S = 30.0  # after one process has ended, time for the others to notice it
STOP_TIMEOUT_S = 150.0  # and to save


@dataclasses.dataclass(frozen=True, kw_only=True)
class LaunchOptions:
    """Options of launch.py."""

    # fmt: off
    processes: int = option(2, group="Processes", limit=between(1, 256), help="number of processes, each with its own emulators")
    # fmt: on


def gpus() -> list[str]:
    """The GPUs in CUDA_VISIBLE_DEVICES if that is set, otherwise the numbers of all GPUs that the driver lists.

    A negative number, such as -1, hides itself and all GPUs after it.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = (name.strip() for name in visible.split(","))
        return list(itertools.takewhile(lambda name: not name.startswith("-"), filter(None, names)))
    driver_folder = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number in range(len(list(driver_folder.iterdir())))] if driver_folder.is_dir() else []


def environments(count: int, device: str) -> list[dict[str, str]]:
    """The environment variables of each process: TF_CONFIG and, if they use GPUs, CUDA_VISIBLE_DEVICES.

    Raises UserError if there are fewer GPUs than processes.
    """
    devices = gpus() if device.lower().startswith("/gpu") else []
    first = int(device.partition(":")[2])
    devices = devices[first:] + devices[:first]
    if 0 < len(devices) < count:
        raise UserError(
            f"--processes {count}: each process needs its own GPU; --processes must be at most {len(devices)}, or use "
            "-d /cpu:0 after --"
        )
    return [
        {TF_CONFIG: config} | ({"CUDA_VISIBLE_DEVICES": devices[rank]} if devices else {})
        for rank, config in enumerate(configs_on_this_machine(count))
    ]


def train(variables: Sequence[dict[str, str]], arguments: Sequence[str]) -> int:
    """Run train.py once for each of the environment `variables`; returns the largest exit code.

    A process that was ended by a signal is named, and counts as a failure. The first process writes directly to the
    terminal; the lines of the others start with their rank.
    """
    trainings = Trainings(len(variables))

    def start(rank: int, environment: dict[str, str]) -> int:
        def print_line(line: str) -> None:
            print(f"[{rank}] {line}", file=sys.stderr, flush=True)

        return trainings.train(arguments, print_line if rank else None, environment) or 0

    with trainings.passing_signals(), ThreadPoolExecutor(len(variables)) as workers:
        futures = [workers.submit(start, *ranked) for ranked in enumerate(variables)]
        wait(futures, return_when=FIRST_COMPLETED)
        # After one process has ended, the others save and end, but those that still wait for it.
        _, running = wait(futures, timeout=START_TIMEOUT_S)
        if running and not trainings.stopping:
            trainings.stop(signal.SIGTERM)
        _, running = wait(futures, timeout=STOP_TIMEOUT_S)
        if running:
            trainings.kill()
        codes = [future.result() for future in futures]
    for rank, code in enumerate(codes):
        if code < 0:
            print(f"launch.py: process {rank}: {failure_reason(code, '')}", file=sys.stderr)
    return max(entry_point.FAILURE if code < 0 else code for code in codes)


def main(argv: Sequence[str]) -> None:
    own, arguments = list(argv), list[str]()
    if "--" in own:
        own, arguments = own[: own.index("--")], own[own.index("--") + 1 :]
    try:
        options = parse(LaunchOptions, own, DESCRIPTION)
    except UserError as error:
        if "--" in argv:
            raise
        raise UserError(
            f"{error}; type options of train.py after --, as in launch.py --processes 2 -- -g pong"
        ) from None
    # Check the options here, so that an error is reported once and not by each process.
    typed = typed_options(TrainOptions, arguments, TRAIN_DESCRIPTION, without=["list_games"])
    training = prepare(typed).options
    arguments += ["-df", training.debugging_folder]  # the same folder for all, even after one of them has created it
    arguments += ["--op_threads", str(training.op_threads)]  # only the first process reads the preset
    run = RunFolder(training.debugging_folder)
    if run.path.is_dir():
        with run.lock():  # raises an error if another training uses the folder
            pass
    variables = environments(options.processes, training.device)
    if "CUDA_VISIBLE_DEVICES" in variables[0]:
        arguments += ["-d", "/gpu:0"]  # the only one that each process sees
    sys.exit(train(variables, arguments))


if __name__ == "__main__":
    entry_point.run(main)
