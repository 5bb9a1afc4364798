"""Ctrl+C, SIGTERM or a closed terminal stops the training after the current update.

A second Ctrl+C or SIGTERM ends it at once. A terminal that closes may send several SIGHUPs, and the end of the user's
session a SIGTERM: these do not end it at once. Before the training there is nothing to save, so the first signal ends
the process.

While the main thread is inside an update, Python runs no signal handlers, but it still writes each signal's number to
the wake-up pipe, where a thread reads it. Programs like `timeout` send a signal to a process and then to its whole
group, so signals that arrive together count as one.
"""

import math
import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Protocol

from emulators.forked_signals import reset_in_forks

SAME_SIGNAL_S = 0.1  # signals within this time count as one; nobody presses Ctrl+C twice that fast
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(Protocol):
    """Says whether the training should stop; a context manager. Before `training_began`, there is nothing to save."""

    requested: bool
    training_began: bool

    def __enter__(self) -> object: ...

    def __exit__(self, *_: object) -> None: ...


class Interrupt:
    """Sets `requested` to true at the first Ctrl+C after `training_began`, for notebooks and scripts.

    Any other Ctrl+C does what it would do without this class: by default it raises KeyboardInterrupt. Python handles
    signals in the main thread only, so in another thread this class does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self.training_began = False
        self._is_interrupted = False

    def __enter__(self) -> "Interrupt":
        self._is_active = threading.current_thread() is threading.main_thread()
        if self._is_active:
            earlier = signal.signal(signal.SIGINT, self._on_interrupt)
            self._handler = signal.default_int_handler if earlier is None else earlier  # None: set outside Python
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_active:
            signal.signal(signal.SIGINT, self._handler)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.training_began and not self._is_interrupted:
            self._is_interrupted = self.requested = True
        elif callable(self._handler):
            self._handler(number, frame)
        elif self._handler == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)  # ends the process


class StopSignal:
    """Sets `requested` to true at the first signal, for train.py; a context manager for the main thread.

    Before `training_began`, the first signal ends the process.
    """

    def __init__(self) -> None:
        self.requested = False
        self.training_began = False

    def __enter__(self) -> "StopSignal":
        self._stderr = os.dup(2)  # while TensorFlow loads, what is written to descriptor 2 is not shown
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        threading.Thread(target=self._listen, args=(self._read_end,), daemon=True).start()
        # Before the handlers: a signal between the two would be lost.
        self._wakeup_fd = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        self._handlers = {
            number: signal.signal(number, lambda *_: None)
            for number in SIGNALS
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN  # nohup: ignore SIGHUP
        }
        reset_in_forks(SIGNALS)  # a process of an environment would request the stop, too
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_fd)
        os.close(self._write_end)  # ends the thread `_listen`

    def _listen(self, read_end: int) -> None:
        first = math.inf  # time of the first signal that is no SIGHUP
        while received := os.read(read_end, 1):
            if received[0] not in SIGNALS:
                continue
            if not self.training_began:
                self._say("Stopped before the training began: there is nothing to save.")
                self._quit(received[0])
            if not self.requested:
                self.requested = True
                again = "" if received[0] == signal.SIGHUP else " Press Ctrl+C again to quit at once."
                self._say(f"Finishing the update and saving.{again}")
            if received[0] != signal.SIGHUP:
                now = time.monotonic()
                if now - first >= SAME_SIGNAL_S:
                    self._quit(received[0])
                first = min(first, now)
        os.close(read_end)
        os.close(self._stderr)

    def _quit(self, number: int) -> None:
        os._exit(128 + number)  # the workers end when their pipes to this process close

    def _say(self, line: str) -> None:
        with suppress(OSError):  # the terminal may be closed
            os.write(self._stderr, f"\n{line}\n".encode())
