"""Tests of tune.py: options, files and trainings with which a search cannot go on."""

import re
from pathlib import Path

import pytest
import tune

from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.training.run_folder import RunFolder
from tests.helpers.commands import wait_for
from tests.helpers.messages import message_of
from tests.helpers.search import search, trials

pytest.importorskip("optuna", reason="optuna is not installed: pip install -r script/requirements-tune.txt")


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
    reason = "train.py was ended by SIGKILL" if code == -9 else "a line of train.py"
    assert capsys.readouterr().err == f"trial 1 failed: {reason}\nRun the same command to try again.\n"
    assert len(trials()) == 2
    search("--trials", "2")
    assert [trial.state.name for trial in trials()] == ["COMPLETE"] * 2


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
    for _ in range(2):  # the second search must not resume the run
        with pytest.raises(SystemExit):
            search("--trials", "1")
        assert "s/trial-0 is a run of another search; move it away" in capsys.readouterr().err
        assert not trials()


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
