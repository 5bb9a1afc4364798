"""The episodes of a run: which have ended, statistics of the last ones, and the file `episodes.csv`."""

import io
import itertools
import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from paac.cli.command_line import MAX_INTEGER
from paac.cli.errors import UserError
from paac.cli.input_files import open_file
from paac.cli.safe_files import check_unchanged, open_in_place, write_whole

if TYPE_CHECKING:
    from paac.rollout import Transitions

WINDOW_EPISODES = 50  # running statistics are over this many of the last episodes
COLUMNS = ("step", "seconds", "emulator", "reward", "length")  # of episodes.csv
MAX_LINE_LENGTH = 1000
MAX_CSV_BYTES = 2**30  # of episodes.csv: about 30 million episodes


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
    def mean_score(self) -> float | None:
        """Mean reward of the last `WINDOW_EPISODES` episodes; None if none has ended."""
        return float(np.mean([reward for reward, _ in self.last])) if self.last else None

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; `from_json` reads them."""
        return {"rewards": self.rewards.tolist(), "lengths": self.lengths.tolist(), "last": list(self.last)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "EpisodeTracker":
        """Return a tracker with the `values` that `to_json` returned. Raises ValueError or TypeError for others."""
        tracker = cls(len(values["rewards"]))
        for counted, saved in ((tracker.rewards, values["rewards"]), (tracker.lengths, values["lengths"])):
            if len(saved) != tracker.num_emulators:
                raise ValueError(f"{len(saved)} values for {tracker.num_emulators} emulators")
            counted[:] = saved
        for length in values["lengths"]:
            check_count(length)
        tracker.last.extend((float(reward), check_count(length)) for reward, length in values["last"])
        return tracker

    def with_new_episodes(self, num_emulators: int) -> "EpisodeTracker":
        """Return a tracker of emulators that all start an episode; the last finished episodes are kept."""
        tracker = EpisodeTracker(num_emulators)
        tracker.last.extend(self.last)
        return tracker


def check_count(value: Any) -> int:
    """Return `value`. Raises ValueError unless it is a whole number from 0 to `MAX_INTEGER`."""
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise ValueError(f"{str(value)[:100]} is not a whole number from 0 to {MAX_INTEGER}")
    return value


class EpisodeLog:
    """Writes episodes.csv, and flushes it after each `add`. No other program may change the file meanwhile."""

    def __init__(self, path: Path):
        """Open the file, create it if necessary, and remove an incomplete last line.

        Raises OSError, and UserError if the file has no header or too long a last line, or is a link.
        """
        self._path = path
        self._file = open_in_place(path)
        whole = self._whole_bytes()
        self._file.seek(0)
        if whole and not self._file.readline(MAX_LINE_LENGTH).startswith(f"{COLUMNS[0]},".encode()):
            raise UserError(f"{path} has no line with the names of the columns: put it back, or move the file away")
        self._file.truncate(whole)
        self._append("" if whole else ",".join(COLUMNS) + "\n")

    def _whole_bytes(self) -> int:
        """Return the number of bytes up to the end of the last whole line. A long file is not read from its start."""
        start = max(0, os.fstat(self._file.fileno()).st_size - MAX_LINE_LENGTH)
        self._file.seek(start)
        end = self._file.read(MAX_LINE_LENGTH).rfind(b"\n") + 1
        if start and not end:
            raise UserError(f"{self._path} has a line that is too long: correct it, or move the file away")
        return (start + end) if end else 0

    def add(self, episodes: Sequence[Episode], seconds: float) -> None:
        """Append a line for each of the episodes, which ended after `seconds` seconds of training.

        Raises OSError, also if the file has been changed.
        """
        self.check_unchanged()
        rows = [
            f"{step},{seconds:.1f},{emulator},{reward:.15g},{length}\n" for step, emulator, reward, length in episodes
        ]
        self._append("".join(rows))

    def _append(self, lines: str) -> None:
        """Write whole lines, or, when it raises OSError, nothing."""
        try:
            write_whole(self._file.fileno(), lines.encode(), self._path)
        finally:
            self._status = os.fstat(self._file.fileno())

    def check_unchanged(self) -> None:
        """Raise OSError if another program has changed, replaced or deleted the file."""
        check_unchanged(self._path, self._status)

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
        table = _read_table(file)
        counts = table[:, [COLUMNS.index(name) for name in ("step", "emulator", "length")]]
        if not ((counts >= 0) & (counts <= MAX_INTEGER) & (counts == np.floor(counts))).all():
            raise ValueError(f"a step, emulator or length is not a whole number from 0 to {MAX_INTEGER}")
        if not np.isfinite(table[:, COLUMNS.index("seconds")]).all():
            raise ValueError("a number of seconds is not finite")
    except FileNotFoundError:
        table = np.empty((0, len(COLUMNS)))
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read ({str(error)[:200]}): correct it, or leave the run out") from None
    steps, seconds, emulators, rewards, lengths = table.T.copy()
    return EpisodeTable(steps.astype(np.int64), seconds, emulators.astype(np.int64), rewards, lengths.astype(np.int64))


def _read_table(file: Path) -> np.ndarray:
    """Return the columns `COLUMNS` of a CSV file, float64 [rows, 5]. Raises OSError or ValueError."""
    with io.TextIOWrapper(open_file(file, MAX_CSV_BYTES), encoding="utf-8") as lines:
        whole_lines = _whole_lines(lines)
        header, first = next(whole_lines, "").strip().split(","), next(whole_lines, None)
        if first is None:
            return np.empty((0, len(COLUMNS)))
        if not set(COLUMNS) <= set(header):
            raise ValueError(f"its first line must be {','.join(COLUMNS)}")
        columns = [header.index(name) for name in COLUMNS]
        rows = itertools.chain([first], whole_lines)
        return np.loadtxt(rows, delimiter=",", comments=None, usecols=columns, ndmin=2).reshape(-1, len(COLUMNS))


def _whole_lines(lines: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines without the last one if it has no end: a run in progress may be writing it."""
    while (line := lines.readline(MAX_LINE_LENGTH)).endswith("\n"):
        yield line
    if len(line) == MAX_LINE_LENGTH:
        raise ValueError("a line is too long")
