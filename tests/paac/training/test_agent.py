"""Loading the agent of a run for test.py and gif.py."""

import json

import numpy as np
import pytest

from networks.registry import make_network
from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.evaluation import Decision, EpisodeResult
from paac.training.agent import AgentEvaluation
from paac.training.checkpoint_folder import CheckpointFolder
from paac.training.run_folder import RunFolder
from paac.training.saved_network import load_network
from paac.video.film import Film

ACTIONS = 4
OPTIONS = resolve(dict(random_seed=5, arch="NIPS", max_repetition=4, nb_choices=2))


def save_agent(run, step, seed):
    settings = {**OPTIONS.network_settings, "seed": seed}
    network = make_network(num_actions=ACTIONS, **settings)
    CheckpointFolder(run / "checkpoints").write(step, {"network": network}, {}, None, keep=5)
    return network


def assert_same(one, other):
    for weight, expected in zip(one.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_the_newest_checkpoint_is_loaded(tmp_path):
    save_agent(tmp_path, 9, seed=1)
    newest = save_agent(tmp_path, 100, seed=2)
    network, checkpoint, lines = load_network(RunFolder(tmp_path), OPTIONS, ACTIONS)
    assert (checkpoint.step, lines) == (100, [])
    assert_same(network, newest)


def test_a_damaged_checkpoint_is_reported_and_the_previous_one_loaded(tmp_path):
    older = save_agent(tmp_path, 9, seed=1)
    save_agent(tmp_path, 100, seed=2)
    (tmp_path / "checkpoints" / "100" / "state.json").write_text(json.dumps({"half": 1}))
    network, checkpoint, lines = load_network(RunFolder(tmp_path), OPTIONS, ACTIONS)
    assert checkpoint.step == 9
    assert_same(network, older)
    assert len(lines) == 1
    assert str(tmp_path / "checkpoints" / "100" / "state.json") in lines[0]
    assert lines[0].endswith("; using the previous one")


def test_a_run_without_a_checkpoint_cannot_be_tested(tmp_path):
    with pytest.raises(UserError, match=".*: no intact checkpoint there; train the agent first"):
        load_network(RunFolder(tmp_path), OPTIONS, ACTIONS)


def test_a_checkpoint_of_an_earlier_bayesian_network_is_refused(tmp_path):
    save_agent(tmp_path, 9, seed=1)  # NIPS: the earlier one had the same variables
    with pytest.raises(UserError, match="checkpoints/9 does not fit .* an earlier version of this one, saved it"):
        load_network(RunFolder(tmp_path), resolve(dict(arch="BAYESIAN", max_repetition=4, nb_choices=2)), ACTIONS)


def test_a_checkpoint_that_does_not_fit_the_game_is_refused(tmp_path):
    save_agent(tmp_path, 9, seed=1)
    with pytest.raises(UserError, match="does not fit"):
        load_network(RunFolder(tmp_path), OPTIONS, ACTIONS + 1)


@pytest.mark.parametrize("seconds", [300, 5])
def test_a_line_says_that_a_gif_ends_before_its_episode(seconds, tmp_path):
    film = Film(max_seconds=seconds)
    for second in range(6):
        film.on_decision(Decision(0, 0, np.ones(1), np.ones(1), 0.0, score=3.0 * second))
        for _ in range(60):
            film.add(np.zeros((8, 8, 3), np.uint8))
    film.on_end(21.0)
    results = [EpisodeResult(21.0, 90, False, 0.0, 0.0)]
    gif = tmp_path / "a_1.gif"
    (line,) = AgentEvaluation("pong", tmp_path, 9, 1, 0, False, results, {gif: film}).save_gifs(None)
    end = "; the gif ends after 5 seconds at score 12, before the episode does (--gif_seconds)"
    assert line == f"Wrote {gif}: pong, score 21, length 90 plays" + (end if seconds == 5 else "")
    assert gif.exists()
