"""Tests of published agents, and of the baselines that they are compared with."""

import json
import re
import shlex
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from agents import players, publishing
from emulators import find_game, make_emulator
from emulators.seeds import evaluation_seed
from experiments.train_command import train_command
from figures.published_scores import HUMAN_SCORES, ORIGINAL_SCORES
from paac.cli.errors import UserError
from tests.helpers.made_runs import make_run, scored
from tests.helpers.options import parse_options
from tests.helpers.runs import episodes, weights

SNAKE = "-g", "Snake-v0", "-ec", "4", "--seed", "1"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A short run with its published agent, and the output of publish.py."""
    from tests.helpers.commands import Commands

    commands = Commands(tmp_path_factory.mktemp("published"))
    commands.run("train.py", "-df", "logs/short", "--max_global_steps", "800", *SNAKE)
    args = commands.folder / "logs/short/args.json"  # as if it had been stopped before its last step
    args.write_text(json.dumps(json.loads(args.read_text()) | {"max_global_steps": 8000}))
    completed = commands.run("script/publish.py", "-r", "logs/short", "-n", "snake", "-f", "agents", "-tc", "4")
    return commands, completed.stdout


@pytest.mark.slow
def test_the_folder_of_an_agent_is_a_run_with_its_weights_only(published):
    commands, _ = published
    agent = commands.folder / "agents/snake"
    trained = weights(commands.folder / "logs/short")
    kept = weights(agent)
    assert kept.keys() == {name for name in trained if name.startswith("network/")}
    assert all(np.array_equal(kept[name], trained[name]) for name in kept)
    assert episodes(agent) == episodes(commands.folder / "logs/short")
    assert not list(agent.rglob("emulators.npz")) and not list((commands.folder / "agents").glob(".*"))
    assert json.loads((agent / "args.json").read_text())["debugging_folder"] == "logs/snake"


@pytest.mark.slow
def test_the_result_has_the_scores_of_test_py(published):
    commands, shown = published
    commands.run("test.py", "-f", "agents/snake", "-tc", "4", "--seed", "1", "--json", "again.json")
    again = json.loads((commands.folder / "again.json").read_text())
    result = json.loads((commands.folder / "agents/snake/RESULT.json").read_text())
    assert result["agent"]["scores"] == again["scores"]
    assert result["agent"]["mean"] == pytest.approx(np.mean(again["scores"]), abs=0.005)
    assert result["training"]["decisions"] == 800 and result["training"]["frames"] == 1600
    assert result["training"]["command"].startswith("python3 train.py -df logs/snake -g Snake-v0")
    assert "--max_global_steps 800 " in result["training"]["command"], "it ends where the agent was published"
    assert result["protocol"]["episodes"] == len(result["random"]["scores"]) == len(result["rule"]["scores"]) == 4
    assert result["protocol"]["noops"] == 0
    assert "| `snake` |" in shown
    assert "tensorflow" in result["training"]["versions"]
    assert (
        str(commands.folder) not in json.dumps(result)
        and not (commands.folder / "agents/snake/sessions.jsonl").exists()
    )


@pytest.mark.slow
def test_the_training_of_an_agent_can_be_resumed_in_a_copy_and_the_agent_replaced(published):
    commands, _ = published
    longer = ["--max_global_steps", "880", "-ew", "1"]
    before = sorted((commands.folder / "agents").rglob("*"))
    refused = commands.run("train.py", "-df", "agents/snake", *longer, code=2)
    (shown,) = re.findall("copy: (.*), then python3 (.*)\n", refused.stderr)
    assert sorted((commands.folder / "agents").rglob("*")) == before
    subprocess.run(shown[0], shell=True, cwd=commands.folder, check=True)
    commands.run(*shown[1].split(), *longer)
    again = ["script/publish.py", "-r", "logs/more", "-n", "snake", "-f", "agents", "-tc", "1"]
    refused = commands.run(*again, code=2)
    assert "--name snake: agents/snake exists; choose another name, or add --replace" in refused.stderr
    commands.run(*again, "--replace")
    result = json.loads((commands.folder / "agents/snake/RESULT.json").read_text())
    assert result["training"]["decisions"] == 880 and len(result["agent"]["scores"]) == 1


@pytest.mark.slow
def test_the_table_shows_the_same_command_for_a_renamed_agent(published):
    commands, _ = published
    agent, renamed = commands.folder / "agents/snake", commands.folder / "renamed/two words"
    shutil.copytree(agent, renamed)
    (before,), (after,) = (publishing.table(folder.parent)[2:] for folder in (agent, renamed))
    assert after == before.replace("`snake`", "`two words`") and "`-g Snake-v0 " in after


@pytest.mark.slow
def test_an_agent_without_args_json_cannot_be_trained_on_another_game(published):
    commands, _ = published
    shutil.copytree(commands.folder / "agents/snake", commands.folder / "lost")
    for name in ("args.json", "RESULT.json"):
        (commands.folder / "lost" / name).unlink()
    refused = commands.run("train.py", "-g", "pong", "-df", "lost", code=2)
    message = "lost has no args.json, and its run had other options: type -g Snake-v0 "
    assert message in refused.stderr
    assert refused.stderr.count("\n") == 1 and not (commands.folder / "lost/args.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-r nowhere", "--run nowhere: no such folder"),
        ("-r untrained", "no checkpoint"),
        ("-r untrained -f .", "--name untrained: untrained exists"),
        ("-r untrained -n ..", "--name ..: must be a name without a path"),
        ("-r untrained -n .", "--name .: must be a name without a path"),
        ("-r untrained -n a/b", "--name a/b"),
        ("-r untrained -f . -n other", "--name other: other exists and is not from publish.py"),
        ("-f untrained", "no agent"),
        ("-n other", "--name other: has no effect without --run"),
        ("-tc 3", "--test_count 3: has no effect without --run"),
        ("--replace", "--replace: has no effect without --run"),
        ("-r copied", "--run copied: has no episodes.csv, the record of its training; publish the run itself"),
        ("-f edited", "edited/agent/RESULT.json: not in the format of publish.py"),
    ],
)
def test_what_cannot_be_published_gives_a_one_line_error(commands, arguments, message):
    scored(commands.folder / "untrained", 1.0)
    scored(commands.folder / "copied", 1.0)
    (commands.folder / "copied/episodes.csv").unlink()
    (commands.folder / "other").mkdir()
    (commands.folder / "other/RESULT.json").write_text("{}")  # of another program: there is no args.json
    (commands.folder / "edited/agent").mkdir(parents=True)
    (commands.folder / "edited/agent/RESULT.json").write_text('{"training": {"decisions": null}}')
    refused = commands.run("script/publish.py", *arguments.split(), code=2)
    assert message in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("game", "min_mean_score"), [("CartPole-v0", 200), ("Catcher-v0", 250), ("FlappyBird-v0", 10), ("Snake-v0", 2)]
)
def test_a_rule_plays_well(game, min_mean_score):
    random_start = game in ("CartPole-v0", "Catcher-v0")
    emulators = [make_emulator(game, seed=[1, number], random_start=random_start) for number in range(4)]
    scores = [players.play_episode(players.RULES[game], emulator) for emulator in emulators]
    assert np.mean(scores) >= min_mean_score


def test_random_play_has_the_published_score():
    emulator = make_emulator("pong", seed=1)
    player = players.random_player(np.random.default_rng(0))
    scores = [players.play_episode(player, emulator) for _ in range(5)]
    assert np.mean(scores) == pytest.approx(HUMAN_SCORES["pong"][0], abs=0.8)


def test_random_play_draws_all_actions_equally_often():
    player = players.random_player(np.random.default_rng(0))
    counts = np.bincount([player(fake_emulator(3)) for _ in range(3000)], minlength=3)
    assert counts == pytest.approx([1000] * 3, abs=120)


def fake_emulator(num_actions):
    return type("Emulator", (), {"num_actions": num_actions})


def test_the_scores_of_the_original_have_the_names_of_roms():
    assert ORIGINAL_SCORES.keys() <= HUMAN_SCORES.keys()


@pytest.mark.parametrize(("num_processes", "shown"), [(1, ""), (2, " in 2 processes")])
def test_the_table_shows_the_command_of_one_and_of_several_processes(tmp_path, num_processes, shown):
    command = train_command(parse_options(["-g", "Snake-v0", "--seed", "1"]), "two words", num_processes)
    training = {"command": command, "decisions": 1, "frames": 1, "hours": 1.0}
    score = {"mean": 1.0, "std": 0.0}
    (tmp_path / "agent").mkdir()
    content = {"game": "Snake-v0", "training": training, "agent": score, "random": score}
    (tmp_path / "agent/RESULT.json").write_text(json.dumps(content))
    assert publishing.table(tmp_path)[2].endswith(f"| `-g Snake-v0 --seed 1`{shown} |")


def result_with(folder, command="python3 train.py -df logs/a -g pong", **training):
    score = {"mean": 1.0, "std": 0.0}
    training = {"command": command, "decisions": 1, "frames": 1, "hours": 1.0} | training
    folder.mkdir()
    content = {"game": "pong", "training": training, "agent": score, "random": score}
    (folder / "RESULT.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "`'a\\|b'`"),
        ("<script>alert(1)</script>", "`'<script>alert(1)</script>'`"),
        ("a``b`", "``` 'a``b`' ```"),
        ("a\nb", "`'a b'`"),
    ],
)
def test_a_text_stays_in_its_cell_as_code(text, shown, tmp_path):
    result_with(tmp_path / "a|`b", command=f"python3 train.py -df logs/a {shlex.quote(text)}")
    row = publishing.table(tmp_path)[2]
    cells = re.split(r"(?<!\\) ?\| ?", row)
    assert cells[1] == "`` a\\|`b ``" and cells[-2] == shown and len(cells) == 2 + len(publishing.COLUMNS)


@pytest.mark.parametrize(
    "training",
    [
        {"command": "python3 train.py -df logs/a 'pong"},
        {"command": "python3 launch.py --processes <b> -- train.py -df logs/a"},
        {"decisions": 10**400},
        {"hours": "<b>"},
    ],
)
def test_a_result_of_another_format_is_refused_in_one_line(training, tmp_path):
    result_with(tmp_path / "a", **training)
    with pytest.raises(UserError, match="a/RESULT.json: not in the format of publish.py .*; publish the agent again"):
        publishing.table(tmp_path)
    (tmp_path / "a/RESULT.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="a/RESULT.json cannot be read .nested more than 50 levels deep.: correct it"):
        publishing.table(tmp_path)


def test_a_summary_has_the_statistics_of_the_scores():
    summary = publishing.summary([1.0, 2.0, 6.0])
    assert (summary["mean"], summary["min"], summary["max"]) == (3.0, 1.0, 6.0)
    assert summary["std"] == pytest.approx(np.std([1, 2, 6]), abs=0.005)


def test_baselines_py_prints_a_line_for_each_player(commands):
    shown = commands.run("script/baselines.py", "-g", "Snake-v0", "-tc", "3").stdout.splitlines()
    assert [line.split(":")[0] for line in shown] == ["Snake-v0, random", "Snake-v0, rule"]
    assert "mean -" in shown[0]


def test_frames_and_hours_of_a_published_agent_are_scaled_to_all_decisions(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        publishing, "baseline_scores", lambda *_, **settings: given.append(settings) or {"random": [-20.0]}
    )
    options = {"game": "pong", "max_global_steps": 8000, "single_life_episodes": True}
    run = make_run(tmp_path / "run", [(80, 7200.0, 0, 1, 5)], **options)
    tests = {"scores": [1.0, 2.0], "seed": 3, "step": 100, "noops": 30, "greedy": False}
    training = publishing.result(run, tests, "mine", "a machine")["training"]
    assert (training["decisions"], training["frames"], training["hours"]) == (100, 400, 2.5)
    assert "--max_global_steps 100 " in training["command"]
    assert given[0]["single_life_episodes"] is False


def test_the_episodes_of_a_published_agent_end_with_its_checkpoint(tmp_path):
    run = make_run(tmp_path / "run", [(step, float(step), 0, step, 5) for step in (40, 80, 120)])
    until = publishing._until(run, 80)
    assert list(until.scores) == [40, 80] and list(until.seconds) == [40, 80] and until.folder == run.folder
    with pytest.raises(UserError, match="no episode had ended at its newest checkpoint"):
        publishing._until(run, 39)


def test_the_baselines_play_the_episodes_of_test_py(monkeypatch):
    seeds = []
    monkeypatch.setattr(players, "play_episode", lambda *_: 0.0)
    monkeypatch.setattr(
        players,
        "make_emulator",
        lambda game, seed, **_: seeds.append(seed) or SimpleNamespace(close=lambda: None),
    )
    assert players.baseline_scores(find_game("Snake-v0"), 2, 9) == {"random": [0.0] * 2, "rule": [0.0] * 2}
    assert seeds == [evaluation_seed(9, 0), evaluation_seed(9, 1)] * 2
