"""Games of every platform are trained, resumed exactly, tested and filmed, with FiGAR."""

import json
from types import SimpleNamespace

import pytest
from PIL import Image

from emulators import find_game
from paac.cli.command_line import typed_options
from paac.cli.film_options import FilmOptions
from paac.cli.options import Options
from paac.training.agent import evaluate_agent
from paac.training.find_runs import resolve_run_options
from paac.training.loop import train

GAMES = ["FlappyBird-v0", "Catcher-v0", "MonsterKong-v0", "RaycastMaze-v0", "Snake-v0", "tetris", "CartPole-v0"]
FIGAR = ["--max_repetition", "4", "--nb_choices", "3"]
NEVER = SimpleNamespace(requested=False)


def run(folder, steps, *arguments):
    """Train in this process, as train.py does, until `steps` decisions."""
    argv = ["-df", str(folder), "--max_global_steps", str(steps), "-ec", "4", "-ew", "1", *arguments]
    options, _ = resolve_run_options(typed_options(Options, argv, ""))
    train(options, find_game(options.game), NEVER)


def results_of(run):
    """Return the bytes of the weights and the rows of episodes.csv without the column of seconds."""
    (weights,) = (run / "checkpoints/120").glob("weights.data*")
    rows = [line.split(",") for line in (run / "episodes.csv").read_text().splitlines()]
    return weights.read_bytes(), [[step, *others] for step, _, *others in rows]


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
def test_a_game_is_trained_resumed_exactly_and_filmed(game, tmp_path, monkeypatch):
    monkeypatch.setattr("paac.training.agent.start_tensorflow", lambda _: "/cpu:0")  # it is already running
    settings = ["-g", game, "--seed", "3", "--max_episode_frames", "30", *FIGAR]
    run(tmp_path / "whole", 120, *settings)
    run(tmp_path / "parts", 60, *settings)
    run(tmp_path / "parts", 120, *settings)
    whole, parts = results_of(tmp_path / "whole"), results_of(tmp_path / "parts")
    assert whole == parts
    assert len(whole[1]) > 5, "no episode ended"
    film = {"gif_name": "film", "gif_folder": str(tmp_path), "test_count": 2, "seed": 1}
    shown = evaluate_agent(FilmOptions(folder=str(tmp_path / "parts"), **film))
    shown.save_films(scale=None)
    assert shown.game == game and len(shown.results) == 2
    assert json.loads((tmp_path / "parts/args.json").read_text())["game"] == game
    with Image.open(tmp_path / "film_2.gif") as gif:
        assert gif.n_frames > 1 and 200 < max(gif.size) < 700


def test_a_game_without_saved_state_starts_new_episodes_and_says_so(tmp_path, capsys):
    for steps in (60, 120):
        run(tmp_path, steps, "-g", "FrozenLake-v1", "--seed", "3")
    assert (
        "The emulators' states are not in the checkpoint: all emulators start new episodes" in capsys.readouterr().out
    )
