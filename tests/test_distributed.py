"""One training in several processes on this machine."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import launch as launch_script
import numpy as np
import pytest
import tensorflow as tf
from launch import environments

from experiments.trainings import Trainings
from paac.cli.command_line import typed_options
from paac.cli.errors import UserError
from paac.cli.options import TrainOptions
from paac.processes import Processes
from paac.training import tf_config
from paac.training.distributed import SeveralProcesses, _pack, _unpack, processes_from_tf_config
from paac.training.run_folder import RunFolder
from paac.training.tf_config import configs_on_this_machine
from tests.helpers import ROOT
from tests.helpers.commands import TIMEOUT_S, as_from_a_terminal, group_members, interrupt, wait_for
from tests.helpers.runs import assert_same_weights, episodes, newest_step, points, wait_for_checkpoint, weights

SHORT = ["-g", "Catcher-v0", "--max_episode_frames", "60", "--seed", "5", "-ew", "1"]
HALF, WHOLE = ["-ec", "2", "--shards", "1"], ["-ec", "4", "--shards", "2"]  # for each of two processes, for one


def test_all_processes_get_the_folder_of_the_game_and_the_threads_of_a_preset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = []
    monkeypatch.setattr("launch.train", lambda variables, arguments: started.append(arguments))
    Path("two.json").write_text('{"options": {"op_threads": 2}}')
    for typed in (["-g", "breakout"], ["-g", "breakout", "-df", "typed", "--preset", "two.json"]):
        with pytest.raises(SystemExit):
            launch_script.main(["--", *typed, "-ew", "1"])
    given = [typed_options(TrainOptions, arguments, "") for arguments in started]
    assert [options["debugging_folder"] for options in given] == ["logs/breakout", "typed"]
    assert [options["op_threads"] for options in given] == [1, 2], "only the first process reads a preset"


def launch(commands, *arguments: str, processes: str = "2", code: int = 0):
    return commands.run_alone("script/launch.py", "--processes", processes, "--", *arguments, code=code)


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [["--max_repetition", "2", "--nb_choices", "3"], ["--arch", "LSTM"], ["--arch", "BAYESIAN"]],
    ids=["FiGAR", "LSTM", "BAYESIAN"],
)
def test_two_processes_learn_what_one_with_all_emulators_learns(commands, network):
    launch(commands, "-df", "two", *SHORT, *HALF, *network, "--max_global_steps", "200")
    commands.run("train.py", "-df", "one", *SHORT, *WHOLE, *network, "--max_global_steps", "200")
    two, one = commands.folder / "two", commands.folder / "one"
    assert episodes(two) == episodes(one) != []
    mine, theirs = weights(two), weights(one)
    assert mine.keys() == theirs.keys()
    for name in mine:  # the same numbers are summed in another order
        np.testing.assert_allclose(mine[name], theirs[name], atol=1e-6, err_msg=name)
    assert points(two, "rl/reward") == points(one, "rl/reward")
    assert points(two, "parameters/lr") == points(one, "parameters/lr")


@pytest.mark.slow
def test_several_processes_stop_and_resume_exactly(commands):
    arguments = [*SHORT, *HALF, "--arch", "LSTM", "--max_repetition", "1", "--nb_choices", "2"]
    launch(commands, "-df", "whole", *arguments, "--max_global_steps", "160")
    launch(commands, "-df", "parts", *arguments, "--max_global_steps", "80")
    resumed = launch(commands, "-df", "parts", "--max_global_steps", "160")
    assert "Resuming at 80 decisions" in resumed.stdout and "start new episodes" not in resumed.stdout
    assert_same_weights(commands.folder / "whole", commands.folder / "parts")
    assert episodes(commands.folder / "whole") == episodes(commands.folder / "parts") != []
    other = launch(commands, "-df", "parts", "--max_global_steps", "280", processes="3")
    assert (
        "The emulators' states were saved by another number of processes: all emulators start new episodes"
        in other.stdout
    )
    alone = commands.run("train.py", "-df", "parts", "--max_global_steps", "320")
    assert "The emulators' states were saved by another number of processes" in alone.stdout
    steps = [int(step) for step, *_ in episodes(commands.folder / "parts")]
    assert steps == sorted(steps)


def children(process: subprocess.Popen) -> list[int]:
    """Return the ids of a launcher's training processes, sorted by rank."""
    found = Path(f"/proc/{process.pid}/task").iterdir()
    pids = {int(pid) for task in found for pid in (task / "children").read_text().split()}
    return sorted(pids, key=lambda pid: rank_of(pid))


def rank_of(pid: int) -> int:
    environment = Path(f"/proc/{pid}/environ").read_bytes().decode()
    return json.loads(re.search("TF_CONFIG=([^\0]*)", environment)[1])["task"]["index"]


