"""The speed of one process on all cores, beside that of several processes that share the emulators and cores."""

import io
import itertools
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from benchmarking.timing import Measure
from benchmarking.workloads import make_learner, make_updates
from paac.cli.options import Options, usable_cores
from paac.training.distributed import TF_CONFIG, configs_on_this_machine

EXCHANGES = 30  # that are timed
UPDATES = 60


class ProcessComparison(NamedTuple):
    """Connections to the processes of the same training, run by one process and by several."""

    one: list[Connection]
    several: list[Connection]

    def measures(self) -> dict[str, Measure]:
        """The whole loop of both."""
        names = "1 process", f"{len(self.several)} processes"
        return dict(zip(names, map(_together, self), strict=True))

    def exchange(self) -> tuple[int, float]:
        """Bytes of the gradients, and the seconds that their exchange takes."""
        return _ask(self.several, "exchange")

    def update(self) -> tuple[float, float]:
        """Seconds of an update of the one process, their mean and standard deviation."""
        return _ask(self.one, "time")


@contextmanager
def compare_processes(count: int, options: Options) -> Iterator[ProcessComparison]:
    """Start one process with all emulators and cores, and `count` processes that share as many."""
    cores = sorted(os.sched_getaffinity(0))
    one, shared = _start([cores], options), _start([cores[rank::count] for rank in range(count)], options)
    try:
        yield ProcessComparison(one, shared)
    finally:
        _ask(one, "end")
        _ask(shared, "end")


def _ask(connections: list[Connection], question: str | int) -> Any:
    """Ask all at once; returns the answer of the first."""
    for connection in connections:
        connection.send(question)
    return [connection.recv() for connection in connections][0]


def _together(connections: list[Connection]) -> Measure:
    return lambda count: _ask(connections, count)


def _start(cores: list[list[int]], options: Options) -> list[Connection]:
    context = multiprocessing.get_context("spawn")
    connections = []
    for own, config in zip(cores, configs_on_this_machine(len(cores)), strict=True):
        ours, theirs = context.Pipe()
        context.Process(target=_serve, args=(theirs, own, config, options)).start()
        connections.append(ours)
    for connection in connections:
        connection.recv()  # it is ready
    return connections


def _serve(connection: Connection, cores: list[int], config: str, options: Options) -> None:
    os.sched_setaffinity(0, cores)  # and that of the workers
    os.environ[TF_CONFIG] = config

    from paac.training.distributed import processes_from_tf_config
    from paac.training.tensorflow_setup import start_tensorflow

    with redirect_stdout(io.StringIO()), processes_from_tf_config() as together:
        start_tensorflow(options.device, options.op_threads, together.connect)

        from emulators import EmulatorPool, find_game

        own = replace(options, emulator_counts=options.emulator_counts // together.count, emulator_workers=None)
        counts: dict[str, Any] = {
            "workers": min(own.workers, usable_cores()),
            "shards": min(options.shards, len(cores)),
        }
        with EmulatorPool(
            find_game(own.game, own.rom_path), own.emulator_counts, seed=1, **counts, **own.emulator_settings
        ) as pool:
            pool.reset()
            learner = make_learner(pool, own, together)
            connection.send("ready")
            while (asked := connection.recv()) != "end":
                if asked == "exchange":
                    connection.send(_exchange(learner, together))
                else:
                    connection.send(_update_seconds(learner) if asked == "time" else make_updates(learner, asked))
    connection.send("ended")


def _update_seconds(learner: Any) -> tuple[float, float]:
    marks = [time.perf_counter()]
    for _ in range(UPDATES):
        learner.update(lr=1e-4)
        marks.append(time.perf_counter())
    seconds = [after - before for before, after in itertools.pairwise(marks)]
    return statistics.fmean(seconds), statistics.stdev(seconds)


def _exchange(learner: Any, together: Any) -> tuple[int, float]:
    """Bytes and seconds of one exchange of tensors like the gradients."""
    import tensorflow as tf

    gradients = [tf.Variable(variable.value) for variable in learner.network.trainable_variables]
    exchange = together.trace(lambda: together.average([*gradients]), {})
    exchange()
    began = time.perf_counter()
    for _ in range(EXCHANGES):
        exchange()
    seconds = (time.perf_counter() - began) / EXCHANGES
    return sum(variable.shape.num_elements() * 4 for variable in gradients), seconds
