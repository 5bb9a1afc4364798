"""What the callback of a training receives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The state of a training at one point of its curves. Changing it does not affect the training."""

    step: int  # decisions of all emulators since the run began
    seconds: float  # spent in updates since the run began
    mean_score: float | None  # of the last 50 episodes, not clipped; None if no episode has ended
    curves: Mapping[str, float]  # TensorBoard curves by their tags, without rl/ and evaluation/; read-only


Callback = Callable[[Summary], object]


def ignore(summary: Summary) -> None:
    """Do nothing: the default callback."""
