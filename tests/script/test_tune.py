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

from paac.cli.errors import UserError
from paac.cli.presets import read_preset
from paac.training.episodes import COLUMNS
from tests.helpers import ROOT
from tests.helpers.commands import TINY, assert_one_line, interrupt, wait_for
from tests.helpers.messages import message_of

optuna = pytest.importorskip("optuna", reason="optuna is not installed: pip install -r script/requirements-tune.txt")

import tune
from optuna.distributions import CategoricalDistribution, FloatDistribution

from experiments import trainings
from experiments.search import mean_score
from figures.study import draw_study
from paac.cli.options import resolve
from paac.training.run_folder import RunFolder

SPACE = {"lr": {"low": 0.001, "high": 0.1, "log": True}, "max_local_steps": [5, 10]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with the file space.json."""
    monkeypatch.chdir(tmp_path)
    Path("space.json").write_text(json.dumps(SPACE))
    return tmp_path


class Player:
    """Stands for train.py: an episode ends every 10 decisions with `score(options, step)`."""

    def __init__(self, score):
        self.score, self.line = score, "a line of train.py"
        self.started, self.codes, self.stop_at = [], {}, {}

    def train(self, search, arguments, print_line, stop_when):
        """Return an exit code: that in `codes`, else 0 at the end or, when it is stopped, at a checkpoint."""
        run = RunFolder(arguments[arguments.index("-df") + 1])
        options = run.load_options()
        self.started.append((run.path.name, options, arguments[2:]))
        print_line(self.line)
        if run.path.name in self.codes:
            return self.codes.pop(run.path.name)
        done, step = max(run.checkpoints.steps(), default=0), options.max_global_steps
        with run.episodes_csv.open("a") as file:
            if not done:
                print(*COLUMNS, sep=",", file=file)
            for step in range(done + 10, options.max_global_steps + 1, 10):
                print(step, step / 10, 0, self.score(options, step), 10, sep=",", file=file, flush=True)
                is_stopped = step == self.stop_at.get(run.path.name)
                if step % 100 == 0 and stop_when() or is_stopped:
                    search.stopping |= is_stopped
                    break
        (run.checkpoints.folder / str(step)).mkdir(parents=True)
        return 0


@pytest.fixture
def player(folder, monkeypatch):
    """The score rises with the learning rate, and with the decisions. No pictures are drawn."""
    monkeypatch.setattr("figures.study.draw_study", lambda *_: [])
    made = Player(lambda options, step: options.initial_lr * step)
    monkeypatch.setattr(
        trainings.Trainings,
        "train",
        lambda self, arguments, print_line, stop_when: made.train(self, arguments, print_line, stop_when),
    )
    return made


def search(*typed, study="s.db", steps="1000"):
    common = ["-g", "pong", "--space", "space.json", "--study", study, "--max_global_steps", steps, "--interval", "500"]
    return tune.main([*common, *typed])


def trials(study="s.db"):
    return optuna.load_study(study_name=None, storage=f"sqlite:///{study}").trials


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
        "steps": 1000,
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
    assert out.endswith("Train with these options: python3 train.py -df s_best --preset s/best.json\n")
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


def test_options_with_which_a_training_diverges_are_a_failed_trial_and_the_study_goes_on(player, capsys):
    player.codes["trial-1"] = 2
    player.line = "train.py: --initial_lr 0.1: loss or gradient became NaN or infinite at 20 decisions"
    search("--trials", "3")
    assert re.search(r"^ +1 +- .*  failed: train.py: --initial_lr 0.1: loss .*$", capsys.readouterr().out, re.M)
    assert [trial.state.name for trial in trials()] == ["COMPLETE", "PRUNED", "COMPLETE"]


def test_options_that_contradict_each_other_are_a_failed_trial_and_the_study_goes_on(player, capsys):
    Path("space.json").write_text('{"max_repetition": [0, 4], "nb_choices": [5]}')
    search("--trials", "4")
    states = {trial.params["max_repetition"]: trial.state.name for trial in trials()}
    assert states == {0: "PRUNED", 4: "COMPLETE"}
    assert "failed: --nb_choices 5: at most --max_repetition + 1" in capsys.readouterr().out


def test_a_trial_that_was_stopped_while_it_was_created_gets_the_values_that_it_lacks(player):
    search("--trials", "1")
    study = optuna.load_study(study_name=None, storage="sqlite:///s.db")
    study.ask({"initial_lr": FloatDistribution(0.001, 0.1, log=True)})
    search("--trials", "2")
    assert player.started[-1][0] == "trial-1" and set(trials()[1].params) == {"initial_lr", "max_local_steps"}


def test_a_study_beside_a_run_of_the_same_name_is_refused(player):
    RunFolder("s").save_options(resolve({}))
    with pytest.raises(UserError, match=r"^--study s.db: s, the folder of its trials, is a run; name another file$"):
        search("--trials", "1")


def test_without_an_episode_there_is_no_score_and_the_search_has_failed(player, capsys):
    player.score = lambda options, step: 1 / 0
    with pytest.raises(SystemExit) as ended:
        search("--trials", "1", steps="9")
    assert ended.value.code == 1 and "failed: no episode has ended" in capsys.readouterr().out
    assert not Path("s/best.json").exists() and not Path("s/slice.png").exists()


@pytest.mark.parametrize("code", [1, 2, -9])
def test_a_training_that_fails_for_another_reason_stops_the_study_and_is_tried_again(code, player, capsys):
    player.codes["trial-1"] = code
    with pytest.raises(SystemExit) as end:
        search("--trials", "2")
    assert end.value.code == 1
    reason = "its process was ended by SIGKILL" if code == -9 else "a line of train.py"
    assert capsys.readouterr().err == f"trial 1 failed: {reason}\nRun the same command to try again.\n"
    assert len(trials()) == 2
    search("--trials", "2")
    assert [trial.state.name for trial in trials()] == ["COMPLETE"] * 2


def test_several_trials_run_at_the_same_time(player):
    search("--trials", "4", "--jobs", "2")
    assert sorted(trial.number for trial in trials()) == list(range(4))
    assert {trial.state.name for trial in trials()} == {"COMPLETE"}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--gamma", "0.9"], "--study s.db: was started with no gamma, and now there is gamma 0.9; type the same"),
        (
            ["--seed", "2"],
            "--study s.db: was started with seed 1, and now there is seed 2; type the same options, or name",
        ),
        (["--interval", "7"], "--study s.db: was started with interval 500, and now there is interval 7; "),
        (
            ["--max_global_steps", "2000"],
            "--study s.db: was started with max_global_steps 1000, and now there is max_global_steps 2000",
        ),
    ],
)
def test_a_study_with_other_options_is_refused(typed, message, player):
    search("--trials", "1")
    with pytest.raises(UserError) as error:
        search("--trials", "1", *typed)
    assert message_of(error).startswith(message)


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


def test_after_an_error_of_one_job_the_other_starts_no_more_trials(player, monkeypatch):
    def fail_in_the_first(search, trial):
        if trial.number == 0:
            raise MemoryError("too little")
        wait_for(lambda: search._failures)  # of the other job
        search.study.tell(trial, 1.0)

    monkeypatch.setattr("experiments.search.Search._run_trial", fail_in_the_first)
    with pytest.raises(MemoryError):
        search("--trials", "9", "--jobs", "2")
    assert len(trials()) <= 2


def test_a_file_that_is_not_a_study_and_a_folder_of_another_search_are_refused(player, capsys):
    Path("text.db").write_text("This is not a database." * 100)
    for study, message in [("text.db", "cannot be opened ("), ("s.sqlite", "its name must end with .db")]:
        with pytest.raises(UserError) as error:
            search(study=study)
        assert message_of(error).startswith(f"--study {study}: {message}")
    search("--trials", "1")
    Path("s.db").unlink()
    with pytest.raises(SystemExit):
        search("--trials", "1")
    assert "s/trial-0 is a run of another search; move it away" in capsys.readouterr().err


def test_errors_are_reported_before_anything_is_written(player):
    for typed, message in [
        (["-g", "pang"], "-g pang: there is no game"),
        (["--trials", "0"], "--trials 0: must be 1 or more"),
        (["--rom_path", "gone"], "--rom_path gone: no such folder"),
        (["--preset", "nope"], "--preset nope: no such preset"),
    ]:
        with pytest.raises(ValueError) as error:
            search(*typed)
        assert message_of(error).startswith(message)
    assert [path.name for path in Path().iterdir()] == ["space.json"]


def test_a_missing_optuna_is_one_line_with_the_command_that_installs_it(folder, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="^optuna is not installed; run pip install -r script/requirements-tune.txt$"):
        tune.main(["-g", "pong"])


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
    """Three trainings of 2000 decisions; Ctrl+C stops the second one."""
    (commands.folder / "space.json").write_text(json.dumps(SPACE))
    command = ["script/tune.py", "-g", "Catcher-v0", "--space", "space.json", "--study", "s.db", "--trials", "3"]
    command += ["--max_global_steps", "2000", "--max_episode_frames", "60", *TINY]
    study = commands.start(*command)
    episodes = commands.folder / "s/trial-1/episodes.csv"
    wait_for(lambda: episodes.exists() and episodes.stat().st_size > 99)
    interrupt(study)
    out, err = study.communicate(timeout=120)
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
