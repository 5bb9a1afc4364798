"""One training by one process on all cores, beside the same by several processes with a share of the cores each."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from paac.distributed import TF_CONFIG, configs_on_this_machine
from paac.options import Options, usable_cores
from speed.measure import Measure

EXCHANGES = 30


@contextmanager
def processes(count: int, options: Options) -> Iterator[tuple[dict[str, Measure], list[Connection]]]:
    """Measures of the loop, by one process and by `count`, which share its emulators and cores; and those `count`.

    Ask each of them for `exchange` to get the bytes and the seconds of one exchange of gradients.
    """
    cores = sorted(os.sched_getaffinity(0))
    one, several = _start([cores], options), _start([cores[rank::count] for rank in range(count)], options)
    try:
        yield {"1 process": _together(one), f"{count} processes": _together(several)}, several
    finally:
        for connection in (*one, *several):
            connection.send("end")
        for connection in (*one, *several):
            connection.recv()


def exchange(connections: list[Connection]) -> tuple[int, float]:
    """Bytes of the gradients, and the seconds that one exchange takes."""
    for connection in connections:
        connection.send("exchange")
    return [connection.recv() for connection in connections][0]


def _together(connections: list[Connection]) -> Measure:
    def measure(count: int) -> tuple[int, int]:
        for connection in connections:
            connection.send(count)
        return [connection.recv() for connection in connections][0]

    return measure


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

    from emulators import EmulatorPool, find_game
    from networks.registry import make_network
    from paac.distributed import join
    from paac.engine import start_tensorflow
    from paac.learner import Learner
    from paac.run_folder import emulator_settings, network_settings

    with join() as together:
        start_tensorflow(options.device, options.op_threads, together.connect)
        own = replace(options, emulator_counts=options.emulator_counts // together.count, emulator_workers=None)
        counts = {"workers": min(own.workers, usable_cores()), "shards": min(options.shards, len(cores))}
        with EmulatorPool(
            find_game(own.game, own.rom_path), own.emulator_counts, seed=1, **counts, **emulator_settings(own)
        ) as pool:
            pool.reset()
            learner = Learner(
                make_network(num_actions=pool.num_actions, **network_settings(own)),
                pool,
                seed=1,
                repetition_table=own.repetition_table,
                max_local_steps=own.max_local_steps,
                processes=together,
            )
            connection.send("ready")
            while (asked := connection.recv()) != "end":
                connection.send(_exchange(learner, together) if asked == "exchange" else _updates(learner, asked))
    connection.send("ended")


def _updates(learner: Any, count: int) -> tuple[int, int]:
    plays = sum(int(learner.update(lr=1e-4).plays.sum()) for _ in range(count))
    return count * learner.decisions_per_update, plays


def _exchange(learner: Any, together: Any) -> tuple[int, float]:
    """Of tensors like the gradients."""
    import tensorflow as tf

    gradients = [tf.Variable(variable.value) for variable in learner.network.trainable_variables]
    exchange = tf.function(together.replicated(lambda: together.mean([*gradients])), autograph=False)
    exchange()
    began = time.perf_counter()
    for _ in range(EXCHANGES):
        exchange()
    seconds = (time.perf_counter() - began) / EXCHANGES
    return sum(variable.shape.num_elements() * 4 for variable in gradients), seconds
