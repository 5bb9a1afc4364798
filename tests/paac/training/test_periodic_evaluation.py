"""Evaluations during a training, which do not affect it, and the best agent that they found."""

import csv
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from emulators import find_game
from paac.cli.command_line import typed_options
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve
from paac.training import periodic_evaluation, recorder
from paac.training.checkpoint_folder import CheckpointFolder
from paac.training.episodes import EpisodeTracker
from paac.training.find_runs import find_runs, resolve_run_options
from paac.training.loop import train
from paac.training.periodic_evaluation import Evaluation, is_evaluation_due
from paac.training.run_folder import RunFolder
from paac.training.state import TrainingState
from tests.helpers.runs import assert_same_weights, episodes, points, weights

# An update is 4 emulators x 5 decisions = 20 decisions. Episodes are short, so that many end.
SHORT = ["-g", "Catcher-v0", "--seed", "3", "--max_episode_frames", "60", "-ec", "4", "-ew", "1"]
EVALUATED = ["--eval_interval", "40", "--eval_episodes", "3"]
FIGAR = ["--max_repetition", "4", "--nb_choices", "3"]


def run(folder, steps, *arguments, stop=False):
    """Train as train.py does, in this process, with a checkpoint every 60 decisions."""
    argv = ["-df", str(folder), "--max_global_steps", str(steps), "--checkpoint_interval", "60", *SHORT, *arguments]
    options, _ = resolve_run_options(typed_options(Options, argv, ""))
    train(options, find_game(options.game), SimpleNamespace(requested=stop))


