"""Trainings as processes: started, followed, and stopped so that each saves."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from paac.training.stop_signal import SIGNALS

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None)
TRAIN = Path(__file__).parent.parent.parent / "train.py"


class Trainings:
    """The training processes that run now. Each has a process group of its own, so that one Ctrl+C is not two.

    Inside `passing_signals` every signal that asks this process to stop is passed on to each of them.
    """

    def __init__(self) -> None:
        self.stopping = False
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.Lock()

    def train(
        self,
        arguments: Sequence[str],
        say: Callable[[str], None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> int | None:
        """Call train.py with `arguments`; returns the exit code, None if it was not started because all are stopping.

        Not for the main thread, where a signal could come after the process has started and before it is recorded. Each line that it
        prints goes to `say`; without that, it writes to the terminal itself.
        """
        with self._lock:
            if self.stopping:
                return None
            process = subprocess.Popen(
                [sys.executable, str(TRAIN), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if say else None,
                stderr=subprocess.STDOUT if say else None,
                encoding="utf-8",
                errors="replace",
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(environment or {}),
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
            self._running.add(process)
        try:
            if say and process.stdout:
                for line in process.stdout:
                    if line.strip():
                        say(line.rstrip())
            return process.wait()
        finally:
            with self._lock:
                self._running.remove(process)

    def kill(self) -> None:
        """Kill the processes that run; they do not save."""
        with self._lock:
            for process in self._running:
                process.kill()

    def stop(self, number: int) -> None:
        """Pass a signal on to all, and start no other."""
        with self._lock:
            self.stopping = True
            for process in self._running:
                process.send_signal(number)

    @contextmanager
    def passing_signals(self) -> Iterator[None]:
        """Pass signals on. Only the main thread may enter this."""
        with signals_passed_to(self.stop):
            yield


def _end_with_parent() -> None:
    """Called in the new process: it saves and ends when its parent is killed. Linux has that, macOS has not."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def signals_passed_to(stop: Callable[[int], None]) -> Iterator[None]:
    """Call `stop` with the number of each signal that asks this process to end."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if number != signal.SIGHUP or handler != signal.SIG_IGN:  # nohup means it
            signal.signal(number, lambda number, _: stop(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
