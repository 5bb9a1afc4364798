"""Trainings on the machines of a Ray cluster; all have the project and the runs under the same paths."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray

from experiments.trainings import Trainings, signals_passed_to
from paac.cli.errors import UserError
from paac.training.run_folder import RunFolder

MAX_RESTARTS = 3  # of a training whose machine is lost; each resumes from the last checkpoint
SCRIPTS = Path(__file__).resolve().parent.parent


class Trainer:
    """A Ray actor that runs one training on a machine of the cluster."""

    def __init__(self, folder: str):
        os.chdir(folder)  # the folder in which batchTrain.py runs: options may contain relative paths
        self._trainings = Trainings()

    def train(self, arguments: Sequence[str], name: str, cores: int) -> tuple[int | None, str]:
        """Run train.py on `cores` cores; returns the exit code and the last line of output.

        Ray prints all lines where batchTrain.py runs.
        """
        last_line = ""

        def print_line(line: str) -> None:
            nonlocal last_line
            last_line = line
            print(f"[{name}] {line}", flush=True)

        return self._trainings.train(arguments, print_line, {"PYTHON_CPU_COUNT": str(cores)}), last_line

    def stop(self, signal_number: int) -> None:
        """Send the signal to the training."""
        self._trainings.stop(signal_number)


class RayTrainings:
    """Trainings on a Ray cluster, with the methods of `Trainings`."""

    def __init__(self, address: str, cpus: float, gpus: float):
        """Connect to a cluster; each training gets `cpus` cores and `gpus` GPUs.

        `address` is HOST:PORT, or "auto" for the cluster that this machine belongs to. Raises UserError if no cluster
        answers.
        """
        try:
            if address != "auto":  # Ray itself would try to connect for minutes
                host, _, port = address.rpartition(":")
                socket.create_connection((host, int(port)), timeout=10).close()
            ray.init(address=address, runtime_env={"env_vars": {"PYTHONPATH": f"{SCRIPTS}:{SCRIPTS.parent}"}})
        except (OSError, OverflowError, ValueError, RuntimeError) as error:
            raise UserError(
                f"--ray {address}: no cluster there ({str(error).splitlines()[0]}); start one with ray start --head"
            ) from None
        remote: Any = ray.remote
        settings = {"max_restarts": MAX_RESTARTS, "max_task_retries": -1, "max_concurrency": 2}
        self._trainer_class = remote(num_cpus=cpus, num_gpus=gpus, **settings)(Trainer)
        self._cpus = cpus
        self._trainers: set[Any] = set()
        self._lock = threading.RLock()  # a signal may interrupt the handler of another
        self.stopping = False

    def train(self, arguments: Sequence[str], print_line: Callable[[str], None]) -> int | None:
        """Run train.py on the cluster like `Trainings.train`; only its last line goes to `print_line`."""
        folder = arguments[arguments.index("-df") + 1]
        name = "/".join(Path(folder).parts[-2:])
        with self._lock:
            if self.stopping:
                return None
            trainer = self._trainer_class.remote(str(Path.cwd()))
            self._trainers.add(trainer)
        try:
            ready = trainer.__ray_ready__.remote()  # done when a machine has enough free cores and GPUs
            while not ray.wait([ready], timeout=1.0)[0]:
                if self.stopping:
                    return None
            RunFolder(folder).load_options()  # without args.json, train.py would start a run with the default options
            code, last_line = ray.get(trainer.train.remote(arguments, name, max(1, int(self._cpus))))
            print_line(last_line)
            return code
        except UserError as error:  # the run was deleted
            print_line(str(error))
            return 1
        except ray.exceptions.RayError as error:
            print_line(f"the training failed on the Ray cluster: {str(error).strip().splitlines()[0]}")
            return 1
        finally:
            with self._lock:
                self._trainers.discard(trainer)
            ray.kill(trainer)

    def stop(self, signal_number: int) -> None:
        """Send the signal to all trainings; a training that waits for a machine does not start."""
        with self._lock:
            self.stopping = True
            for trainer in self._trainers:
                trainer.stop.remote(signal_number)

    @contextmanager
    def passing_signals(self) -> Iterator[None]:
        """Pass signals on like `Trainings.passing_signals`."""
        with signals_passed_to(self.stop):
            yield
