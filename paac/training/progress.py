"""What a person watching sees: a bar on a terminal, a line now and then in a log file."""

import sys
import time
from contextlib import suppress

from tqdm import tqdm

LINE_SECONDS = 60.0  # from one line of a log file to the next


class Progress:
    """Shows how far a training is; a context manager."""

    def __init__(self, step: int, last_step: int):
        self._last_step = last_step
        self._bar = tqdm(
            total=last_step,
            initial=step,
            unit=" steps",
            unit_scale=True,
            smoothing=0.05,
            disable=not sys.stderr.isatty(),
        )
        self._mark: tuple[float, int, int] | None = None  # when, step, frames

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._bar.close()

    def show(self, step: int, frames: int, mean_reward: float | None) -> None:
        """Update the bar, or print a line if one is due. A terminal or a pipe that is gone does no harm."""
        with suppress(OSError):
            self._show(step, frames, mean_reward)

    def say(self, line: str) -> None:
        """A line that is worth a person's time, above the bar."""
        with suppress(OSError):
            self._bar.write(line)
            sys.stdout.flush()

    def _show(self, step: int, frames: int, mean_reward: float | None) -> None:
        now = time.monotonic()
        if self._mark is None:
            self._mark = now, step, frames
        self._bar.update(step - self._bar.n)
        since, step_then, frames_then = self._mark
        waited = now - since
        if waited < (LINE_SECONDS if self._bar.disable else 2.0):
            return
        self._mark = now, step, frames
        frames_rate = f"{(frames - frames_then) / waited:,.0f} frames/s"
        reward = "no episode yet" if mean_reward is None else f"mean of last 50: {mean_reward:.2f}"
        if not self._bar.disable:
            self._bar.set_postfix_str(f"{frames_rate}, {reward}")
            return
        rate = (step - step_then) / waited
        left = (self._last_step - step) / rate / 3600
        print(f"{step:,} steps, {rate:,.0f} steps/s, {frames_rate}, {left:.1f} h left, {reward}", flush=True)
