"""How workers end: with the pool, with their parent, and with what their environments have started."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emulators import EmulatorPool, find_game
from tests.helpers import ROOT
from tests.helpers.commands import as_from_a_terminal, wait_for

LIMIT_S = 300  # what should end here would end by itself after 600 seconds


def test_programs_that_environments_started_end_with_the_pool(tmp_path):
    game = find_game("tests.helpers.environments:Fake-v0", env_kwargs=json.dumps({"starts": str(tmp_path)}))
    with EmulatorPool(game, 2, workers=2, seed=1) as pool:
        pool.reset()
        started = [int(file.name) for file in tmp_path.iterdir()]
        # The check of the game, which makes two environments, and the pool's example started some too; they have ended.
        assert len(started) == 10 and len([pid for pid in started if Path(f"/proc/{pid}").exists()]) == 4
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
from emulators import EmulatorPool

def make():
    global pool
    pool = EmulatorPool("pong", 2, workers=2, seed=1)
    print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: print("terminated"))
    if sys.argv[1] == "thread":
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
    else:
        make()
    with pool:
        pool.reset()
        try:
            os.kill(0, signal.SIGINT)  # the whole process group, as Ctrl+C does
            time.sleep(5)
        except KeyboardInterrupt:
            print("interrupted")
        os.kill(0, signal.SIGTERM)
        time.sleep(0.3)
        print(pool.step(0, np.zeros(2), np.zeros(2)).plays)
"""


def start(script: Path, code: str, *arguments: str) -> subprocess.Popen:
    """Start a process that runs `code`. It has its own session, so that signals to its group do not reach pytest."""
    script.write_text(code)
    return subprocess.Popen(
        [sys.executable, script, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=as_from_a_terminal,
    )


@pytest.mark.slow
@pytest.mark.parametrize("made_in", ["main", "thread"])
def test_signals_to_all_processes_reach_the_parent_and_never_the_workers(made_in, tmp_path):
    # The parent decides when to stop. It saves first, and needs its workers for that.
    parent = start(tmp_path / "interrupted.py", INTERRUPTED, made_in)
    try:
        output, _ = parent.communicate(timeout=LIMIT_S)
    finally:
        parent.kill()
    assert output.splitlines() == ["set()", "interrupted", "terminated", "[1 1]"]


PARENT = """
import sys, time
import numpy as np
from emulators import EmulatorPool, find_game

if __name__ == "__main__":
    game = find_game(sys.argv[2], env_kwargs=sys.argv[3])
    pool = EmulatorPool(game, 3, workers=2, shards=2, seed=1)
    pool.reset()
    print(*pool.worker_pids, flush=True)
    if sys.argv[1] == "playing":
        while True:
            pool.step(0, np.zeros(2), np.full(2, 50))
    time.sleep(600)
"""


HANGS = "tests.helpers.environments:Fake-v0", '{"after": 50, "hangs": "step"}'


@pytest.mark.parametrize(
    ("parent_is", "game"), [("playing", ("pong", "{}")), ("idle", ("pong", "{}")), ("playing", HANGS)], ids=str
)
def test_workers_end_when_their_parent_is_killed(parent_is, game, tmp_path):
    # The workers share their parent's output, which is closed when the last of them has ended.
    parent = start(tmp_path / "parent.py", PARENT, parent_is, *game)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    time.sleep(0.3)
    parent.kill()
    try:
        parent.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        pytest.fail("workers outlived their parent")


def test_programs_that_environments_started_end_when_the_parent_is_killed(tmp_path):
    started = tmp_path / "started"
    started.mkdir()
    kwargs = json.dumps({"starts": str(started)})
    parent = start(tmp_path / "parent.py", PARENT, "idle", "tests.helpers.environments:Fake-v0", kwargs)
    assert parent.stdout is not None
    parent.stdout.readline()
    parent.kill()
    parent.communicate(timeout=LIMIT_S)  # the workers and what they started share their parent's output
    assert len(list(started.iterdir())) == 12
    # A process closes its output before its entry in /proc goes.
    wait_for(lambda: not any(Path(f"/proc/{file.name}").exists() for file in started.iterdir()), LIMIT_S)


@pytest.mark.slow
def test_a_program_that_does_not_close_its_pool_ends_nevertheless(tmp_path):
    script = tmp_path / "careless.py"
    script.write_text(PARENT.partition("    pool.reset()")[0])
    subprocess.run(
        [sys.executable, script, "idle", "pong", "{}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        timeout=LIMIT_S,
    )
