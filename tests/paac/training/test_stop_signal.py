"""The first signal requests a stop, a later one ends the process; signals that arrive together count as one."""

import os
import signal
import subprocess
import sys
import time

import pytest

from paac.training.stop_signal import SAME_SIGNAL_S
from tests.helpers import ROOT
from tests.helpers.commands import TIMEOUT_S, as_from_a_terminal

PROGRAM = """
import time
from paac.training import stop_signal
stop_signal.SAME_SIGNAL_S = {same_signal_s}
with stop_signal.StopSignal() as stop:
    stop.training_began = True
    print("ready", flush=True)
    while not stop.requested:
        time.sleep(0.01)
    print("requested", flush=True)
    time.sleep(20)
"""


@pytest.fixture
def program(request):
    """A process. Signals within `request.param` seconds, by default `SAME_SIGNAL_S`, count as one for it."""
    code = PROGRAM.format(same_signal_s=getattr(request, "param", SAME_SIGNAL_S))
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=as_from_a_terminal,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_only_signals_that_no_user_sends_twice_count_as_one():
    assert 0.05 <= SAME_SIGNAL_S <= 0.3


@pytest.mark.parametrize("program", [0], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once(program, number):
    os.kill(program.pid, number)
    assert program.stdout.readline() == "requested\n"
    os.kill(program.pid, number)
    assert program.wait(timeout=TIMEOUT_S) == 128 + number


@pytest.mark.parametrize("program", [20], indirect=True)
def test_signals_that_arrive_together_count_as_one(program):
    # The command `timeout` signals its child and then the whole group.
    os.kill(program.pid, signal.SIGTERM)
    os.kill(program.pid, signal.SIGINT)  # not the same signal: the kernel may merge two of these
    assert program.stdout.readline() == "requested\n"
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(timeout=1)


@pytest.mark.parametrize("later", [signal.SIGHUP, signal.SIGTERM])
def test_a_terminal_that_closes_may_send_more_signals(program, later):
    # A shell that ends signals its jobs, and then the kernel their group; the end of a session sends SIGTERM as well.
    os.kill(program.pid, signal.SIGHUP)
    assert program.stdout.readline() == "requested\n"
    for number in (signal.SIGHUP, later):
        time.sleep(2 * SAME_SIGNAL_S)
        os.kill(program.pid, number)
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(timeout=1)
    while program.poll() is None:  # one Ctrl+C, or two if they are the first signals that are no SIGHUP
        os.kill(program.pid, signal.SIGINT)
        time.sleep(2 * SAME_SIGNAL_S)
    assert program.returncode == 128 + signal.SIGINT


FORKING = """
import multiprocessing, time
from paac.training.stop_signal import StopSignal
with StopSignal() as stop:
    stop.training_began = True
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=[20])
    process.start()
    process.terminate()
    process.join()
    print(process.exitcode, stop.requested)
"""


def test_signals_of_a_process_that_an_environment_forks_do_not_stop_the_training():
    shown = subprocess.run([sys.executable, "-c", FORKING], cwd=ROOT, capture_output=True, text=True)
    assert shown.stdout == f"{-signal.SIGTERM} False\n", shown.stderr


STARTING = """
import time
from paac.training.stop_signal import StopSignal
from paac.training.tensorflow_setup import stderr_kept_for_errors
with StopSignal() as stop, stderr_kept_for_errors():
    stop.training_began = {saves}
    print("ready", flush=True)
    time.sleep(20)
"""


@pytest.mark.parametrize(("saves", "word"), [(False, "Stopped before the training began"), (True, "Finishing the")])
def test_the_first_signal_gets_a_word_while_tensorflow_loads(saves, word):
    with subprocess.Popen(
        [sys.executable, "-c", STARTING.format(saves=saves)], cwd=ROOT, stdout=-1, stderr=-1, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stderr.readline() == "\n" and process.stderr.readline().startswith(word)
        if not saves:
            assert process.wait(timeout=TIMEOUT_S) == 128 + signal.SIGTERM
        process.kill()
