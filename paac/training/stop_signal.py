"""Ctrl+C, SIGTERM or a closed terminal asks the training to finish its update and save; a second one ends it at once.

While the main thread is inside an update, Python runs no signal handler; the interpreter still writes each signal's
number to the wake-up pipe, and a small thread reads it there. Programs like `timeout` signal a process and then its
whole group: signals that come together count as one.
"""

import os
import signal
import threading
import time
from contextlib import suppress

TOGETHER = 0.1  # seconds; nobody presses Ctrl+C twice that fast
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignal:
    """`requested` becomes true at the first signal. Use it as a context manager, in the main thread."""

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> "StopSignal":
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        self._handlers = {
            number: signal.signal(number, lambda *_: None)
            for number in SIGNALS
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN  # nohup means it
        }
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        threading.Thread(target=self._listen, args=(self._read_end,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._write_end)  # ends the thread

    def _listen(self, read_end: int) -> None:
        first = 0.0
        while received := os.read(read_end, 1):
            if received[0] not in SIGNALS:
                continue
            if self.requested and time.monotonic() - first < TOGETHER:
                continue
            if self.requested:
                os._exit(128 + received[0])  # the workers end with the pipes to this process
            self.requested = True
            first = time.monotonic()
            with suppress(OSError):  # the terminal may be gone
                os.write(2, b"\nFinishing the update and saving; once more to quit at once.\n")
        os.close(read_end)
