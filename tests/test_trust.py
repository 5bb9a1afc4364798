"""Killed processes, full disks, damaged files and other failures do not lose what a run has learned."""

import itertools
import json
import os
import pickle
import random
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from emulators import EmulatorPool
from tests.helpers.commands import TIMEOUT_S, TINY, assert_one_line, group_members, interrupt, wait_for
from tests.helpers.runs import assert_same_weights, episodes, forge, newest_step, points, wait_for_checkpoint

SHORT = ["-g", "Catcher-v0", "--max_episode_frames", "60", *TINY]  # 20 decisions per update
ENDLESS = [*SHORT, "--checkpoint_interval", "200"]


def test_the_number_of_workers_does_not_affect_the_training(commands):
    for workers in ("1", "3"):
        commands.run("train.py", "-df", workers, *SHORT, "-ew", workers, "--max_global_steps", "400")
    assert_same_weights(commands.folder / "1", commands.folder / "3")
    assert episodes(commands.folder / "1") == episodes(commands.folder / "3") != []


@pytest.mark.slow
def test_a_run_killed_at_any_moment_resumes_from_a_whole_checkpoint(commands):
    """After twelve kills, most of them while it saves, the result is that of an uninterrupted training."""
    run = commands.folder / "run"
    generator = random.Random(7)
    killed_while_saving = []
    for kill in range(12):
        process = commands.start("train.py", "-df", "run", *ENDLESS)
        if kill % 4:
            before = newest_step(run)
            wait_for(lambda process=process, before=before: newest_step(run) > before or process.poll() is not None)
            wait_for(lambda process=process: is_saving(run) or process.poll() is not None, every=0.001)
            time.sleep(generator.random() * 0.02)
        else:  # while it starts
            time.sleep(generator.random() * 8)
        assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        wait_for(lambda process=process: group_members(process) == [])
        killed_while_saving.append(is_saving(run))
        if newest_step(run) > 0:
            rows = (run / "episodes.csv").read_text().splitlines()
            assert rows[0] == "step,seconds,emulator,reward,length"
    assert any(killed_while_saving), "no process was killed while it saved"
    last = newest_step(run) + 200
    resumed = commands.run("train.py", "-df", "run", "--max_global_steps", str(last))
    assert f"Resuming at {last - 200:,} decisions" in resumed.stdout
    commands.run("train.py", "-df", "whole", *SHORT, "--max_global_steps", str(last))
    assert_same_weights(commands.folder / "whole", run)
    assert episodes(run) == episodes(commands.folder / "whole") != []
    assert points(run, "rl/reward") == points(commands.folder / "whole", "rl/reward")
    assert not list((run / "checkpoints").glob(".*.new"))


def is_saving(run: Path) -> bool:
    """Return whether a checkpoint is being written."""
    return any((run / "checkpoints").glob(".*.new"))


