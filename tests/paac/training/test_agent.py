"""Loading the agent of a run, for test.py, gif.py and notebooks."""

import json
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from emulators import GameError, find_game
from networks.registry import make_network
from paac.cli.errors import UserError
from paac.cli.film_options import FilmOptions
from paac.cli.options import resolve
from paac.evaluation import Decision, EpisodeResult
from paac.training import agent as agent_module
from paac.training import load_agent, train
from paac.training.agent import Agent, evaluate_agent
from paac.training.agent_evaluation import AgentEvaluation
from paac.training.checkpoint_folder import CheckpointFolder
from paac.training.episodes import EpisodeTracker
from paac.training.run_folder import RunFolder
from paac.training.saved_network import export_agent, load_network
from paac.training.state import TrainingState
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
    lines = []
    AgentEvaluation("pong", tmp_path, 9, 1, 0, False, results, {gif: film}).save_films(None, lines.append)
    (line,) = lines
    end = "; the film shows the first 5 seconds, up to score 12 (--gif_seconds)"
    assert line == f"Wrote {gif}: pong, score 21, length 90 plays" + (end if seconds == 5 else "")
    assert gif.exists()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a short run with FiGAR and a network that uses earlier observations."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    settings = {"ec": 2, "ew": 1, "arch": "LSTM", "max_repetition": 4, "nb_choices": 3, "max_episode_frames": 200}
    train(game="Catcher-v0", df=folder, seed=3, max_global_steps=20, **settings)
    return folder


def test_play_returns_what_a_test_gives(trained):
    played = load_agent(trained).play(3, seed=np.int64(7))
    evaluation = evaluate_agent(FilmOptions(folder=str(trained), test_count=3, seed=7))
    assert played.scores.tolist() == evaluation.report()["scores"]
    assert played.lengths.tolist() == evaluation.report()["lengths"]
    assert played.truncated.tolist() == [result.truncated for result in evaluation.results]
    assert (played.scores.shape, played.scores.dtype, played.lengths.dtype, played.seed) == ((3,), float, np.int64, 7)


@pytest.mark.parametrize("greedy", [False, True])
def test_act_decides_as_play_does(trained, greedy):
    agent = load_agent(trained)
    played = agent.play(seed=7, greedy=greedy)
    for _ in range(2):  # `reset` starts over
        agent.reset(seed=7)
        with closing(agent.make_emulator(seed=7)) as emulator:
            observation, score, length = emulator.reset(), 0.0, 0
            while not emulator.done:
                action, repeats = agent.act(observation, greedy)
                observation, reward, _, plays = emulator.hold(action, repeats)
                score, length = score + reward, length + plays
        assert (score, length) == (played.scores[0], played.lengths[0])


@pytest.mark.parametrize("seed", [-1, 1.5, "two"])
def test_an_invalid_seed_is_refused(trained, seed):
    with pytest.raises(UserError, match=r"reset\(\).*seed"):
        load_agent(trained).reset(seed=seed)


def test_an_observation_of_another_form_is_refused(trained):
    with pytest.raises(UserError, match=r"^act\(\): the observation is float64 \[84, 84, 4\], but must be uint8"):
        load_agent(trained).act(np.zeros((84, 84, 4)))


def test_a_film_is_written_to_the_named_file(trained, tmp_path):
    agent = load_agent(trained)
    filmed = agent.film(tmp_path / "film.gif", seed=7, gif_scale=1)
    assert filmed.scores == agent.play(seed=7).scores
    with Image.open(tmp_path / "film.gif") as gif:
        assert gif.n_frames > 10


