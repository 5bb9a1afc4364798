"""Runs trainings as processes, and stops them so that each saves a checkpoint."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from paac.cli.options import assigned_cores
from paac.training.stop_signal import SIGNALS

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CHECK_S = 2.0  # between two calls of `stop_when`
LIBC = ctypes.CDLL(None)
TRAIN = Path(__file__).parent.parent.parent / "train.py"


class Trainings:
    """The training processes that are running.

    Each has its own process group, so the terminal does not send it Ctrl+C. Inside `passing_signals`, every signal that
    asks this process to stop is sent to each of them once.
    """

    def __init__(self, jobs: int = 1):
        """`jobs` is the number of trainings that run at the same time and share the cores."""
        self.stopping = False
        self._environment = {"PYTHONUNBUFFERED": "1"}
        if jobs > 1:
            self._environment["PYTHON_CPU_COUNT"] = str(max(1, assigned_cores() // jobs))
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.RLock()  # a signal may interrupt the handler of another

    def train(
        self,
        arguments: Sequence[str],
        print_line: Callable[[str], None] | None = None,
        environment: Mapping[str, str] | None = None,
        stop_when: Callable[[], bool] | None = None,
    ) -> int | None:
        """Run train.py with `arguments`; returns its exit code, or None if it was not started because `stop` was called.

        Each line of its output goes to `print_line`; without that, train.py writes directly to the terminal. The
        variables in `environment` are added to those of this process. `stop_when` is called every few seconds in another
        thread, and must not raise; when it returns true, the training saves and ends. Do not call this in the main thread: a signal that
        arrives after the process has started, but before it is recorded, would not reach it.
        """
        with self._lock:
            if self.stopping:
                return None
            process = subprocess.Popen(
                [sys.executable, str(TRAIN), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if print_line else None,
                stderr=subprocess.STDOUT if print_line else None,
                encoding="utf-8",
                errors="replace",
                env=os.environ | self._environment | dict(environment or {}),
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
            self._running.add(process)
        try:
            if stop_when:
                watcher = threading.Thread(target=_stop_when, args=(process, stop_when))
                watcher.start()
            if print_line and process.stdout:
                for line in process.stdout:
                    if line.strip():
                        print_line(line.rstrip())
            code = process.wait()
            if stop_when:
                watcher.join()
            return code
        finally:
            with self._lock:
                self._running.remove(process)

    def kill(self) -> None:
        """Kill all running processes; they do not save."""
        with self._lock:
            for process in self._running:
                process.kill()

    def stop(self, signal_number: int) -> None:
        """Send the signal to all running processes, and start no more."""
        with self._lock:
            self.stopping = True
            for process in self._running:
                process.send_signal(signal_number)

    @contextmanager
    def passing_signals(self) -> Iterator[None]:
        """A context in which signals that ask this process to stop go to `stop`. Only the main thread may enter it."""
        with signals_passed_to(self.stop):
            yield


def was_stopped(code: int) -> bool:
    """Whether a training with this exit code was ended by a signal, and not by an error."""
    return code < 0 or code - 128 in SIGNALS


def failure_reason(code: int, last_line: str) -> str:
    """Why a training ended with this exit code: the signal that ended its process, or its last line of output."""
    return f"train.py was ended by {signal.Signals(-code).name}" if code < 0 else last_line


def _stop_when(process: subprocess.Popen, condition: Callable[[], bool]) -> None:
    """Stop the process as soon as `condition()` is true."""
    while process.poll() is None:
        if condition():
            process.send_signal(signal.SIGTERM)
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(CHECK_S)


def end_with_parent() -> None:
    """Called in the new process. On Linux, makes it save and end when its parent is killed; macOS cannot do that."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def signals_passed_to(stop: Callable[[int], None]) -> Iterator[None]:
    """A context in which `stop` is called with the number of each signal that asks this process to end."""
    previous_handlers = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in previous_handlers.items():
        if number != signal.SIGHUP or handler != signal.SIG_IGN:  # under nohup, SIGHUP stays ignored
            signal.signal(number, lambda number, _: stop(number))
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
