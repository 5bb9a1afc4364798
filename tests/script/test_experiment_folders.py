"""Tests of the folders in which batchTrain.py trains: which are new, and which are used again."""

import json
import os
from pathlib import Path

import pytest

from experiments.folder import create_experiment, open_experiments, run_status
from experiments.plan import PlannedRun, read_plan
from paac.cli.args_json import save_options
from paac.training.episodes import COLUMNS
from paac.training.run_folder import RunFolder
from tests.script.test_batch import SHORT, write

DATE = "2026-11-26"


@pytest.fixture
def batch(tmp_path, monkeypatch):
    """Two experiments with the same files, in a folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "toTrain", {"one/pong.json": SHORT, "two/pong.json": SHORT})


def opened(folder: str | Path = "toTrain", date: str = DATE) -> list[str]:
    """The names of the experiments' folders."""
    return [experiment.folder.name for experiment in open_experiments(Path("logs"), read_plan(Path(folder)), date)]


def create(folder: str | Path = "toTrain", date: str = DATE) -> None:
    for experiment in open_experiments(Path("logs"), read_plan(Path(folder)), date):
        create_experiment(experiment)


def finish(run: str) -> None:
    """Pretend that the run in logs/ has reached its last step."""
    last_step = RunFolder(f"logs/{run}").load_options().max_global_steps
    Path(f"logs/{run}/checkpoints/{last_step}").mkdir(parents=True)


def test_each_sub_folder_has_a_folder_with_the_date_and_its_name(batch):
    write(batch, {"one/deep/pong.json": SHORT, "pong.json": SHORT})
    assert opened() == [f"{DATE}-one", f"{DATE}-toTrain", f"{DATE}-two"] and not Path("logs").exists()
    create()
    runs = sorted(str(file.parent) for file in Path("logs").rglob("args.json"))
    assert runs == [f"logs/{DATE}-{run}" for run in ("one/deep-pong", "one/pong", "toTrain/pong", "two/pong")]
    for run in map(RunFolder, runs):
        assert run.load_options().debugging_folder == str(run)


def test_the_same_files_use_their_folder_again_on_another_day(batch):
    create()
    assert opened(date="2027-01-01") == [f"{DATE}-one", f"{DATE}-two"]
    assert opened("toTrain/two", "2027-01-01") == [f"{DATE}-two"]


def test_another_plan_gets_a_folder_with_a_number(batch):
    create()
    for number in range(2, 12):
        write(batch, {"one/pong.json": SHORT | {"random_seed": number}})
        assert opened() == [f"{DATE}-one-{number}", f"{DATE}-two"]
        create()
    write(batch, {"one/pong.json": SHORT})
    assert opened() == [f"{DATE}-one", f"{DATE}-two"]


def test_a_folder_that_is_no_experiment_is_not_used(batch):
    Path(f"logs/{DATE}-one").mkdir(parents=True)
    Path(f"logs/{DATE}-one-2").symlink_to("nowhere")
    Path(f"logs/{DATE}-two").mkdir()
    Path(f"logs/{DATE}-two/experiment.json").write_text("[")
    assert opened() == [f"{DATE}-one-3", f"{DATE}-two-2"]


def test_experiments_whose_names_end_with_a_number_keep_their_own_folders(batch):
    write(batch, {"one-2/pong.json": SHORT})
    Path(f"logs/{DATE}-one").mkdir(parents=True)
    folders = [f"{DATE}-one-2", f"{DATE}-one-2-2", f"{DATE}-two"]
    assert opened() == folders
    create()
    assert opened() == folders and opened("toTrain/one-2") == [f"{DATE}-one-2-2"]


def test_finished_experiments_are_kept_until_all_are_finished(batch):
    create()
    finish(f"{DATE}-one/pong")
    assert opened() == [f"{DATE}-one", f"{DATE}-two"]
    finish(f"{DATE}-two/pong")
    assert opened() == [f"{DATE}-one-2", f"{DATE}-two-2"]
    create()
    assert opened() == [f"{DATE}-one-2", f"{DATE}-two-2"]
    finish(f"{DATE}-two-2/pong")
    assert opened() == [f"{DATE}-one-2", f"{DATE}-two-2"]


def test_malformed_files_of_an_old_experiment_stop_no_batch(batch):
    create()
    Path(f"logs/{DATE}-one/pong/episodes.csv").write_text(",".join(COLUMNS) + "\n1,2\nx\n")
    Path(f"logs/{DATE}-two/pong/args.json").write_text("[" * 100_000)
    os.mkfifo(f"logs/{DATE}-two/pong/episodes.csv")
    for number, content in enumerate(["[" * 100_000, '{"a": 1, "a": 2}', None]):
        file = Path(f"logs/{DATE}-one-{number}/experiment.json")
        file.parent.mkdir()
        file.write_text(content) if content else os.mkfifo(file)
    names = [f"{DATE}-one", f"{DATE}-two"]
    assert opened() == names
    for experiment in open_experiments(Path("logs"), read_plan(batch), DATE):
        (planned,) = experiment.plan
        status = run_status(RunFolder(experiment.folder / planned.name), planned)
        assert (status.step, status.last_step, status.hours, status.score) == (0, 80_000_000, 0.0, None)


def save_as_earlier_version(folder: Path, plan: list[PlannedRun]) -> None:
    """Write the files of an experiment as earlier versions did: all sub-folders in one folder, with other names."""
    names = [planned.label.replace("/", "-") for planned in plan]
    for name, planned in zip(names, plan, strict=True):
        (folder / name).mkdir(parents=True)
        save_options(planned.options, folder / name / "args.json")
    runs = {name: planned.values for name, planned in zip(names, plan, strict=True)}
    (folder / "experiment.json").write_text(json.dumps(runs))


def test_an_unfinished_experiment_of_an_earlier_version_is_resumed(batch):
    folder = Path("logs/2026-11-24-101500-experiment")
    save_as_earlier_version(folder, read_plan(batch))
    (experiment,) = open_experiments(Path("logs"), read_plan(batch), DATE)
    assert experiment.folder == folder and [run.name for run in experiment.plan] == ["one-pong", "two-pong"]
    before = (folder / "experiment.json").read_bytes()
    create_experiment(experiment)
    assert (folder / "experiment.json").read_bytes() == before
    assert opened("toTrain/one") == [f"{DATE}-one"]
    for run in experiment.plan:
        finish(f"{folder.name}/{run.name}")
    assert opened() == [f"{DATE}-one", f"{DATE}-two"]


def test_the_plan_names_all_folders_and_a_locked_one_is_refused(commands, batch):
    planned = commands.run("script/batchTrain.py", "--dry_run").stdout
    assert planned.count("1 run in the new experiment logs/") == 2 and planned.count("one/pong: new; ") == 1
    create()
    with RunFolder(f"logs/{DATE}-two").lock():
        refused = commands.run("script/batchTrain.py", code=2)
    assert f"-d logs/{DATE}-two: process " in refused.stderr and refused.stderr.count("\n") == 1