def evaluations(folder):
    """Return the rows of evaluations.csv without the column of seconds."""
    with (folder / "evaluations.csv").open() as file:
        return [
            {name: float(value) for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]


def best_agents(folder):
    return RunFolder(folder / "best").checkpoints.steps()


def kill_before_the_checkpoint(folder, step):
    """Leave the folder as a kill does that comes just before the checkpoint of `step` is written."""
    shutil.rmtree(folder / "checkpoints" / str(step))


@pytest.fixture
def scores(monkeypatch):
    """Let the mean scores of the evaluations, by step, be those of the returned dictionary."""
    means = {}

    def evaluate(network, game, options, state):
        return Evaluation(state.global_step, state.seconds, 3, means[state.global_step], 0.5, 0.0, 1.0)

    monkeypatch.setattr(recorder, "evaluate", evaluate)
    return means


@pytest.mark.parametrize(
    ("interval", "step", "due"),
    [(0, 100, False), (40, 40, True), (40, 60, False), (30, 100, True), (7, 20, True)],
)
def test_an_evaluation_is_due_when_an_interval_has_ended(interval, step, due):
    options = resolve({"eval_interval": interval, "random_seed": 1})
    assert is_evaluation_due(options, step, decisions=20) is due


@pytest.mark.parametrize(
    "arguments", [pytest.param(["--arch", "LSTM", *FIGAR], marks=pytest.mark.slow), ["--arch", "BAYESIAN"]]
)
def test_evaluations_do_not_affect_the_training_nor_a_resume(tmp_path, arguments):
    run(tmp_path / "without", 120, *arguments)
    run(tmp_path / "whole", 120, *EVALUATED, *arguments)
    run(tmp_path / "parts", 100, *EVALUATED, *arguments)
    kill_before_the_checkpoint(tmp_path / "parts", 100)
    run(tmp_path / "parts", 120)  # from the checkpoint at 60
    for other in ("whole", "parts"):
        assert_same_weights(tmp_path / "without", tmp_path / other)
        assert episodes(tmp_path / "without") == episodes(tmp_path / other) != []
    rows = evaluations(tmp_path / "whole")
    assert [row["step"] for row in rows] == [40, 80, 120] and {row["episodes"] for row in rows} == {3}
    assert all(row["min"] <= row["mean"] <= row["max"] for row in rows)
    assert points(tmp_path / "whole", "evaluation/mean") == [(row["step"], np.float32(row["mean"])) for row in rows]
    assert evaluations(tmp_path / "parts") == rows
    assert best_agents(tmp_path / "parts") == best_agents(tmp_path / "whole")
    assert_same_weights(tmp_path / "parts/best", tmp_path / "whole/best")
    assert episodes(tmp_path / "parts/best") == episodes(tmp_path / "whole/best")
    best = max(rows, key=lambda row: (row["mean"], -row["step"]))
    assert best_agents(tmp_path / "whole") == [best["step"]]


def test_the_best_agent_and_its_score_are_kept(tmp_path, scores, capsys):
    scores |= {40: 1.0, 80: 3.0, 120: 3.0, 160: 2.0}
    run(tmp_path, 160, *EVALUATED)
    assert best_agents(tmp_path) == [80]
    state = json.loads((tmp_path / "checkpoints/160/state.json").read_text())
    assert (state["best_score"], state["best_step"]) == (3.0, 80)
    assert all(int(step) <= 80 for step, *_ in episodes(tmp_path / "best"))
    shown = "".join(capsys.readouterr())
    assert "Evaluated at 80 decisions: mean 3.00, std 0.50, the best so far" in shown
    assert "Evaluated at 120 decisions: mean 3.00, std 0.50\n" in shown


@pytest.mark.slow
def test_a_kill_goes_back_to_the_best_agent_of_the_last_checkpoint(tmp_path, scores, monkeypatch):
    scores |= {40: 1.0, 80: 3.0, 120: 2.0}
    run(tmp_path, 60, *EVALUATED)
    before = weights(tmp_path / "best"), episodes(tmp_path / "best")
    monkeypatch.setattr("paac.training.loop.Training.save", lambda *_, **__: None)
    run(tmp_path, 100, "--softmax_temp", "2")  # ends without a checkpoint, as a kill does
    assert best_agents(tmp_path) == [40, 80]
    run(tmp_path, 100, stop=True)  # resumes from 60
    assert best_agents(tmp_path) == [40]
    after = weights(tmp_path / "best"), episodes(tmp_path / "best")
    assert all(np.array_equal(before[0][name], after[0][name]) for name in before[0]) and before[1] == after[1]
    assert (
        RunFolder(tmp_path / "best").load_options().softmax_temp == 1
        and RunFolder(tmp_path).load_options().softmax_temp == 2
    )
    assert [row["step"] for row in evaluations(tmp_path)] == [40]


@pytest.mark.parametrize("first_score", [1.0, None])
def test_a_later_best_agent_is_kept_when_newer_checkpoints_were_moved_away(tmp_path, scores, capsys, first_score):
    scores |= {40: 1.0, 80: 3.0, 120: 2.0}
    run(tmp_path, 60, *(EVALUATED if first_score else []))
    run(tmp_path, 100, *EVALUATED)
    before = weights(tmp_path / "best")
    shutil.rmtree(tmp_path / "checkpoints/100")
    assert RunFolder(tmp_path).checkpoints.steps()[-1] == 60 and best_agents(tmp_path) == [80]
    capsys.readouterr()
    run(tmp_path, 120)
    assert f"is newer than the checkpoint; it is now {tmp_path}/checkpoints_saved/80\n" in capsys.readouterr().out
    assert best_agents(tmp_path) == [80], "found again"
    after = weights(tmp_path / "checkpoints_saved/80")
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert [found.path for found in find_runs(tmp_path)] == [tmp_path], "the copy is not another run"


@pytest.mark.slow
def test_a_folder_best_of_the_users_own_is_not_touched(tmp_path):
    run(tmp_path, 20)
    (tmp_path / "best/checkpoints/20").mkdir(parents=True)
    (tmp_path / "best/notes.txt").write_text("mine")
    run(tmp_path, 40)
    assert (tmp_path / "best/checkpoints/20").is_dir() and (tmp_path / "best/notes.txt").exists()


@pytest.mark.slow
def test_a_damaged_best_agent_is_named_and_the_next_evaluation_finds_another(tmp_path, scores, capsys):
    scores |= {40: 3.0, 80: 1.0}
    run(tmp_path, 60, *EVALUATED)
    (tmp_path / "best/checkpoints/40/state.json").write_text("{}")
    run(tmp_path, 80)
    assert "the next evaluation finds a new best agent" in "".join(capsys.readouterr())
    assert best_agents(tmp_path) == [80]
    state = json.loads((tmp_path / "checkpoints/80/state.json").read_text())
    assert (state["best_score"], state["best_step"]) == (1.0, 80)


@pytest.mark.slow
def test_a_best_agent_that_cannot_be_saved_leaves_the_one_before(tmp_path, scores, monkeypatch):
    scores |= {40: 1.0, 80: 3.0}
    run(tmp_path, 60, *EVALUATED)
    write = CheckpointFolder.write

    def write_unless_best(self, *arguments, **keywords):
        if "best" in self.folder.parts:
            raise OSError(28, "No space left on device")
        write(self, *arguments, **keywords)

    with monkeypatch.context() as full_disk, pytest.raises(OSError, match="No space left"):
        full_disk.setattr(CheckpointFolder, "write", write_unless_best)
        run(tmp_path, 100)
    assert best_agents(tmp_path) == [40] and not (tmp_path / "checkpoints/80").exists()
    run(tmp_path, 100)
    assert [row["step"] for row in evaluations(tmp_path)] == [40, 80], "the resumed run repeats the failed evaluation"


def test_the_best_agent_of_a_run_is_not_trained_in_place(tmp_path):
    for folder in (tmp_path / "run", tmp_path / "run/best"):
        folder.mkdir()
        RunFolder(folder).save_options(resolve({"debugging_folder": str(folder), "random_seed": 1}))
    with pytest.raises(UserError, match="run/best: belongs to the run above it; train a copy: cp -r"):
        resolve_run_options({"debugging_folder": str(tmp_path / "run/best")})


@pytest.mark.slow
def test_the_best_agent_can_be_tested_filmed_and_published(commands):
    run(commands.folder / "run", 160, "--eval_interval", "160", "--eval_episodes", "3")  # episodes end before that
    (step,) = best_agents(commands.folder / "run")
    commands.run("test.py", "-f", "run/best", "--seed", "1", "--json", "report.json")
    assert json.loads((commands.folder / "report.json").read_text())["step"] == step
    commands.run("gif.py", "-f", "run/best", "--gif_seconds", "1")
    commands.run("script/publish.py", "-r", "run/best", "-n", "catcher", "-f", "agents", "-tc", "2")
    published = json.loads((commands.folder / "agents/catcher/RESULT.json").read_text())
    assert published["training"]["decisions"] == step


@pytest.mark.slow
def test_an_evaluation_that_fails_does_not_end_the_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recorder, "evaluate", lambda *_: 1 / 0)
    run(tmp_path, 60, *EVALUATED)
    assert (tmp_path / "checkpoints/60").is_dir() and not (tmp_path / "best").exists()
    assert "--eval_interval: no evaluation at 40 decisions (division by zero)" in "".join(capsys.readouterr())


