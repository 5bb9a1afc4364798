"""Starting TensorFlow: quietly, on the right device, with the threads that make a run repeatable."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def set_environment() -> None:
    """Set what TensorFlow reads from the environment when it is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # TensorFlow's own choice on AMD is off: half as fast


def start_tensorflow(device: str, op_threads: int = 1, connect: Callable[[], None] = lambda: None) -> str:
    """Import and set up TensorFlow; call it before anything else imports it. Returns the device to use.

    `device` is "/gpu:0" and the like; without that GPU it is the CPU. More or fewer `op_threads`, the threads inside
    one operation, change the last bits of the weights; the number of operations at a time does not. `connect` is called
    when TensorFlow is set up and has not computed anything yet.
    """
    set_environment()
    with stderr_kept_for_errors():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # no notes on what a later TensorFlow will drop: the version is pinned
        tf.config.threading.set_intra_op_parallelism_threads(op_threads)
        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        kind, number = device[1:].lower().split(":")
        chosen = device if kind == "cpu" or int(number) < len(gpus) else "/cpu:0"
        connect()
        with tf.device(chosen):
            tf.zeros([])  # starts the engine, which has its own greeting
    return chosen


def device_notes(asked: str, device: str, precision: str) -> list[str]:
    """What to tell the user of where a training runs."""
    notes = [f"Running on {device}" + ("" if device == asked else f": there is no {asked} on this machine")]
    if precision == "bfloat16" and "cpu" in device.lower() and not _has_avx512():
        notes.append("--precision bfloat16: this processor has no AVX-512, so float32 would be several times faster")
    return notes


def _has_avx512() -> bool:
    """Without it oneDNN computes no bfloat16 at all."""
    try:
        return "avx512" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


@contextmanager
def stderr_kept_for_errors() -> Iterator[None]:
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
