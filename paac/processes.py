"""Training in a single process; `paac/training/distributed.py` handles several.

TensorFlow is imported inside the methods: it must not compute anything before `connect`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np


class Processes:
    """The processes that train together, here only this one, as a context manager.

    The docstrings also hold for `SeveralProcesses`, which overrides these methods.
    """

    rank = 0  # index of this process, from 0
    count = 1  # number of processes

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def connect(self) -> None:
        """Wait for the other processes, and connect to them. Raises UserError if that fails."""

    def agree(self, start: Any) -> Any:
        """Return the options and the game of the first process, with the local options of this one, for `start`.

        Each other process gets its own folder, with a copy of the first process's newest checkpoint. Raises UserError
        or GameError in all processes if what must be equal differs.
        """
        return start

    def together(self) -> AbstractContextManager[None]:
        """Return a context that all processes enter: an expected error in one of them ends it with an error in all."""
        return nullcontext()

    def trace(self, update: Callable[..., Any], signature: Mapping[str, Any]) -> Any:
        """Return `update`, a function of tensors, as a concrete TensorFlow function. `average` works only inside it."""
        import tensorflow as tf

        return tf.function(update, autograph=False).get_concrete_function(**signature)

    def average(self, tensors: Sequence[Any]) -> list[Any]:
        """Return each float32 tensor averaged over the processes."""
        return list(tensors)

    def failure(self, error: Exception) -> Exception:
        """Return the exception to raise after TensorFlow raised `error` in an update."""
        return error

    def all_gather(self, arrays: Sequence[np.ndarray], axis: int) -> list[np.ndarray]:
        """Join each array along `axis` with those of the other processes, of equal shape. Raises WorkerError."""
        return list(arrays)

    def all_gather_bytes(self, parts: Sequence[bytes]) -> list[bytes]:
        """Return the `parts` of all processes as one list; each process must give the same number of parts."""
        return list(parts)

    def any_true(self, *flags: bool) -> list[bool]:
        """Return for each flag whether it is true in at least one process."""
        return list(flags)
