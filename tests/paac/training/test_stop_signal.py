"""One signal asks for an end, a second one later makes it; two at once are one."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.helpers import ROOT

PROGRAM = """
import time
from paac.training.stop_signal import StopSignal
with StopSignal() as stop:
    print("ready", flush=True)
    while not stop.requested:
        time.sleep(0.01)
    print("asked", flush=True)
    time.sleep(20)
"""


@pytest.fixture
def program():
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once(program, number):
    os.kill(program.pid, number)
    assert program.stdout.readline() == "asked\n"
    time.sleep(0.2)  # longer than what counts as one
    os.kill(program.pid, number)
    assert program.wait(timeout=10) == 128 + number


def test_signals_that_come_together_are_one(program):
    # timeout(1) signals its child and then the whole group.
    os.kill(program.pid, signal.SIGTERM)
    os.kill(program.pid, signal.SIGINT)  # another one: two alike could be one to the kernel already
    assert program.stdout.readline() == "asked\n"
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(timeout=1)
