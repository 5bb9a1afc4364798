"""The progress that a user sees: a bar on a terminal, or lines in a log file: after 10 s, then each minute."""

import sys
import time
from contextlib import suppress

from tqdm import tqdm

from paac.training.episodes import WINDOW_EPISODES

FIRST_LINE_SECONDS = 10.0  # until the first line in a log file
LINE_SECONDS = 60.0  # between two lines in a log file
BAR_SECONDS = 2.0  # between two updates of the speed next to the bar


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
        self._bar = tqdm(
            total=last_step,
            initial=step,
            unit=" decisions",
            unit_scale=True,
            smoothing=0.05,
            disable=not sys.stderr.isatty(),
        )
        self._meter: SpeedMeter | None = None
        self._interval = FIRST_LINE_SECONDS if self._bar.disable else BAR_SECONDS

    def close(self) -> None:
        """End the bar."""
        with suppress(OSError):
            self._bar.close()

    def show(self, step: int, frames: int, mean_reward: float | None) -> None:
        """Update the bar, or print a line if one is due."""
        with suppress(OSError):
            self._show(step, frames, mean_reward)

    def print_line(self, line: str) -> None:
        """Print `line`, above the bar if there is one."""
        with suppress(OSError):
            self._bar.write(line)
            sys.stdout.flush()

    def _show(self, step: int, frames: int, mean_reward: float | None) -> None:
        if self._meter is None:  # the first update takes longer and is not measured
            self._meter = SpeedMeter(step, frames)
        self._bar.update(step - self._bar.n)
        if self._meter.seconds < self._interval:
            return
        rate, frame_rate = self._meter.read(step, frames)
        speed = f"{frame_rate:,.0f} frames/s"
        reward = "no episode yet"
        if mean_reward is not None:
            reward = f"mean reward of {WINDOW_EPISODES} episodes: {mean_reward:.2f}"
        if not self._bar.disable:
            self._bar.set_postfix_str(f"{speed}, {reward}")
            return
        self._interval = LINE_SECONDS
        left = (self._last_step - step) / rate / 3600
        print(f"{step:,} decisions, {rate:,.0f} decisions/s, {speed}, {left:.1f} h left, {reward}", flush=True)
