"""Tests that failures of worker processes are reported, and that no process is left behind."""

import gc
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import pytest

from emulators import EmulatorPool, WorkerError, find_game
from tests.helpers import ROOT
from tests.helpers.environments import register
from tests.helpers.messages import message_of


def test_workers_do_not_import_the_script_that_starts_them(tmp_path, monkeypatch):
    script, mark = tmp_path / "script.py", tmp_path / "imported"
    script.write_text(f"open({str(mark)!r}, 'w')")
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__spec__", None, raising=False)
    monkeypatch.setattr(main, "__file__", str(script), raising=False)  # a test process of xdist has none
    with EmulatorPool("pong", 1, workers=1, seed=1) as pool:
        pool.reset()
    assert not mark.exists() and sys.modules["__main__"] is main


def test_sets_of_strings_have_the_same_order_in_all_workers_and_trainings(monkeypatch):
    game = find_game("tests.helpers.environments:Fake-v0", env_kwargs=json.dumps({"reward": "of the process"}))
    for hash_seed, differ in ((None, False), ("0", False), ("7", False), ("random", True)):
        monkeypatch.delenv("PYTHONHASHSEED", raising=False)
        if hash_seed:
            monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
        with EmulatorPool(game, 4, workers=4, shards=1, seed=1) as pool:
            pool.reset()
            rewards = pool.step(0, np.zeros(4, int), np.zeros(4, int))[1].tolist()
        assert (len(set(rewards)) > 1) == differ
        assert os.environ.get("PYTHONHASHSEED") == hash_seed, "that of the program stays as it is"


def test_an_environment_that_only_this_process_knows_is_named_with_what_to_do():
    game = find_game(register("OnlyHere"))
    with pytest.raises(WorkerError, match=r"^-g OnlyHere.*register it in a module, and name it MODULE:ID$"):
        EmulatorPool(game, 1, workers=1, seed=1)


def test_a_worker_that_is_killed_is_reported_with_its_game_and_emulators():
    with EmulatorPool("pong", 5, workers=2, shards=1, seed=1) as pool:
        pool.reset()
        os.kill(pool.worker_pids[1], signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"pong: .*emulators 1, 3 died \(SIGKILL\)"):
            pool.step(0, np.zeros(5), np.zeros(5))
        # The other workers may be a decision ahead, so all later requests fail too.
        for later in (pool.reset, pool.save_states, lambda: pool.step(0, np.zeros(5), np.zeros(5))):
            with pytest.raises(WorkerError, match="emulators 1, 3 died"):
                later()
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_a_worker_that_is_killed_while_it_plays_is_reported():
    with EmulatorPool("pong", 2, workers=2, seed=1) as pool:
        pool.reset()
        killer = threading.Timer(0.5, os.kill, (pool.worker_pids[0], signal.SIGKILL))
        killer.start()
        with pytest.raises(WorkerError, match=r"pong: .*emulator 0 died \(SIGKILL\)"):
            for _ in range(100):
                pool.step(0, np.zeros(2), np.full(2, 1000))
        killer.join()


class SteppingThreads:
    """Threads that step all shards of a pool until each has raised WorkerError."""

    def __init__(self, pool):
        self.errors: list[str] = []
        self._pool = pool
        self._threads = [threading.Thread(target=self._step, args=(shard,)) for shard in range(len(pool.shards))]
        for thread in self._threads:
            thread.start()

    def _step(self, shard):
        emulators = len(self._pool.shards[shard])
        with pytest.raises(WorkerError) as error:
            for _ in range(1000):
                self._pool.step(shard, np.zeros(emulators), np.full(emulators, 100))
        self.errors.append(message_of(error))

    def join(self):
        for thread in self._threads:
            thread.join()


def test_all_threads_that_step_shards_learn_that_a_worker_has_died():
    with EmulatorPool("pong", 4, workers=3, shards=2, seed=1) as pool:  # the worker 0 has emulators in both shards
        pool.reset()
        threads = SteppingThreads(pool)
        os.kill(pool.worker_pids[0], signal.SIGKILL)
        threads.join()
    assert len(threads.errors) == 2 and len(set(threads.errors)) == 1
    assert "emulators 0, 3 died (SIGKILL)" in threads.errors[0]


def test_all_threads_that_step_shards_learn_of_the_error_that_a_worker_sends_once(monkeypatch):
    monkeypatch.setattr("emulators.workers.WORKER_TIMEOUT_S", 20)
    game = find_game("tests.helpers.environments:Fake-v0", env_kwargs='{"after": 1000, "odd_reward": "NaN"}')
    with EmulatorPool(game, 4, workers=1, shards=2, seed=1) as pool:
        pool.reset()
        threads = SteppingThreads(pool)
        threads.join()
    assert len(threads.errors) == 2 and len(set(threads.errors)) == 1
    assert "gives the reward nan" in threads.errors[0]


