"""Which episodes ended, and how the last ones went."""

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from paac.rollout import Played

WINDOW = 50  # episodes that the running statistics look back on


class Episode(NamedTuple):
    """One finished episode."""

    step: int  # the global step at its end
    emulator: int
    reward: float  # raw
    length: int  # plays


class EpisodeTracker:
    """Adds up rewards and plays of every emulator until its episode ends."""

    def __init__(self, emulators: int):
        self.count = emulators
        self.rewards = np.zeros(emulators)
        self.lengths = np.zeros(emulators, np.int64)
        self.last: deque[tuple[float, int]] = deque(maxlen=WINDOW)  # reward and length of the newest episodes

    def add(self, played: Played, global_step: int) -> list[Episode]:
        """The episodes that ended in `played`, NumPy arrays [T, B], which began at `global_step`."""
        finished = []
        for t, (rewards, dones, plays) in enumerate(zip(played.rewards, played.dones, played.plays, strict=True)):
            self.rewards += rewards
            self.lengths += plays
            for emulator in np.flatnonzero(dones).tolist():
                reward, length = float(self.rewards[emulator]), int(self.lengths[emulator])
                finished.append(Episode(global_step + (t + 1) * len(dones), emulator, reward, length))
                self.last.append((reward, length))
                self.rewards[emulator] = self.lengths[emulator] = 0
        return finished

    @property
    def mean_reward(self) -> float | None:
        """Of the last 50 episodes, None before the first."""
        return float(np.mean([reward for reward, _ in self.last])) if self.last else None

    def state(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"rewards": self.rewards.tolist(), "lengths": self.lengths.tolist(), "last": list(self.last)}

    def restore(self, state: dict[str, Any], running: bool = True) -> None:
        """Go on from what `state` gave; without the episodes that were `running` where the emulators start new ones."""
        if running:
            self.rewards[:] = state["rewards"]
            self.lengths[:] = state["lengths"]
        self.last.extend((reward, length) for reward, length in state["last"])
