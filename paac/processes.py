"""Training in a single process; `paac/training/distributed.py` handles several.

TensorFlow is imported inside the methods: commands check their options before it loads.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from emulators import WorkerError


class UpdateError(WorkerError):
    """TensorFlow failed in this process, perhaps in the middle of a change of the weights."""


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

    def own_emulators(self, count: int) -> slice:
        """Return the place of this process's `count` emulators among those of all processes."""
        return slice(self.rank * count, (self.rank + 1) * count)

    def connect(self) -> None:
        """Wait for the other processes, and connect to them. Raises UserError if that fails."""

    def agree(self, start: Any) -> Any:
        """Return `start` with the options and the game of the first process. Local options stay those of this one.

        Each other process gets its own folder, with a copy of the first process's newest checkpoint. Raises UserError
        or GameError in all processes if what must be equal differs.
        """
        return start

    def together(self) -> AbstractContextManager[None]:
        """Return a context that all processes enter: an expected error in one of them becomes an error in all.

        Expected errors are UserError, GameError and OSError.
        """
        return nullcontext()

    def trace(self, update: Callable[..., Any], signature: Mapping[str, Any]) -> Any:
        """Return `update`, a function of tensors, as a concrete TensorFlow function. `average` works only inside it."""
        import tensorflow as tf

        return tf.function(update, autograph=False).get_concrete_function(**signature)

    def average(self, tensors: Sequence[Any]) -> list[Any]:
        """Return each float32 tensor averaged over the processes."""
        return list(tensors)

    def error_to_raise(self, error: Exception) -> Exception:
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
