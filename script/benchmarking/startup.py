"""How long it takes from the start of Python to the first update, and where that goes."""

import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any


def first_update(game: Any, options: Any) -> dict[str, float]:
    """Seconds of each stage, in a process of its own that starts as train.py does."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    began = time.time()
    process = context.Process(target=_serve, args=(theirs, game, options))
    process.start()
    stages, before = {}, began
    for name, now in ours.recv():
        stages[name], before = now - before, now
    process.join()
    return stages | {"together": before - began}


def _serve(connection: Connection, game: Any, options: Any) -> None:
    marks = [("start of Python", time.time())]

    from paac.training.tensorflow_setup import start_tensorflow

    device = start_tensorflow(options.device, options.op_threads)

    import tensorflow as tf

    marks.append(("import of TensorFlow", time.time()))

    from emulators import EmulatorPool
    from networks.registry import make_network
    from paac.learner import Hyperparameters, Learner

    marks.append(("import of Keras and the rest", time.time()))
    counts = {"workers": options.workers, "shards": options.shards, "seed": options.random_seed}
    pool = EmulatorPool(game, options.emulator_counts, **counts, **options.emulator_settings)
    with pool, tf.device(device):
        pool.reset()
        marks.append(("workers and first episodes", time.time()))
        network = make_network(num_actions=pool.num_actions, **options.network_settings)
        learner = Learner(network, pool, Hyperparameters(repetition_table=options.repetition_table), seed=1)
        marks.append(("network and graph", time.time()))
        learner.update(lr=1e-4)
        marks.append(("first update", time.time()))
        connection.send(marks)