def test_a_damaged_checkpoint_is_named_and_the_previous_one_used(commands):
    """One bit is flipped; paac/training/test_damaged_checkpoint.py tests other damage."""
    commands.run("train.py", "-df", "run", *ENDLESS, "--max_global_steps", "600")
    file = next((commands.folder / "run/checkpoints/600").glob("weights.data*"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    commands.run("test.py", "-f", "run")
    resumed = commands.run("train.py", "-df", "run", "--max_global_steps", "800")
    assert "checkpoints/600" in resumed.stdout and "using the previous one" in resumed.stdout
    assert "Resuming at 400 decisions" in resumed.stdout
    commands.run("train.py", "-df", "whole", *ENDLESS, "--max_global_steps", "800")
    assert_same_weights(commands.folder / "whole", commands.folder / "run")
    assert episodes(commands.folder / "whole") == episodes(commands.folder / "run")


def test_a_full_disk_keeps_the_last_checkpoint_and_leaves_no_unfinished_one(commands):
    """Files are limited to a megabyte; the weights are larger."""
    commands.run("train.py", "-df", "run", *ENDLESS, "--max_global_steps", "200")
    process = commands.start(
        "train.py", "-df", "run", "--max_global_steps", "1000", limits={resource.RLIMIT_FSIZE: 1 << 20}
    )
    _, error = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert_one_line(error, "train.py: ", "too large")
    assert newest_step(commands.folder / "run") == 200
    wait_for(lambda: group_members(process) == [])
    resumed = commands.run("train.py", "-df", "run", "--max_global_steps", "220")
    assert "Resuming at 200 decisions" in resumed.stdout


@pytest.fixture
def small_disk(tmp_path):
    """A file system of eight megabytes, if this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
def test_a_full_disk_and_a_read_only_disk(commands, small_disk):
    process = commands.start("train.py", "-df", str(small_disk / "run"), *ENDLESS)
    _, error = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert_one_line(error, "train.py: ", "No space left")
    kept = newest_step(small_disk / "run")
    assert not list((small_disk / "run/checkpoints").glob(".*.new"))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    commands.run("test.py", "-f", str(small_disk / "run"))
    refused = commands.run("train.py", "-df", str(small_disk / "run"), code=2)
    assert_one_line(refused.stderr, "cannot be written (Read-only file system)")
    subprocess.run(["mount", "-o", "remount,rw,size=64m", small_disk], check=True)
    resumed = commands.run("train.py", "-df", str(small_disk / "run"), "--max_global_steps", f"{kept + 200}")
    assert f"Resuming at {kept:,} decisions" in resumed.stdout


@pytest.mark.slow
def test_deleting_the_folder_ends_the_training_and_it_is_not_created_again(commands):
    process = commands.start("train.py", "-df", "run", *ENDLESS)
    wait_for_checkpoint(process, commands.folder / "run", 200)
    wait_for(lambda: _try_to_delete(commands.folder / "run"))
    _, error = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert_one_line(error, "run")
    wait_for(lambda: group_members(process) == [])
    assert not (commands.folder / "run").exists()


def _try_to_delete(folder: Path) -> bool:
    """Delete the folder; return False if it still exists, because the training has created a file meanwhile."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


@pytest.mark.slow
def test_too_few_file_handles_are_reported_and_leave_no_process(commands):
    for handles in (12, 24, 40):
        process = commands.start(
            "train.py", *SHORT, "--max_global_steps", "20", limits={resource.RLIMIT_NOFILE: handles}
        )
        _, error = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode in (0, 1), error
        if process.returncode:
            assert_one_line(error, "train.py: ", "Too many open files")
        wait_for(lambda process=process: group_members(process) == [])


def test_a_clock_that_jumps_back_does_no_harm(commands, monkeypatch):
    """Each reading of the wall clock is a day earlier than the one before."""
    readings, before = itertools.count(), time.time()
    with monkeypatch.context() as jumping:
        jumping.setattr(time, "time", lambda: before - 86400 * next(readings))
        for steps in ("200", "400"):
            commands.run("train.py", "-df", "run", "--max_global_steps", steps, *SHORT)
    assert next(readings) > 10
    commands.run("train.py", "-df", "whole", "--max_global_steps", "400", *SHORT)
    assert_same_weights(commands.folder / "whole", commands.folder / "run")
    seconds = [float(line.split(",")[1]) for line in (commands.folder / "run/episodes.csv").read_text().split()[1:]]
    assert seconds == sorted(seconds) and points(commands.folder / "run", "rl/reward") != []


@pytest.mark.slow
def test_the_lock_of_a_killed_training_is_taken_over(commands):
    process = commands.start("train.py", "-df", "run", *ENDLESS)
    wait_for_checkpoint(process, commands.folder / "run", 200)
    refused = commands.run("train.py", "-df", "run", code=2)
    assert_one_line(refused.stderr, f"-df run: process {process.pid} is training there")
    process.kill()
    process.communicate()
    assert (commands.folder / "run/.lock").read_text() == str(process.pid)
    commands.run("train.py", "-df", "run", "--max_global_steps", str(newest_step(commands.folder / "run") + 20))


def test_too_little_shared_memory_is_an_error_before_a_worker_starts(monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    before = children.read_text()
    with pytest.raises(OSError, match="No space left"):
        EmulatorPool("Catcher-v0", 4, workers=2, seed=1)
    assert children.read_text() == before


class Bomb:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


@pytest.mark.slow
def test_forged_checkpoints_run_no_code_and_are_refused(commands):
    """Each file is replaced by a pickle, and state.json also by malformed JSON."""
    commands.run("train.py", "-df", "run", *SHORT, "--max_global_steps", "200")
    folder = commands.folder / "run/checkpoints/200"
    state = json.loads((folder / "state.json").read_text())
    forgeries = [(file, pickle.dumps(Bomb())) for file in folder.iterdir() if file.name != "manifest.json"]
    for key, value in (
        ("updates", "a"),
        ("episodes", []),
        ("logs", {"episodes.csv": "x"}),
        ("fixed", 3),
        ("plays", None),
        ("plays", -1),
        ("global_step", 10**30),
        ("seconds", float("inf")),
    ):
        forgeries.append((folder / "state.json", json.dumps(state | {key: value}).encode()))
    forgeries += [(folder / "state.json", b"{}"), (folder / "state.json", b"[" * 100_000)]
    assert len(forgeries) == 14
    logs = [commands.folder / "run" / name for name in (*state["logs"], "args.json")]
    before = [(log.read_bytes(), log.stat().st_mtime_ns) for log in logs]
    for file, content in forgeries:
        original = file.read_bytes()
        forge(file, content)
        refused = commands.run("train.py", "-df", "run", "--max_global_steps", "220", code=2)
        assert_one_line(refused.stderr, "checkpoints/200")
        assert [(log.read_bytes(), log.stat().st_mtime_ns) for log in logs] == before
        forge(file, original)
    assert not (commands.folder / "exploded").exists()
    commands.run("train.py", "-df", "run", "--max_global_steps", "220")


@pytest.mark.slow
def test_ctrl_c_during_the_start_leaves_no_process(commands):
    for delay in (0.05, 0.3, 1.0, 2.0):
        process = commands.start("train.py", "-df", "run", *ENDLESS)
        time.sleep(delay)
        interrupt(process)
        _, error = process.communicate(timeout=TIMEOUT_S)
        # A signal while Python itself starts gives a traceback; while Python imports `site`, the exit code is 1.
        assert process.returncode in (0, 130, -signal.SIGINT) or "init_import_site" in error, error
        assert not re.search(r'train\.py", line \d+, in main', error), error
        wait_for(lambda process=process: group_members(process) == [])