def test_an_emulator_that_raises_is_reported_with_its_index_and_traceback():
    with EmulatorPool("pong", 4, workers=2, shards=2, seed=1) as pool:
        pool.reset()
        with pytest.raises(WorkerError, match=r"(?s)pong, emulator 3 failed:\nTraceback .*hold.*no action 6"):
            pool.step(1, np.array([5, 6]), np.zeros(2))  # Pong has the actions 0 to 5
        with pytest.raises(WorkerError, match="emulator 3 failed"):
            pool.step(0, np.zeros(2), np.zeros(2))
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("later", "what"),
    [
        ('"odd_reward": "NaN"', "step() of the environment gives the "),
        ('"fails": "step"', "the environment fails (environments.py, line "),
    ],
)
def test_a_reward_that_is_not_finite_or_an_error_blames_the_environment_in_one_line(later, what):
    game = find_game("tests.helpers.environments:Fake-v0", env_kwargs=f'{{"after": 20, {later}}}')
    with EmulatorPool(game, 2, workers=2, seed=1) as pool:
        pool.reset()
        with pytest.raises(WorkerError) as error:
            pool.step(0, np.zeros(2), np.full(2, 100))
    assert message_of(error).startswith(f"-g tests.helpers.environments:Fake-v0: {what}")
    assert multiprocessing.active_children() == []


def test_a_worker_that_dies_is_reported_although_its_environment_has_forked_a_process(tmp_path):
    game = find_game("tests.helpers.environments:Fake-v0", env_kwargs=json.dumps({"starts": str(tmp_path)}))
    with EmulatorPool(game, 2, workers=2, seed=1) as pool:
        pool.reset()
        running = [int(file.name) for file in tmp_path.iterdir() if Path(f"/proc/{file.name}").exists()]
        os.kill(pool.worker_pids[1], signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"emulator 1 died \(SIGKILL\)"):
            pool.step(0, np.zeros(2), np.zeros(2))
    for pid in running:
        with suppress(ProcessLookupError):  # a killed worker cannot end what its environment has started
            os.kill(pid, signal.SIGKILL)


def test_an_emulator_that_cannot_be_made_is_reported_and_leaves_no_worker():
    # A negative seed is an error in the worker; the parent's own example emulator has the seed 0.
    with pytest.raises(WorkerError, match=r"(?s)pong, emulator 0 failed:\nTraceback .*make_emulator"):
        EmulatorPool("pong", 2, workers=2, seed=-1)
    assert multiprocessing.active_children() == []


def test_a_state_that_cannot_be_loaded_is_reported():
    with EmulatorPool("pong", 1, workers=1, seed=1) as pool, pytest.raises(WorkerError) as error:
        pool.load_states([b"not a state"])
    assert message_of(error).startswith(
        "the saved state of emulator 0 cannot be loaded: it is damaged, or was saved with"
    )
    assert message_of(error).endswith(
        "; play with that one, or delete emulators.npz in the folder of the checkpoint to start new episodes"
    )


@pytest.mark.slow
def test_a_worker_that_does_not_answer_is_reported_and_ended(monkeypatch):
    with EmulatorPool("pong", 1, workers=1, seed=1) as pool:
        pool.reset()
        os.kill(pool.worker_pids[0], signal.SIGSTOP)
        monkeypatch.setattr("emulators.workers.WORKER_TIMEOUT_S", 1)
        # Ends the worker if the test fails; otherwise the test would hang.
        rescue = threading.Timer(60, os.kill, (pool.worker_pids[0], signal.SIGKILL))
        rescue.start()
        with pytest.raises(WorkerError, match=r"pong: .*emulator 0 gave no answer within"):
            pool.step(0, np.zeros(1), np.zeros(1))
        assert rescue.is_alive()
        rescue.cancel()
        with pytest.raises(WorkerError, match="no answer"):
            pool.reset()
    assert multiprocessing.active_children() == []


def test_no_worker_is_left_after_close_and_closing_twice_is_safe():
    pool = EmulatorPool("pong", 2, workers=2, shards=2, seed=1)
    workers = multiprocessing.active_children()
    assert sorted(process.pid for process in workers) == sorted(pool.worker_pids)
    pool.close()
    pool.close()
    assert multiprocessing.active_children() == []
    assert [process.exitcode for process in workers] == [0, 0]  # they were not killed


def test_an_error_in_the_callers_own_code_leaves_no_worker_and_no_open_file():
    gc.collect()  # an error of an earlier test may still refer to its workers
    resource_tracker.ensure_running()  # Python's own process, whose file stays open
    before = os.listdir("/dev/fd")
    with pytest.raises(ZeroDivisionError), EmulatorPool("pong", 2, workers=1, shards=2, seed=1):
        _ = 1 / 0
    assert multiprocessing.active_children() == []
    assert os.listdir("/dev/fd") == before


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists the libraries of a process")
def test_workers_load_ale_and_not_tensorflow():
    with EmulatorPool("pong", 1, workers=1, seed=1) as pool:
        loaded = Path(f"/proc/{pool.worker_pids[0]}/maps").read_text()
    assert "ale_py" in loaded
    assert "libtensorflow" not in loaded


def test_importing_the_emulators_does_not_import_tensorflow():
    code = "import sys, emulators, emulators.worker, emulators.atari; print('\\n'.join(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = answer.stdout.split()
    assert "emulators.atari" in modules
    assert not [module for module in modules if module.split(".")[0] in ("tensorflow", "keras", "paac", "networks")]


def test_after_an_interrupted_request_no_other_one_receives_its_answers(monkeypatch):
    with EmulatorPool("pong", 2, workers=1, seed=1) as pool:
        pool.reset()
        with monkeypatch.context() as patched:
            patched.setattr("emulators.workers.Workers._receive", interrupt)
            with pytest.raises(KeyboardInterrupt):
                pool.save_states()
        with pytest.raises(WorkerError, match="pong: a request to the workers was interrupted; make a new pool"):
            pool.reset()


def interrupt(*_):
    raise KeyboardInterrupt
