"""Tests of tune.py: the trials of a study, stopping and resuming it, and its results."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from paac.cli.presets import read_preset
from tests.helpers import ROOT
from tests.helpers.commands import TIMEOUT_S, TINY, assert_one_line, interrupt, wait_for
from tests.helpers.search import SPACE, search, trials

optuna = pytest.importorskip("optuna", reason="optuna is not installed: pip install -r script/requirements-tune.txt")

from optuna.distributions import CategoricalDistribution, FloatDistribution

from experiments import trainings
from experiments.search import mean_score
from figures.study import draw_study
from paac.training.run_folder import RunFolder


def test_a_study_finds_good_options_and_writes_them_as_a_preset_that_a_training_takes(player, capsys):
    search("--trials", "12", "--gamma", "0.9", "--seed", "3", "-ew", "1")
    done = trials()
    assert len(done) == 12 and done[0].params == {"initial_lr": 0.0224, "max_local_steps": 5}, "the defaults first"
    best = max(done, key=lambda trial: trial.values[0])
    assert best.params["initial_lr"] > 0.05 and best.value > done[0].value
    assert best.value == pytest.approx(best.params["initial_lr"] * (1000 - 49 * 10 / 2)), "the last 50 episodes"
    preset = json.loads(Path("s/best.json").read_text())
    assert preset["options"] == {"game": "pong", "gamma": 0.9, **best.params}
    assert preset["about"] == {
        "decisions": 1000,
        "score": best.value,
        "seeds": [3 + best.number],
        "source": f"trial {best.number} of 12 in s.db",
    }
    assert read_preset(Path("s/best.json")) == preset["options"]
    names, options, arguments = zip(*player.started, strict=True)
    assert names == tuple(f"trial-{number}" for number in range(12))
    assert [one.random_seed for one in options] == list(range(3, 15))
    assert {(one.game, one.gamma, one.max_global_steps) for one in options} == {("pong", 0.9, 1000)}
    assert set(map(tuple, arguments)) == {("--emulator_workers", "1")}
    out = capsys.readouterr().out
    assert re.search(rf"^ +{best.number} .* {best.params['initial_lr']:.4g} .*  finished$", out, re.M), out
    assert out.endswith(
        "Train with these options: python3 train.py -df s_best --preset s/best.json --max_global_steps 1000\n"
    )
    assert Path("s/trial-0/train.log").read_text() == "a line of train.py\n"


def test_the_first_trial_has_the_options_of_the_preset_and_the_others_search(player):
    search("--preset", "breakout", "--trials", "2", "-g", "pong")
    assert trials()[0].params["max_local_steps"] == 5, "the preset's learning rate is outside the space"
    Path("space.json").write_text(json.dumps({"lr": {"low": 1e-4, "high": 0.1, "log": True}}))
    search("--preset", "breakout", "--trials", "2", study="b.db")
    rates = [trial.params["initial_lr"] for trial in trials("b.db")]
    assert rates[0] == 0.0007 != rates[1]
    assert {options.e for _, options, _ in player.started} == {1e-8}


def test_pictures_of_a_study_are_drawn_when_two_trials_have_finished(folder):
    study = optuna.create_study(direction="maximize")
    for count in range(2):
        assert draw_study(study, folder) == []
        values = {"initial_lr": 0.01 + count, "arch": "NIPS"}
        lr, arch = FloatDistribution(0.001, 2.0, log=True), CategoricalDistribution(["NIPS", "PWYX"])
        trial = optuna.trial.create_trial(params=values, distributions={"initial_lr": lr, "arch": arch}, value=count)
        study.add_trial(trial)
    names = ["history.png", "importances.png", "slice.png"]
    assert [file.name for file in draw_study(study, folder)] == names
    assert all((folder / name).read_bytes()[:4] == b"\x89PNG" for name in names)


@pytest.mark.slow
def test_a_study_that_goes_on_tries_the_same_values_as_one_that_was_never_stopped(player, capsys):
    search("--trials", "12", study="whole.db")
    player.started.clear()
    player.stop_at["trial-3"] = 600
    search("--trials", "12", study="parts.db")
    assert capsys.readouterr().out.endswith("Run the same command to resume.\n")
    assert [trial.state.name for trial in trials("parts.db")] == ["COMPLETE"] * 3 + ["RUNNING"]
    player.stop_at.clear()
    search("--trials", "6", study="parts.db")
    assert "[trial 3] resumes" in capsys.readouterr().out
    search("--trials", "12", study="parts.db")
    assert [name for name, *_ in player.started].count("trial-3") == 2
    whole, parts = trials("whole.db"), trials("parts.db")
    assert [trial.params for trial in parts] == [trial.params for trial in whole]
    assert [trial.values for trial in parts] == [trial.values for trial in whole]
    assert [trial.intermediate_values for trial in parts] == [trial.intermediate_values for trial in whole]
    player.started.clear()
    search("--trials", "12", study="parts.db")
    assert player.started == [], "a finished study only shows its results"


@pytest.mark.slow
def test_a_trial_below_the_median_is_pruned_and_its_training_ends_early(player, capsys):
    player.score = lambda options, step: -1.0 if options.random_seed in (8, 9) else options.random_seed
    search("--trials", "10", "--interval", "100")
    states = [trial.state.name for trial in trials()]
    assert states == ["COMPLETE"] * 7 + ["PRUNED"] * 2 + ["COMPLETE"]
    assert max(trials()[7].intermediate_values) == 300, "after three tenths"
    assert re.search(r"^ +7 +-1.00 +300 .*  pruned$", capsys.readouterr().out, re.M)
    assert RunFolder("s/trial-7").checkpoints.steps()[-1] < 1000
    player.score = lambda options, step: -options.random_seed
    search("--trials", "7", "--no-prune", study="all.db")
    assert {trial.state.name for trial in trials("all.db")} == {"COMPLETE"}


def test_a_trial_that_was_stopped_while_it_was_created_gets_the_values_that_it_lacks(player):
    search("--trials", "1")
    study = optuna.load_study(study_name=None, storage="sqlite:///s.db")
    study.ask({"initial_lr": FloatDistribution(0.001, 0.1, log=True)})
    search("--trials", "2")
    assert player.started[-1][0] == "trial-1" and set(trials()[1].params) == {"initial_lr", "max_local_steps"}


def test_several_trials_run_at_the_same_time(player):
    search("--trials", "4", "--jobs", "2")
    assert sorted(trial.number for trial in trials()) == list(range(4))
    assert {trial.state.name for trial in trials()} == {"COMPLETE"}


def test_a_renamed_study_goes_on(player):
    search("--trials", "1")
    Path("s.db").rename("t.db")
    Path("s").rename("t")
    search("--trials", "2", study="t.db")
    assert [name for name, *_ in player.started] == ["trial-0", "trial-1"]


def test_a_training_that_something_else_stops_is_resumed_by_the_same_command(player, capsys):
    player.codes["trial-1"] = 0  # as after a signal: train.py has saved, and ended early
    search("--trials", "2")
    assert capsys.readouterr().out.endswith("Run the same command to resume.\n")
    search("--trials", "2")
    assert [trial.state.name for trial in trials()] == ["COMPLETE"] * 2


def test_the_score_is_the_mean_of_the_last_50_episodes_until_a_step():
    import numpy as np

    table = SimpleNamespace(steps=np.arange(1, 101), rewards=np.arange(100.0))
    assert mean_score(table, 0) is None
    assert (mean_score(table, 1), mean_score(table, 60), mean_score(table, 10**6)) == (0.0, 34.5, 74.5)


def test_the_search_itself_does_not_import_tensorflow():
    code = "import sys, tune, experiments.search, figures.study\nassert not {'tensorflow', 'keras'} & set(sys.modules)"
    path = os.pathsep.join(map(str, (ROOT, ROOT / "script")))
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, check=True)


def test_a_training_is_stopped_as_soon_as_its_condition_holds(tmp_path, monkeypatch):
    script = tmp_path / "train.py"
    script.write_text(
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(trainings, "TRAIN", script)
    monkeypatch.setattr(trainings, "CHECK_S", 0.05)
    ready = tmp_path / "ready"
    assert trainings.Trainings().train([str(ready)], stop_when=ready.exists) == 7
    script.write_text("")
    assert trainings.Trainings().train([], print, stop_when=lambda: False) == 0


@pytest.mark.slow
def test_a_real_study_is_stopped_and_resumed(commands):
    """Three trainings of 6000 decisions; Ctrl+C stops the second one."""
    (commands.folder / "space.json").write_text(json.dumps(SPACE))
    command = ["script/tune.py", "-g", "Catcher-v0", "--space", "space.json", "--study", "s.db", "--trials", "3"]
    command += ["--max_global_steps", "6000", "--max_episode_frames", "60", *TINY]
    study = commands.start(*command)
    episodes = commands.folder / "s/trial-1/episodes.csv"
    wait_for(lambda: episodes.exists() and episodes.stat().st_size > 99)
    interrupt(study)
    out, err = study.communicate(timeout=TIMEOUT_S)
    assert study.returncode == 0 and out.endswith("Run the same command to resume.\n"), (out, err)
    assert re.search(r"^ +0 .*  finished$", out, re.M) and re.search(r"^ +1 .*  stopped$", out, re.M), out
    resumed = commands.run_alone(*command)
    assert "[trial 1] resumes" in resumed.stdout and resumed.stderr == ""
    assert len(re.findall(r"^ +\d .*  finished$", resumed.stdout, re.M)) == 3, resumed.stdout
    with episodes.open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert steps == sorted(set(steps))
    refused = commands.run_alone(*command, "--gamma", "0.5", code=2)
    assert_one_line(refused.stderr, "--study s.db: was started with no gamma, and now there is gamma 0.5")
