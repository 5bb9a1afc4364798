"""The processes of a training, where there is one; distributed.py has several.

TensorFlow is imported late: a training meets its other processes before TensorFlow computes anything.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


class Processes:
    """The one process of a training, as a context manager.

    Methods say what they do with several; with one there is nothing to exchange.
    """

    rank = 0  # the number of this process
    count = 1  # of all

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def connect(self) -> None:
        """Meet the other processes. Raises UserError if one of them has several devices."""

    def share(self, options: Any) -> Any:
        """Return the options of the first process, with which all train.

        What belongs to a machine, such as the number of workers, stays each one's own. The other processes get a folder
        of their own with the newest checkpoint of the first.
        """
        return options

    def trace(self, update: Callable[..., Any], signature: Mapping[str, Any]) -> Any:
        """Return `update`, a function of tensors, as a concrete TensorFlow function; only inside it `average` works."""
        import tensorflow as tf

        return tf.function(update, autograph=False).get_concrete_function(**signature)

    def average(self, tensors: Sequence[Any]) -> list[Any]:
        """Return the mean over the processes of each float32 tensor."""
        return list(tensors)

    def failure(self, error: Exception) -> Exception:
        """Return what to raise where TensorFlow raised `error` in an update."""
        return error

    def gather(self, arrays: Sequence[np.ndarray], axis: int) -> list[np.ndarray]:
        """Join each array with those of the other processes, of the same shape, along `axis`.

        Raises WorkerError when another process is gone.
        """
        return list(arrays)

    def gather_bytes(self, parts: Sequence[bytes]) -> list[bytes]:
        """Join the parts of all processes; each has the same number of them."""
        return list(parts)

    def any(self, flag: bool) -> bool:
        """Return whether `flag` is true in any process."""
        return flag