def test_the_options_of_an_agent_are_checked(trained, tmp_path):
    agent = load_agent(trained)
    for call, message in (
        (
            lambda: load_agent(trained, sed=1),
            r"load_agent\(\): there is no option 'sed'; the options are rom_",
        ),
        (lambda: load_agent(tmp_path / "none"), "no such folder"),
        (lambda: agent.play(0), r"play\(\): --test_count 0: must be from 1 to 1000"),
        (lambda: agent.play(annotate=True), r"play\(\): there is no option 'annotate'"),
        (lambda: agent.play(greedy="yes"), r"play\(\): greedy must be true or false"),
        (lambda: agent.play(dropout_samples=2), "LSTM has no dropout"),
        (lambda: agent.film(tmp_path / "none/film.gif"), r"film\(\) .*must be a file in an existing folder"),
        (lambda: agent.film(tmp_path / "film.avi"), r"film\(\): .*film.avi must end with .gif or .mp4"),
    ):
        with pytest.raises(UserError, match=message):
            call()


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ({"gif_name": "a", "test_count": 2}, ["a_1.gif", "a_2.gif"]),
        ({"gif_name": "a.gif"}, ["a_1.gif"]),
        ({"gif_name": "a", "mp4": True}, ["a_1.mp4"]),
        ({"gif_name": "a.mp4"}, ["a_1.mp4"]),
        ({"gif_name": "a.MP4"}, ["a_1.mp4"]),
        ({"gif_name": "a.gif", "mp4": True}, ["a_1.mp4"]),
        ({"gif_name": "a.b"}, ["a.b_1.gif"]),
        ({}, []),
    ],
)
def test_films_have_the_ending_that_was_asked_for(typed, names):
    assert [file.name for file in agent_module._film_files(FilmOptions(**typed))] == names


def test_another_kind_of_film_is_refused():
    with pytest.raises(
        UserError, match=r"^-gn a.avi: films are gifs or, with --mp4, mp4 videos; leave the ending out$"
    ):
        agent_module._film_files(FilmOptions(gif_name="a.avi"))


@pytest.mark.parametrize("name", ["films/a", "films/a.gif", "../a.mp4", "a/", "", "a" * 201])
def test_a_name_with_a_folder_and_one_that_is_too_long_are_refused(name):
    with pytest.raises(UserError, match="must be a file name without a folder, of at most 200 bytes"):
        agent_module._film_files(FilmOptions(gif_name=name))


@pytest.mark.parametrize(("device", "lines"), [("/gpu:0", 0), ("/gpu:3", 1)])
def test_a_line_says_that_the_device_that_was_asked_for_is_missing(device, lines, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    train(game="Catcher-v0", df="run", ec=2, ew=1, max_global_steps=10, max_episode_frames=20)
    capsys.readouterr()
    load_agent("run", device=device)
    assert capsys.readouterr().out.splitlines() == ["Running on /cpu:0: TensorFlow finds no /gpu:3"][:lines]


def test_an_agent_with_other_actions_than_the_minimal_ones_is_exported(tmp_path):
    run, to = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "exported")
    options = resolve(dict(game="pong", protocol="machado", debugging_folder=str(run), emulator_counts=2))
    network = make_network(num_actions=18, **options.network_settings)
    state = TrainingState(EpisodeTracker(2), options.fixed, global_step=20)
    run.save_options(options)
    run.checkpoints.write(20, {"network": network}, state.to_json(), None, keep=1)
    export_agent(run, options, to)
    exported, checkpoint, _ = load_network(to, options, 18)
    assert checkpoint.step == 20
    assert_same(exported, network)


def test_the_game_of_a_run_that_does_not_exist_here_is_named_with_its_file(tmp_path):
    (tmp_path / "args.json").write_text('{"game": "pongg"}')
    with pytest.raises(GameError, match=f"^{tmp_path}/args.json: -g pongg: there is no game of that name"):
        load_agent(tmp_path)


@pytest.mark.parametrize(
    ("protocol", "noops", "expected"), [("machado", 7, 7), ("original", 0, 0), ("machado", None, 0)]
)
def test_a_test_plays_whole_games_and_its_no_ops_replace_those_of_the_training(protocol, noops, expected):
    agent = object.__new__(Agent)
    agent.game = find_game("pong")
    agent.options = resolve({"protocol": protocol, "single_life_episodes": True, "random_seed": 1})
    with closing(agent._make_emulator(FilmOptions(noops=noops), [1])) as emulator:
        assert emulator.max_random_noops == expected and not emulator.single_life_episodes
