"""Starting TensorFlow: quietly, on the right device, with the threads that make a run repeatable."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def start_tensorflow(device: str, op_threads: int = 1) -> str:
    """Import and set up TensorFlow; call it before anything else imports it. Returns the device to use.

    `device` is "/gpu:0" and the like; without that GPU it is the CPU. More or fewer `op_threads`, the threads inside
    one operation, change the last bits of the weights; the number of operations at a time does not.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _stderr_kept_for_errors():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # no notes on what a later TensorFlow will drop: the version is pinned
        tf.config.threading.set_intra_op_parallelism_threads(op_threads)
        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        kind, number = device[1:].lower().split(":")
        chosen = device if kind == "cpu" or int(number) < len(gpus) else "/cpu:0"
        with tf.device(chosen):
            tf.zeros([])  # starts the engine, which has its own greeting
    return chosen


@contextmanager
def _stderr_kept_for_errors() -> Iterator[None]:
    """Hold back what libraries write to file descriptor 2, and show it only if they fail."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(before, kept.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)
