"""Signals in the processes that an environment forks."""

import os
import signal
from collections.abc import Collection


def reset_in_forks(signals: Collection[int]) -> None:
    """Let `signals` have their default effect in all processes that this one forks from now on.

    Otherwise these processes inherit the handlers, and an environment could not end them. Signals that are ignored stay
    ignored. All of them are blocked during a fork: none may arrive before the new process has reset them.
    """
    masks: list[set[int]] = []

    def block() -> None:
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, signals))

    def unblock() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop())

    def reset() -> None:
        signal.set_wakeup_fd(-1)
        for number in signals:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        unblock()

    os.register_at_fork(before=block, after_in_parent=unblock, after_in_child=reset)
