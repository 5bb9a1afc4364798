"""Tests of batchTrain.py."""

import contextlib
import csv
import json
import re
import shutil
from pathlib import Path

import batchTrain
import pytest
from batchTrain import changed_options, state_before_training, without_folder

from experiments.plan import read_plan
from paac.training.run_folder import RunFolder
from tests.helpers.commands import TIMEOUT_S, interrupt, wait_for
from tests.helpers.runs import newest_step

SHORT = {"game": "Catcher-v0", "emulator_counts": 4, "emulator_workers": 2, "max_episode_frames": 60}


def write(folder: Path, files: dict) -> Path:
    for name, values in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(values if isinstance(values, str) else json.dumps(values))
    return folder


def experiments(commands) -> list[Path]:
    return sorted(file.parent for file in (commands.folder / "logs").glob("*/experiment.json"))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("saved the copy logs/x-one/pong/checkpoints_saved/400", "saved the copy checkpoints_saved/400"),
        ("Saved at 400 decisions in logs/x-one/pong", "Saved at 400 decisions"),
        ("pong: NIPS, seed 1, saved in logs/x-one/pong", "pong: NIPS, seed 1"),
        ("train.py: -df logs/x-one/pong: cannot be written", "train.py: -df logs/x-one/pong: cannot be written"),
        ("Saved at 400 decisions in logs/x-one/pong2", "Saved at 400 decisions in logs/x-one/pong2"),
    ],
)
def test_a_line_about_a_run_has_its_name_only_before_it(line, shown):
    assert without_folder(line, RunFolder("logs/x-one/pong")) == shown


def test_a_run_with_only_its_first_checkpoint_is_new(tmp_path):
    (planned,) = read_plan(write(tmp_path, {"toTrain/pong.json": {}}) / "toTrain")
    (tmp_path / "run/checkpoints/0").mkdir(parents=True)
    assert state_before_training(RunFolder(tmp_path / "run"), planned) == "new"
    (tmp_path / "run/checkpoints/1000").mkdir()
    assert state_before_training(RunFolder(tmp_path / "run"), planned) == "resumes from 1,000 decisions"


def test_a_line_says_at_once_that_a_training_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"toTrain/pong.json": {"max_global_steps": 20}})
    monkeypatch.setattr("experiments.trainings.Trainings.train", lambda *_: 0)
    batchTrain.main([])
    assert "[1/1 toTrain/pong] Starting train.py" in capsys.readouterr().out.splitlines()


def test_a_deleted_folder_and_a_signal_fail_their_run_and_not_the_others(tmp_path, monkeypatch, capsys):
    def train(_, arguments, print_line):
        folder = Path(arguments[1])
        if folder.name == "a":
            shutil.rmtree(folder)
        print_line(f"the last line of {folder.name}")
        return {"a": 1, "b": -9, "c": 0}[folder.name]

    monkeypatch.chdir(tmp_path)
    write(tmp_path, {f"toTrain/{name}.json": {} for name in "abc"})
    monkeypatch.setattr("experiments.trainings.Trainings.train", train)
    with pytest.raises(SystemExit) as ended:
        batchTrain.main([])
    shown = capsys.readouterr().out
    assert ended.value.code == 1 and "[3/3 toTrain/c] the last line of c" in shown
    assert re.search(
        r"toTrain/a .* failed: the last line of a\n.*toTrain/b .* failed: train.py was ended by SIGKILL\n", shown
    )


@pytest.mark.parametrize(("code", "state"), [(1, "failed: No space left"), (130, "stopped"), (-9, "stopped")])
def test_an_error_while_a_training_stops_is_a_failure(code, state, tmp_path, monkeypatch, capsys):
    def train(trainings, _, print_line):
        trainings.stop(2)
        print_line("No space left on device")
        return code

    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"toTrain/a.json": {}})
    monkeypatch.setattr("experiments.trainings.Trainings.train", train)
    with contextlib.suppress(SystemExit):
        batchTrain.main([])
    assert re.search(rf"^toTrain/a .* {state}", capsys.readouterr().out, re.M)


