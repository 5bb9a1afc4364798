"""Measures the stages of a training run from the start of Python to the first update."""

import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any


def measure_stages(game: Any, options: Any) -> dict[str, float]:
    """Seconds of each stage and in total, in a new process that starts as train.py does."""
    context = multiprocessing.get_context("spawn")
    connection, child_connection = context.Pipe()
    start = time.time()
    process = context.Process(target=_start_training, args=(child_connection, game, options))
    process.start()
    child_connection.close()  # so that `recv` ends if the process does
    stages, previous_end = {}, start
    try:
        stage_ends = connection.recv()
    except EOFError:
        raise OSError("the process whose start is measured has failed") from None
    for name, end in stage_ends:
        stages[name], previous_end = end - previous_end, end
    process.join()
    return stages | {"total": previous_end - start}


def _start_training(connection: Connection, game: Any, options: Any) -> None:
    """Send the name and end, in seconds since the epoch, of each stage."""
    stage_ends = [("start of Python", time.time())]

    from paac.training.tensorflow_setup import start_tensorflow

    device = start_tensorflow(options.device, options.op_threads)

    import tensorflow as tf

    stage_ends.append(("import of TensorFlow", time.time()))

    from emulators import EmulatorPool
    from networks.registry import make_network
    from paac.learner import Hyperparameters, Learner

    stage_ends.append(("import of Keras and the rest", time.time()))
    counts = {"workers": options.workers, "shards": options.shards, "seed": options.random_seed}
    pool = EmulatorPool(game, options.emulator_counts, **counts, **options.emulator_settings)
    with pool, tf.device(device):
        pool.reset()
        stage_ends.append(("workers and first episodes", time.time()))
        network = make_network(num_actions=pool.num_actions, **options.network_settings)
        learner = Learner(network, pool, Hyperparameters(repetition_table=options.repetition_table), seed=1)
        stage_ends.append(("network and graph", time.time()))
        learner.update(lr=1e-4)
        stage_ends.append(("first update", time.time()))
        connection.send(stage_ends)
