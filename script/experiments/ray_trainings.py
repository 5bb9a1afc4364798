"""Trainings on the machines of a Ray cluster, which see the project and the runs under the same paths."""

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

RETRIES = 3  # of a training whose machine was lost; it goes on from its last checkpoint
SCRIPTS = Path(__file__).resolve().parent.parent


class Trainer:
    """Lives on one machine of the cluster and runs one training there."""

    def __init__(self, folder: str):
        os.chdir(folder)  # paths in options are as on the machine that asked
        self._trainings = Trainings()

    def train(self, arguments: Sequence[str], name: str) -> tuple[int | None, str]:
        """The exit code, and the last line that was printed; Ray shows each line where batchTrain.py runs."""
        last_line = ""

        def say(line: str) -> None:
            nonlocal last_line
            last_line = line
            print(f"[{name}] {line}", flush=True)

        return self._trainings.train(arguments, say), last_line

    def stop(self, number: int) -> None:
        """Pass a signal on."""
        self._trainings.stop(number)


class RayTrainings:
    """The training processes of a Ray cluster, with the methods of `Trainings`."""

    def __init__(self, address: str, cpus: float, gpus: float):
        """`address` of the cluster, HOST:PORT, or "auto" for the one this machine belongs to. Raises UserError."""
        try:
            if address != "auto":  # Ray itself would try for minutes
                host, _, port = address.rpartition(":")
                socket.create_connection((host, int(port)), timeout=10).close()
            ray.init(address=address, runtime_env={"env_vars": {"PYTHONPATH": f"{SCRIPTS}:{SCRIPTS.parent}"}})
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(
                f"--ray {address}: no cluster there ({str(error).splitlines()[0]}); ray start --head"
            ) from None
        remote: Any = ray.remote
        self._make = remote(num_cpus=cpus, num_gpus=gpus, max_restarts=RETRIES, max_task_retries=-1, max_concurrency=2)(
            Trainer
        )
        self._cpus = cpus
        self._trainers: set[Any] = set()
        self._lock = threading.Lock()
        self.stopping = False

    def train(self, arguments: Sequence[str], say: Callable[[str], None]) -> int | None:
        """As `Trainings.train`; `say` gets the last line only."""
        name = Path(arguments[arguments.index("-df") + 1]).name
        with self._lock:
            if self.stopping:
                return None
            trainer = self._make.remote(str(Path.cwd()))
            self._trainers.add(trainer)
        try:
            there = trainer.__ray_ready__.remote()  # when a machine has room for it
            while not ray.wait([there], timeout=1.0)[0]:
                if self.stopping:
                    return None
            code, last_line = ray.get(trainer.train.remote([*arguments, "-ew", str(max(1, int(self._cpus)))], name))
            say(last_line)
            return code
        except ray.exceptions.RayError as error:
            say(f"Ray gave the training up: {str(error).strip().splitlines()[0]}")
            return 1
        finally:
            with self._lock:
                self._trainers.discard(trainer)
            ray.kill(trainer)

    def stop(self, number: int) -> None:
        """Pass a signal on to all; a training that still waits for a machine does not start."""
        with self._lock:
            self.stopping = True
            for trainer in self._trainers:
                trainer.stop.remote(number)

    @contextmanager
    def passing_signals(self) -> Iterator[None]:
        """As that of `Trainings`."""
        with signals_passed_to(self.stop):
            yield