def test_all_errors_are_reported_before_any_training_starts(commands):
    write(commands.folder, {"toTrain/a.json": {"game": "pang"}, "toTrain/b.json": "{", "toTrain/c.json": SHORT})
    refused = commands.run("script/batchTrain.py", code=2)
    assert "a.json: " in refused.stderr and "b.json cannot be read" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert [path.name for path in commands.folder.iterdir()] == ["toTrain"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-f nowhere", "no such folder"),
        ("-f .", "no JSON file"),
        ("--jobs 0", "--jobs 0"),
        ("-t 0", "-t"),
        ("--ray=", "--ray '': must be HOST:PORT"),
        ("-f file", "-f file: that is a file; name a folder of JSON files"),
        ("--ray head", "--ray head: must be HOST:PORT"),
        ("--ray --gpus 1.5", "--gpus 1.5: must be from 0 to 1, or a whole number"),
        ("--gpus 1", "--gpus 1.0: has no effect without --ray"),
        ("--ray --jobs 2", "--jobs 2: has no effect with --ray"),
        ("--cpus 4", "--cpus 4.0: has no effect without --ray"),
    ],
)
def test_a_bad_argument_gives_a_one_line_error(commands, arguments, message):
    (commands.folder / "file").touch()
    refused = commands.run("script/batchTrain.py", *arguments.split(), code=2)
    assert message in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_failed_run_does_not_stop_the_others_and_is_tried_again(commands):
    """One run diverges and the others finish; the same command only tries the failed run again."""
    write(
        commands.folder,
        {
            "toTrain/a/bad.json": SHORT | {"max_global_steps": 400, "initial_lr": 1e30, "clip_norm_type": "ignore"},
            "toTrain/good.json": SHORT | {"max_global_steps": 400, "sweep": {"arch": ["NIPS", "BAYESIAN"]}},
        },
    )
    planned = commands.run("script/batchTrain.py", "--dry_run").stdout
    assert "a/bad: new; " in planned and "toTrain/good-arch=BAYESIAN: new; " in planned and not experiments(commands)
    failed = commands.run("script/batchTrain.py", "--jobs", "2", code=1)
    assert re.search(r"^a/bad .* failed: .*--initial_lr", failed.stdout, re.M)
    assert re.search(r"^toTrain/good-arch=NIPS +400 .* finished$", failed.stdout, re.M)
    assert "1 of 3 runs failed" in failed.stderr
    folders = experiments(commands)
    assert [re.sub(r"^\d{4}-\d\d-\d\d-", "", path.name) for path in folders] == ["a", "toTrain"]
    contents = [{path.name for path in folder.iterdir()} for folder in folders]
    files = {".lock", "experiment.json"}
    assert contents == [files | {"bad"}, files | {"good-arch=NIPS", "good-arch=BAYESIAN"}]
    folder = folders[1]
    assert "Saved at 400 decisions" in (folder / "good-arch=NIPS/train.log").read_text()
    kept = folder / "good-arch=NIPS/checkpoints_saved/400"
    tested = commands.run("test.py", "-f", str(kept), "-tc", "2")
    assert "Performed 2 tests for Catcher-v0." in tested.stdout
    again = commands.run("script/batchTrain.py", code=1)
    assert experiments(commands) == folders and "BAYESIAN] Saved" not in again.stdout


@pytest.mark.slow
def test_ctrl_c_saves_the_running_training_and_the_same_command_resumes(commands):
    write(
        commands.folder, {f"toTrain/{name}.json": SHORT | {"max_global_steps": 10**9} for name in ("first", "second")}
    )
    batch = commands.start("script/batchTrain", "-f", "toTrain", "-d", "logs")
    wait_for(
        lambda: [path for path in (commands.folder / "logs").glob("*/first/episodes.csv") if path.stat().st_size > 99]
    )
    interrupt(batch)
    out, err = batch.communicate(timeout=TIMEOUT_S)
    assert batch.returncode == 0, err
    assert "Finishing the update and saving" in out and "again to quit at once" in out
    assert re.search(r"^toTrain/first +([\d,]+) .* stopped$", out, re.M)
    assert re.search(r"^toTrain/second +0 .* not started$", out, re.M)
    (folder,) = experiments(commands)
    (saved,) = (folder / "first/checkpoints").glob("[1-9]*")
    for name in ("first", "second"):
        args = folder / name / "args.json"
        if args.exists():
            args.write_text(args.read_text().replace("1000000000", str(int(saved.name) + 40)))
    resumed = commands.run("script/batchTrain.py")
    assert f"Resuming at {int(saved.name):,} decisions" in resumed.stdout and experiments(commands) == [folder]
    assert re.search(r"^toTrain/second .* finished$", resumed.stdout, re.M)
    steps = [int(row["step"]) for row in csv.DictReader((folder / "first/episodes.csv").open())]
    assert steps == sorted(steps) and len(steps) > 1
    commands.run("script/batchTrain.py", "--dry_run")
    write(commands.folder, {"toTrain/second.json": SHORT | {"gamma": 0.5}})
    assert "second: new" in commands.run("script/batchTrain.py", "--dry_run").stdout


@pytest.mark.slow
def test_killing_the_batch_ends_its_trainings(commands):
    write(commands.folder, {"toTrain/only.json": SHORT | {"max_global_steps": 10**9, "checkpoint_interval": 200}})
    batch = commands.start("script/batchTrain.py")
    wait_for(lambda: any(newest_step(run) >= 200 for run in commands.folder.glob("logs/*/only")))
    (folder,) = experiments(commands)
    trainer = int((folder / "only/.lock").read_text())
    batch.kill()
    batch.communicate()
    wait_for(lambda: not Path(f"/proc/{trainer}").exists())
    assert "only: resumes from" in commands.run("script/batchTrain.py", "--dry_run").stdout


def test_the_plan_shows_only_what_the_files_set(tmp_path):
    write(tmp_path, {"a.json": {"gamma": 0.5, "arch": "NIPS", "df": "x"}, "b.json": {}})
    assert [changed_options(planned) for planned in read_plan(tmp_path)] == ["game pong, gamma 0.5", "game pong"]


@pytest.mark.slow
def test_a_second_batch_in_the_same_experiment_is_refused(commands):
    write(commands.folder, {"toTrain/only.json": SHORT | {"max_global_steps": 10**9, "checkpoint_interval": 200}})
    batch = commands.start("script/batchTrain.py")
    wait_for(lambda: any(newest_step(run) >= 200 for run in commands.folder.glob("logs/*/only")))
    refused = commands.run("script/batchTrain.py", code=2)
    assert f"process {batch.pid} is training there" in refused.stderr and refused.stderr.count("\n") == 1
    interrupt(batch)
    out, err = batch.communicate(timeout=TIMEOUT_S)
    assert batch.returncode == 0 and re.search(r"^toTrain/only +[\d,]+ .* stopped$", out, re.M), (out, err)