@pytest.fixture
def running(commands):
    """A launcher of two processes that have saved once, and the ids of the two."""
    process = commands.start(
        *("script/launch.py", "--processes", "2", "--", "-df", "run", *SHORT, *HALF, "--checkpoint_interval", "200")
    )
    wait_for_checkpoint(process, commands.folder / "run", 200)
    pids = children(process)
    assert len(pids) == 2
    yield process, pids
    process.kill()
    process.communicate()
    for pid in pids:
        wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "number"), [("launcher", signal.SIGTERM), ("first", signal.SIGINT), ("second", signal.SIGTERM)]
)
def test_a_signal_to_any_process_stops_all_and_saves(commands, running, where, number):
    process, pids = running
    os.kill({"launcher": process.pid, "first": pids[0], "second": pids[1]}[where], number)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    (saved,) = re.findall(r"Saved at ([\d,]+) decisions", out)
    if where == "second":
        resumed = launch(commands, "-df", "run", "--max_global_steps", f"{int(saved.replace(',', '')) + 20}")
        assert f"Resuming at {saved} decisions" in resumed.stdout and "new episodes" not in resumed.stdout


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_all_and_the_same_command_resumes(commands, running, victim):
    process, pids = running
    os.kill(pids[victim], signal.SIGKILL)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1 and "another process of this run has ended" in err and "Traceback" not in err
    assert f"launch.py: process {victim}: train.py was ended by SIGKILL" in err
    if victim == 0:
        last = newest_step(commands.folder / "run") + 200
        resumed = launch(commands, "-df", "run", "--max_global_steps", str(last))
        assert f"Resuming at {last - 200:,} decisions" in resumed.stdout


# The first process saves for longer than TensorFlow waits for the heartbeats of a process.
TRAIN_WITH_LONG_SAVES = """
import time
import train
from paac.cli import entry_point
from paac.training.checkpoint_folder import CheckpointFolder

def write(self, *arguments, **keywords):
    if str(self.folder).startswith("run") and arguments[0] == 0:
        time.sleep(25)
    original(self, *arguments, **keywords)

original, CheckpointFolder.write = CheckpointFolder.write, write
entry_point.run(train.main)
"""


@pytest.mark.slow
def test_long_work_in_one_process_ends_none_and_one_that_hangs_ends_all(commands, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # the tests set it, users do not
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRAIN_WITH_LONG_SAVES, "-df", "run", *SHORT, *HALF],
            cwd=commands.folder,
            env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=as_from_a_terminal,
        )
        for environment in environments(2, "/gpu:0")
    ]
    try:
        episodes_csv = commands.folder / "run/episodes.csv"
        wait_for(lambda: episodes_csv.exists() and episodes_csv.read_text().count("\n") > 1)
        processes[1].send_signal(signal.SIGSTOP)
        _, error = processes[0].communicate(timeout=TIMEOUT_S)
        assert processes[0].returncode == 1
        assert "another process of this run has ended or does not answer" in error and error.count("\n") == 1
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    wait_for(lambda: not any(group_members(process) for process in processes))


def test_an_error_of_its_own_is_not_blamed_on_another_process():
    process = SeveralProcesses(0, ["a:1", "b:1"])
    full = "{{function_node x}} run/tf/events; No space left on device [Op:Flush]"
    own = tf.errors.ResourceExhaustedError(None, None, full)
    assert str(process.error_to_raise(own)) == "process 0: No space left on device"
    traced = "Graph execution error:\n\nDetected at node x defined at (most recent call last):\n  File y\n\nOOM [Op:z]"
    assert str(process.error_to_raise(tf.errors.InternalError(None, None, traced))) == "process 0: OOM"
    lost = tf.errors.UnavailableError(None, None, "Collective ops is aborted by: Socket closed")
    assert "another process of this run has ended" in str(process.error_to_raise(lost))


@pytest.mark.slow
def test_ctrl_c_at_the_terminal_counts_once(commands, running):
    process, _ = running
    interrupt(process)  # the group of the launcher; the training processes have groups of their own
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0 and "Saved at" in out, err


