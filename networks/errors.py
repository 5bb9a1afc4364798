"""Errors of a network's own code as one line. This module needs no TensorFlow."""

import re
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

# What Keras and TensorFlow add to a reason: bold letters, calls that led to it, their arguments, a variable's values.
ADDED = r"\x1b\[\d*m|Exception encountered when calling [\w.]+\(\)\.|Arguments received by [\w.]+\(\):.*|\(Variable: .*"
MAX_REASON = 200  # characters
EXAMPLE = "networks/nature.py is an example"


class NetworkError(ValueError):
    """The network cannot be used. The message is one line that names the network and says why."""


@contextmanager
def errors_of(arch: str, module: str) -> Iterator[None]:
    """Raise any error of the code of the network `arch`, in `module`, as a NetworkError that names its line."""
    try:
        yield
    except (NetworkError, MemoryError):
        raise
    except Exception as error:
        if type(error).__name__ == "ResourceExhaustedError":  # of TensorFlow: the device has too little memory
            raise
        line = _line(error, file_of(module))
        reason = f"line {line}: {_reason(error)}" if line else f"{_reason(error)}; {EXAMPLE}"
        raise network_error(arch, module, reason) from None


def network_error(arch: str, module: str, reason: str) -> NetworkError:
    """Return the error of the network `arch`, which is in `module`."""
    return NetworkError(f"--arch {arch}: {file_of(module)}: {reason}")


def file_of(module: str) -> str:
    """Return the file of a module, relative to the project."""
    return module.replace(".", "/") + ".py"


def _line(error: Exception, file: str) -> int | None:
    """Return the last line of `file` that led to the error; None if none did."""
    if isinstance(error, SyntaxError) and (error.filename or "").endswith(file):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(file)]
    return lines[-1] if lines else None


def _reason(error: Exception) -> str:
    """Return the type and the message of an error as one short line."""
    message = " ".join(re.sub(ADDED, "", str(error), flags=re.DOTALL).split())
    reason = textwrap.shorten(f"{type(error).__name__}: {message}".removesuffix(": "), MAX_REASON, placeholder=" ...")
    if "uint8" in message:
        reason += " Observations are uint8: use networks.layers.Conv, or first tf.cast(observations, tf.float32) / 255"
    return reason
