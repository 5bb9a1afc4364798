"""The progress that a user sees: a bar of one line on a terminal, or a line each minute in a log file."""

import math
import os
import sys
import time
from contextlib import suppress

from tqdm import tqdm

from paac.training.episodes import WINDOW_EPISODES

FIRST_LINE_SECONDS = 5.0  # before the first line in a log file
LINE_SECONDS = 60.0  # between two lines in a log file
BAR_SECONDS = 2.0  # between two updates of the numbers next to the bar
BAR_FORMAT = "{desc}, {n_fmt}/{total_fmt}{postfix} |{bar}|"  # 80 columns leave at least 10 for the bar
WIDE_COLUMNS = 99  # of a terminal that shows the frames per second too


class SpeedMeter:
    """Measures how fast counters rise, per second, between two readings."""

    def __init__(self, *counters: int):
        self._counters = counters
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the last reading."""
        return time.monotonic() - self._since

    def read(self, *counters: int) -> list[float]:
        """Return the rate per second of each counter, in the order of the constructor's counters."""
        seconds = self.seconds
        rates = [(now - before) / seconds for now, before in zip(counters, self._counters, strict=True)]
        self._counters, self._since = counters, self._since + seconds
        return rates


class Progress:
    """Shows the progress of the training. A terminal or pipe that was closed does no harm."""

    def __init__(self, step: int, last_step: int):
        self._last_step = last_step
        columns, rows = _terminal_size()
        self._bar = tqdm(
            desc="starting",
            total=last_step,
            initial=step,
            unit_scale=True,
            bar_format=BAR_FORMAT,
            ncols=columns,
            nrows=rows,
            disable=not sys.stderr.isatty(),
        )
        self._interval = FIRST_LINE_SECONDS if self._bar.disable else BAR_SECONDS
        self._meter: SpeedMeter | None = None

    def close(self) -> None:
        """End the bar. At the last step, the time left is removed first."""
        with suppress(OSError):
            if self._bar.n >= self._last_step:
                self._bar.set_postfix_str("", refresh=False)
            self._bar.close()

    def show(self, step: int, frames: int, mean_score: float | None) -> None:
        """Update the bar, or print a line if one is due."""
        with suppress(OSError):
            self._show(step, frames, mean_score)

    def print_line(self, line: str) -> None:
        """Print `line`, above the bar if there is one."""
        with suppress(OSError):
            self._bar.write(line)
            sys.stdout.flush()

    def _show(self, step: int, frames: int, mean_score: float | None) -> None:
        if self._meter is None:  # the first update takes longer and is not measured
            self._meter = SpeedMeter(step, frames)
        self._bar.update(min(step, self._last_step) - self._bar.n)  # the last update may go beyond the last step
        if self._meter.seconds < self._interval:
            return
        rate, frame_rate = self._meter.read(step, frames)
        speed, frame_speed = f"{rate:,.0f} decisions/s", f"{frame_rate:,.0f} frames/s"
        left = _time_left((self._last_step - step) / rate)
        if self._bar.disable:
            self._interval = LINE_SECONDS
            mean = f"mean score of the last {WINDOW_EPISODES} episodes"
            score = "no episode yet" if mean_score is None else f"{mean}: {mean_score:.2f}"
            done = f"{step:,} of {self._last_step:,} decisions"
            print(", ".join([score, speed, done, left, frame_speed]), flush=True)
            return
        score = "no episode yet" if mean_score is None else f"score {mean_score:.2f}"
        self._bar.ncols, self._bar.nrows = _terminal_size()
        self._bar.set_description_str(f"{score}, {speed}", refresh=False)
        self._bar.set_postfix_str(f"{left}, {frame_speed}" if self._bar.ncols >= WIDE_COLUMNS else left)


def _terminal_size() -> tuple[int, int]:
    """Return the columns and rows to use, so that the last of each stays free; some terminals do not know theirs."""
    try:
        columns, rows = os.get_terminal_size(sys.stderr.fileno())
    except OSError:
        columns, rows = 0, 0
    return (columns or 80) - 1, (rows or 24) - 1


def _time_left(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h left"
    return f"{math.ceil(seconds / 60)} min left" if seconds > 60 else f"{math.ceil(seconds)} s left"