@pytest.mark.slow
def test_a_training_ends_when_another_program_deletes_the_table_of_evaluations(tmp_path, scores, monkeypatch):
    scores |= {40: 1.0, 80: 3.0}
    run(tmp_path, 60, *EVALUATED)
    evaluate = recorder.evaluate

    def delete_and_evaluate(*arguments):
        (tmp_path / "evaluations.csv").unlink()
        return evaluate(*arguments)

    monkeypatch.setattr(recorder, "evaluate", delete_and_evaluate)
    with pytest.raises(OSError, match="evaluations.csv was deleted by another program"):
        run(tmp_path, 100)
    assert not (tmp_path / "checkpoints/80").exists()


def test_the_episodes_of_an_evaluation_are_different_whole_games(monkeypatch):
    given = []

    def make(game, **settings):
        given.append(settings)
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(periodic_evaluation, "make_emulator", make)
    results = [SimpleNamespace(score=score) for score in (1.0, 2.0, 6.0)]
    monkeypatch.setattr("paac.evaluation.play_episodes", lambda *_, **__: results)
    options = resolve({"random_seed": 5, "eval_episodes": 3, "single_life_episodes": True})
    evaluation = periodic_evaluation.evaluate(None, find_game("pong"), options, TrainingState(EpisodeTracker(2), {}))
    assert (evaluation.mean, evaluation.min, evaluation.max, evaluation.episodes) == (3, 1, 6, 3)
    assert len({tuple(settings["seed"]) for settings in given}) == 3
    assert not any(settings["single_life_episodes"] for settings in given)