TASK = {"type": "worker", "index": 0}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "not valid JSON"),
        ([], "cluster must hold"),
        ({"cluster": {"worker": "a:1"}, "task": TASK}, "cluster must hold"),
        ({"cluster": {"worker": ["a:1"], "chief": ["b:1"]}, "task": TASK}, "cluster must hold"),
        ({}, "it lists no workers; unset it to train in one process"),
        ({"cluster": {}, "task": TASK}, "it lists no workers; unset it to train in one process"),
        ({"cluster": {"worker": ["a:1", "b"]}, "task": TASK}, "'b' must be HOST:PORT"),
        ({"cluster": {"worker": ["a:1", "b:70000"]}, "task": TASK}, "'b:70000' must be HOST:PORT"),
        ({"cluster": {"worker": ["a:1", "a:1"]}, "task": TASK}, "the same address"),
        ({"cluster": {"worker": ["a:1", "b:1"]}}, "task must be"),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "ps", "index": 0}}, "task must be"),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"index": 0}}, "task must be"),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}, "from 0 to 1"),
        ({"cluster": {"worker": ["a:1", "b:\u0663"]}, "task": TASK}, "must be HOST:PORT"),
        ({"cluster": {"worker": [["a:1"], {}]}, "task": TASK}, "must be HOST:PORT"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_an_invalid_tf_config_gives_one_line(config, message, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(UserError, match=f"TF_CONFIG: .*{message}"):
        processes_from_tf_config()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_process_that_waits_for_the_others(commands, number, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", configs_on_this_machine(2)[number == signal.SIGINT])
    process = commands.start("train.py", "-df", "run", *SHORT, *HALF)
    try:
        assert any("waits for all 2 processes" in line for line in process.stdout)
        process.send_signal(number)
        _, error = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert error == "\nStopped before the training began: there is nothing to save.\n"
    assert not (commands.folder / "run").exists()


def test_one_process_needs_no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert type(processes_from_tf_config()) is Processes
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}')
    assert type(processes_from_tf_config()) is Processes


def test_bad_arguments_give_one_line(commands):
    for typed, message in (
        ("--processes 0", "--processes 0"),
        ("--processes 257", "must be from 1 to 256"),
        ("-g pong", "type options of train.py after --, as in launch.py --processes 2 -- -g pong"),
        ("--processes 2 train.py", "type options of train.py after --"),
        ("--prozesses 2", "did you mean --processes?"),
        ("-- -g pang", "no game of that name"),
        ("-- --gama 1", "did you mean --gamma?"),
        ("-- -g Snake-v0 --protocol machado", "apply only to Atari games"),
    ):
        refused = commands.run("script/launch.py", *typed.split(), code=2)
        assert message in refused.stderr and refused.stderr.count("\n") == 1


def test_a_folder_in_use_is_refused_before_processes_start(commands):
    with RunFolder(commands.folder / "run").lock():
        refused = commands.run("script/launch.py", "--", "-df", "run", code=2)
    assert "is training there" in refused.stderr and refused.stderr.count("\n") == 1 and refused.stdout == ""


def test_each_process_gets_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in environments(2, "/gpu:0")] == ["3", "5"]
    assert environments(1, "/gpu:1")[0]["CUDA_VISIBLE_DEVICES"] == "5"
    with pytest.raises(UserError, match="--processes 3: each process needs its own GPU; --processes must be at most 2"):
        environments(3, "/gpu:0")
    assert "CUDA_VISIBLE_DEVICES" not in environments(3, "/cpu:0")[0]
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert "CUDA_VISIBLE_DEVICES" not in environments(2, "/gpu:0")[0]


def test_each_process_uses_the_only_gpu_that_it_sees(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    started = []
    monkeypatch.setattr("launch.train", lambda variables, arguments: started.append(arguments))
    for device in ("/gpu:1", "/cpu:0"):
        with pytest.raises(SystemExit):
            launch_script.main(["--", "-g", "Catcher-v0", "-d", device])
    devices = [typed_options(TrainOptions, arguments, "")["device"] for arguments in started]
    assert devices == ["/gpu:0", "/cpu:0"]


def test_the_number_of_workers_may_be_typed_in_any_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = []
    monkeypatch.setattr("launch.train", lambda variables, arguments: started.append(arguments))
    with pytest.raises(SystemExit):
        launch_script.main(["--", "-g", "Catcher-v0", "--emulator_workers=3"])
    assert typed_options(TrainOptions, started[0], "")["emulator_workers"] == 3


def test_launch_py_adds_no_number_of_workers_which_args_json_would_keep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = []
    monkeypatch.setattr("launch.train", lambda variables, arguments: started.append(arguments))
    with pytest.raises(SystemExit):
        launch_script.main(["--", "-g", "Catcher-v0", "-d", "/cpu:0"])
    assert "emulator_workers" not in typed_options(TrainOptions, started[0], "")


def test_a_process_that_a_signal_ends_is_named(monkeypatch, capsys):
    monkeypatch.setattr(Trainings, "train", lambda self, arguments, print_line, environment: -9 if print_line else 0)
    assert launch_script.train([{}, {}], []) == 1
    assert capsys.readouterr().err == "launch.py: process 1: train.py was ended by SIGKILL\n"


def test_a_port_in_use_is_not_chosen(monkeypatch):
    port = next(tf_config.free_ports())
    monkeypatch.setattr(tf_config, "PORTS", range(port, port + 1))
    with socket.create_server(("127.0.0.1", port)):
        assert list(tf_config.free_ports()) == []
    assert list(tf_config.free_ports()) == [port]


def test_addresses_differ_and_packed_files_are_unpacked_unchanged():
    (cluster,) = {json.dumps(json.loads(config)["cluster"]) for config in configs_on_this_machine(8)}
    assert len(set(json.loads(cluster)["worker"])) == 8
    files = {"a/b": b"1", "empty": b"", "c": bytes(range(256))}
    assert _unpack(_pack(files)) == files
