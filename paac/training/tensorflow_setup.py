"""Starting TensorFlow without log messages, on the chosen device, and with reproducible threading and sums."""

import os
import platform
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from paac.cli.errors import UserError, reason_of

# Held while libraries are loaded, because threads must not do this at the same time: some libraries register games
# then, and `stderr_kept_for_errors` redirects the output of the whole process.
LOADING = threading.RLock()


def set_environment() -> None:
    """Set the environment variables that TensorFlow and Keras read when they are imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what it logs as an error is either harmless or raised, too
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # off by default on AMD, which halves the speed
    os.environ["KERAS_BACKEND"] = "tensorflow"  # the user's ~/.keras/keras.json may name another one
    os.environ["TF_USE_LEGACY_KERAS"] = "0"  # Keras 2, which TensorBoard would load then, is not installed


def start_tensorflow(device: str, op_threads: int = 1, connect: Callable[[], None] = lambda: None) -> str:
    """Import and set up TensorFlow.

    If something has computed with TensorFlow before, as in a notebook, its threads and visible devices stay as they
    are.

    Args:
        device: The device to use, such as "/gpu:0".
        op_threads: The number of threads inside one operation. It changes the last bits of the weights; the number of
            operations that run in parallel does not.
        connect: A function to call after TensorFlow is set up and before it computes anything.

    Returns:
        The name by which TensorFlow now knows the device: "/gpu:0" for every GPU, because the others are made
        invisible, so that their memory stays free for others; "/cpu:0" for a CPU or a missing GPU. If several GPUs
        were visible before, it is the number of the device among them.

    Raises:
        UserError: TensorFlow finds the device, but cannot use it, or Keras already runs on another library.
    """
    set_environment()
    _check_keras_backend()
    with LOADING, stderr_kept_for_errors():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # no deprecation warnings: the version is pinned
        # Grappler's arithmetic optimizer would join sums into one AddN, whose order of adding depends on timing.
        tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
        with suppress(RuntimeError):  # it has computed already, and keeps its threads; `exactness_notes` says so
            tf.config.threading.set_intra_op_parallelism_threads(op_threads)
        chosen = _choose_device(device)
        connect()
        try:
            with tf.device(chosen):
                tf.zeros([])  # initializes the runtime, which writes log messages of its own
        except tf.errors.OpError as error:
            raise UserError(
                f"-d {device}: TensorFlow cannot use it ({reason_of(error)}); end other programs that use it, or "
                "choose another device with -d"
            ) from None
    return chosen


def _check_keras_backend() -> None:
    """Raise UserError if the program has imported Keras with another backend than TensorFlow."""
    backend = getattr(sys.modules.get("keras"), "backend", None)  # None also while another thread imports Keras
    if backend and backend.backend() != "tensorflow":
        raise UserError(
            f"Keras was imported with the backend {backend.backend()}; restart Python, and import Keras after the "
            "first call of Manette, or set KERAS_BACKEND=tensorflow"
        )


def exactness_notes(op_threads: int) -> list[str]:
    """Return messages for the user if TensorFlow runs with settings that change the last bits of the weights.

    `op_threads` is the number of threads that one of its operations should have.
    """
    import tensorflow as tf
    from tensorflow.python.util._pywrap_util_port import IsMklEnabled  # no public function tells whether oneDNN is on

    notes = []
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    if threads != op_threads:
        notes.append(
            f"--op_threads {op_threads}: TensorFlow was used before in this process, and keeps "
            f"{threads or 'a thread for each core'} instead, which may change the last bits of the weights; for exact "
            "results, restart Python and train before anything else uses TensorFlow"
        )
    if platform.machine() == "x86_64" and not IsMklEnabled():
        notes.append(
            "TensorFlow runs without oneDNN, which is slower and may change the last bits of the weights; for exact "
            "results, set TF_ENABLE_ONEDNN_OPTS=1 before Python starts"
        )
    return notes


def _choose_device(device: str) -> str:
    """Make only the `device` visible, unless TensorFlow is in use already; return its name then, as above."""
    import tensorflow as tf

    used = _physical_gpus(device)
    try:
        if tf.config.list_physical_devices("GPU"):
            tf.config.set_visible_devices(used, "GPU")
        for gpu in used:
            tf.config.experimental.set_memory_growth(gpu, True)
    except (RuntimeError, ValueError):  # what is visible now stays so
        visible = tf.config.get_visible_devices("GPU")
        return f"/gpu:{visible.index(used[0])}" if used and used[0] in visible else "/cpu:0"
    return "/gpu:0" if used else "/cpu:0"


def _physical_gpus(device: str) -> list:
    """Return the GPU that the device names, whether it is visible or not; an empty list for a CPU or a missing GPU."""
    import tensorflow as tf

    device_type, number = device[1:].lower().split(":")
    return tf.config.list_physical_devices("GPU")[int(number) : int(number) + 1] if device_type == "gpu" else []


def device_notes(requested: str, device: str, precision: str) -> list[str]:
    """Return messages for the user about the device that the training runs on."""
    notes = [fallback_note(requested, device) or f"Running on {requested}"]
    if precision == "bfloat16" and "cpu" in device.lower() and not _has_avx512():
        notes.append("--precision bfloat16: this processor has no AVX-512, so float32 would be several times faster")
    return notes


def fallback_note(requested: str, device: str) -> str:
    """Return why something runs on `device` and not on the requested one, or "" if it is that one."""
    if requested.lower().startswith(device[:5]):  # compares only the type: any GPU in use is /gpu:0
        return ""
    reason = f"TensorFlow finds no {requested}"
    if _physical_gpus(requested):
        reason = f"TensorFlow was used on other devices before; restart Python to use {requested}"
    return f"Running on {device}: {reason}"


def _has_avx512() -> bool:
    """Return whether the CPU has AVX-512, without which oneDNN has no bfloat16 operations."""
    try:
        return "avx512" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


@contextmanager
def stderr_kept_for_errors() -> Iterator[None]:
    """Hold back what libraries write to file descriptor 2; write it there only if the block raises an exception.

    A UserError already says what is wrong.
    """
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except UserError:
            raise
        except BaseException:
            kept.seek(0)
            os.write(before, kept.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)
