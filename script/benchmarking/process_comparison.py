"""Trainings in processes of their own: with other options side by side, or one process beside several.

The several processes divide the emulators and cores of the one among them.
"""

import io
import itertools
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from benchmarking.timing import Workload
from benchmarking.workloads import make_learner, make_updates
from paac.cli.options import Options, usable_cores
from paac.cli.words import counted
from paac.training.tf_config import TF_CONFIG, configs_on_this_machine

NUM_ALL_REDUCES = 30  # timed all-reduces of gradients
NUM_UPDATES = 60  # timed updates


class ProcessComparison(NamedTuple):
    """Connections to the processes of two equal training runs, one with a single process and one with several."""

    single: list[Connection]
    multiple: list[Connection]

    def workloads(self) -> dict[str, Workload]:
        """The whole loop of each run, as a workload."""
        names = "1 process", counted(len(self.multiple), "process")
        return dict(zip(names, map(_make_updates_in, self), strict=True))

    def measure_all_reduce(self) -> tuple[int, float]:
        """Bytes of the gradients, and seconds of one all-reduce of them between the processes."""
        return _ask(self.multiple, "all-reduce")

    def measure_update(self) -> tuple[float, float]:
        """Mean and standard deviation of the single process's updates, in seconds."""
        return _ask(self.single, "time")


@contextmanager
def compare_processes(count: int, options: Options) -> Iterator[ProcessComparison]:
    """Start one process with all emulators and cores, and `count` processes that divide the same numbers among them."""
    cores = _own_cores()
    single, multiple = (
        _start(
            [cores[rank::processes] for rank in range(processes)],
            replace(
                options,
                emulator_counts=options.emulator_counts // processes,
                emulator_workers=None,
                shards=min(options.shards, len(cores) // processes),
            ),
        )
        for processes in (1, count)
    )
    try:
        yield ProcessComparison(_ready(single), _ready(multiple))
    finally:
        _ask(single, "end")
        _ask(multiple, "end")


@contextmanager
def trainings(options: Mapping[str, Options]) -> Iterator[dict[str, Workload]]:
    """Start a training on all cores with each of the `options`; the whole loop of each is a workload."""
    cores = _own_cores()
    started = {name: _start([cores], chosen) for name, chosen in options.items()}
    try:
        yield {name: _make_updates_in(_ready(connections)) for name, connections in started.items()}
    finally:
        for connections in started.values():
            _ask(connections, "end")


def _own_cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(usable_cores()))  # macOS has no affinity


def _ask(connections: list[Connection], request: str | int) -> Any:
    """Send a request to all processes; returns the first one's answer when all have answered."""
    for connection in connections:
        connection.send(request)
    return [connection.recv() for connection in connections][0]


def _make_updates_in(connections: list[Connection]) -> Workload:
    return lambda count: _ask(connections, count)


def _start(cores: list[list[int]], options: Options) -> list[Connection]:
    """Start a training run with one process for each list of cores; returns the connections to them.

    `options` are those of each process.
    """
    context = multiprocessing.get_context("spawn")
    connections = []
    for own_cores, config in zip(cores, configs_on_this_machine(len(cores)), strict=True):
        connection, child_connection = context.Pipe()
        context.Process(target=_serve, args=(child_connection, own_cores, config, options)).start()
        connections.append(connection)
    return connections


def _ready(connections: list[Connection]) -> list[Connection]:
    """Wait until the processes can make updates."""
    for connection in connections:
        connection.recv()  # "ready"
    return connections


def _serve(connection: Connection, cores: list[int], config: str, options: Options) -> None:
    """Answer requests: a number of updates to make, "all-reduce", "time" or "end"."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)  # the workers inherit it
    os.environ[TF_CONFIG] = config

    from paac.training.distributed import processes_from_tf_config
    from paac.training.tensorflow_setup import start_tensorflow

    with redirect_stdout(io.StringIO()), processes_from_tf_config() as processes:
        start_tensorflow(options.device, options.op_threads, processes.connect)

        from emulators import EmulatorPool, find_game

        counts: dict[str, Any] = {"workers": options.workers, "shards": options.shards}
        with EmulatorPool(
            find_game(options.game, options.rom_path, options.env_kwargs),
            options.emulator_counts,
            seed=1,
            **counts,
            **options.emulator_settings,
        ) as pool:
            pool.reset()
            learner = make_learner(pool, options, processes)
            connection.send("ready")
            while (request := connection.recv()) != "end":
                if request == "all-reduce":
                    connection.send(_time_all_reduce(learner, processes))
                else:
                    connection.send(_time_updates(learner) if request == "time" else make_updates(learner, request))
    connection.send("ended")


def _time_updates(learner: Any) -> tuple[float, float]:
    """Mean and standard deviation of the seconds of an update."""
    times = [time.perf_counter()]
    for _ in range(NUM_UPDATES):
        learner.update(lr=1e-4)
        times.append(time.perf_counter())
    seconds = [after - before for before, after in itertools.pairwise(times)]
    return statistics.fmean(seconds), statistics.stdev(seconds)


def _time_all_reduce(learner: Any, processes: Any) -> tuple[int, float]:
    """Bytes and seconds of one all-reduce of tensors with the shapes of the gradients."""
    import tensorflow as tf

    gradients = [tf.Variable(variable.value) for variable in learner.network.trainable_variables]
    all_reduce = processes.trace(lambda: processes.average([*gradients]), {})
    all_reduce()
    start = time.perf_counter()
    for _ in range(NUM_ALL_REDUCES):
        all_reduce()
    seconds = (time.perf_counter() - start) / NUM_ALL_REDUCES
    return sum(variable.shape.num_elements() * 4 for variable in gradients), seconds
