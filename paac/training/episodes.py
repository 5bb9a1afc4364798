"""The episodes of a training: which ended, how the last ones went, and the file `episodes.csv`."""

import csv
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from paac.cli.errors import UserError

if TYPE_CHECKING:
    from paac.rollout import Transitions

WINDOW = 50  # the newest episodes, which the running statistics are of
COLUMNS = ("step", "seconds", "emulator", "reward", "length")  # of episodes.csv


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

    def add(self, played: "Transitions", global_step: int) -> list[Episode]:
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

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave. Raises ValueError if it is that of another number of emulators."""
        for counted, values in ((self.rewards, state["rewards"]), (self.lengths, state["lengths"])):
            if len(values) != self.count:
                raise ValueError(f"{len(values)} values for {self.count} emulators")
            counted[:] = values
        self.last.extend((reward, length) for reward, length in state["last"])

    def with_new_episodes(self, emulators: int) -> "EpisodeTracker":
        """One for `emulators` that all start an episode; the newest finished ones stay."""
        tracker = EpisodeTracker(emulators)
        tracker.last.extend(self.last)
        return tracker


class EpisodeLog:
    """Writes episodes.csv, flushed at every update."""

    def __init__(self, file: Path):
        self._file = file.open("a", encoding="utf-8")
        if self._file.tell() == 0:
            self._file.write(",".join(COLUMNS) + "\n")

    def add(self, episodes: Sequence[Episode], seconds: float) -> None:
        """Append a line for each episode, which ended after `seconds` of training."""
        for step, emulator, reward, length in episodes:
            self._file.write(f"{step},{seconds:.1f},{emulator},{reward:.15g},{length}\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Episodes(NamedTuple):
    """The episodes of a run in the order in which they ended; every array is [episodes]."""

    steps: np.ndarray  # int64, the global step at the end
    seconds: np.ndarray  # float64, of training until then
    emulators: np.ndarray  # int64, which one played it
    rewards: np.ndarray  # float64, raw
    lengths: np.ndarray  # int64, plays


def read_episodes(file: Path) -> Episodes:
    """Read episodes.csv; no file, no episodes. Raises UserError if it is not as `EpisodeLog` writes it."""
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # a training may be in the middle of the last line
        rows = [[float(row[column]) for column in COLUMNS] for row in csv.DictReader(whole.splitlines())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} cannot be read ({error}): correct it, or leave the run out") from None
    steps, seconds, emulators, rewards, lengths = np.array(rows).reshape(-1, len(COLUMNS)).T
    return Episodes(steps.astype(np.int64), seconds, emulators.astype(np.int64), rewards, lengths.astype(np.int64))
