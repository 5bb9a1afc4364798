"""The episodes of a run: which have ended, statistics of the last ones, and the file `episodes.csv`."""

import csv
import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from paac.cli.errors import UserError

if TYPE_CHECKING:
    from paac.rollout import Transitions

WINDOW_EPISODES = 50  # running statistics are over this many of the last episodes
COLUMNS = ("step", "seconds", "emulator", "reward", "length")  # of episodes.csv


class Episode(NamedTuple):
    """One finished episode."""

    step: int  # its last decision, counted from 1 over all emulators: episodes that end together have different steps
    emulator: int
    reward: float  # undiscounted sum, not clipped
    length: int  # plays


class EpisodeTracker:
    """Adds up the rewards and plays of each emulator's running episode, and keeps the last finished episodes."""

    def __init__(self, num_emulators: int):
        self.num_emulators = num_emulators
        self.rewards = np.zeros(num_emulators)
        self.lengths = np.zeros(num_emulators, np.int64)
        self.last: deque[tuple[float, int]] = deque(maxlen=WINDOW_EPISODES)  # reward and length of finished episodes

    def add(self, transitions: "Transitions", global_step: int) -> list[Episode]:
        """Add `transitions`, NumPy arrays [T, B] that start at `global_step`; return the episodes that they end."""
        finished = []
        steps = zip(transitions.rewards, transitions.dones, transitions.plays, strict=True)
        for t, (rewards, dones, plays) in enumerate(steps):
            self.rewards += rewards
            self.lengths += plays
            for emulator in np.flatnonzero(dones).tolist():
                reward, length = float(self.rewards[emulator]), int(self.lengths[emulator])
                finished.append(Episode(global_step + t * len(dones) + emulator + 1, emulator, reward, length))
                self.last.append((reward, length))
                self.rewards[emulator] = self.lengths[emulator] = 0
        return finished

    @property
    def mean_reward(self) -> float | None:
        """Mean reward of the last `WINDOW_EPISODES` episodes; None if none has ended."""
        return float(np.mean([reward for reward, _ in self.last])) if self.last else None

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; `from_json` reads them."""
        return {"rewards": self.rewards.tolist(), "lengths": self.lengths.tolist(), "last": list(self.last)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "EpisodeTracker":
        """Return a tracker with the `values` that `to_json` returned. Raises ValueError if their lengths differ."""
        tracker = cls(len(values["rewards"]))
        for counted, saved in ((tracker.rewards, values["rewards"]), (tracker.lengths, values["lengths"])):
            if len(saved) != tracker.num_emulators:
                raise ValueError(f"{len(saved)} values for {tracker.num_emulators} emulators")
            counted[:] = saved
        tracker.last.extend((reward, length) for reward, length in values["last"])
        return tracker

    def with_new_episodes(self, num_emulators: int) -> "EpisodeTracker":
        """Return a tracker of emulators that all start an episode; the last finished episodes are kept."""
        tracker = EpisodeTracker(num_emulators)
        tracker.last.extend(self.last)
        return tracker


class EpisodeLog:
    """Writes episodes.csv without a buffer: whole lines, or, when it raises OSError, nothing."""

    def __init__(self, file: Path):
        self._file = file.open("ab", buffering=0)
        if self._file.tell() == 0:
            self._append(",".join(COLUMNS) + "\n")

    def add(self, episodes: Sequence[Episode], seconds: float) -> None:
        """Append a line for each of the episodes, which ended after `seconds` seconds of training."""
        if episodes:
            lines = [
                f"{step},{seconds:.1f},{emulator},{reward:.15g},{length}\n"
                for step, emulator, reward, length in episodes
            ]
            self._append("".join(lines))

    def _append(self, text: str) -> None:
        size, left = os.fstat(self._file.fileno()).st_size, text.encode()
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._file.truncate(size)
            raise OSError(error.errno, error.strerror, self._file.name) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class EpisodeTable(NamedTuple):
    """The columns of episodes.csv, each an array [episodes], in the order in which the episodes ended."""

    steps: np.ndarray  # int64, the number of the last decision, counted from 1 over all emulators
    seconds: np.ndarray  # float64, of training until that end
    emulators: np.ndarray  # int64, index of the emulator among those of all processes
    rewards: np.ndarray  # float64, not clipped
    lengths: np.ndarray  # int64, plays


def read_episodes(file: Path) -> EpisodeTable:
    """Read episodes.csv; a missing file counts as empty. Raises UserError if the format is not that of `EpisodeLog`."""
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # a run in progress may be writing the last line
        rows = [[float(row[column]) for column in COLUMNS] for row in csv.DictReader(whole.splitlines())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} cannot be read ({error}): correct it, or leave the run out") from None
    steps, seconds, emulators, rewards, lengths = np.array(rows).reshape(-1, len(COLUMNS)).T
    return EpisodeTable(steps.astype(np.int64), seconds, emulators.astype(np.int64), rewards, lengths.astype(np.int64))
