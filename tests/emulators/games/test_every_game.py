"""Tests that apply to every small game."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from emulators.games import OWN_GAMES
from emulators.games.tetris import DROP


@pytest.fixture(params=OWN_GAMES)
def game(request):
    environment = gymnasium.make(request.param, render_mode="rgb_array", disable_env_checker=True).unwrapped
    environment.reset(seed=3)
    yield environment
    environment.close()


def play(game, steps, seed=0):
    """Play at random from the current state; return rewards, ends and pictures."""
    random = np.random.default_rng(seed)
    course = []
    for _ in range(steps):
        if game.over:
            game.start()
        reward = game.advance(int(random.integers(len(game.actions))))
        course.append((reward, game.over, game.draw().tobytes()))
    return course


@pytest.mark.parametrize("name", OWN_GAMES)
def test_gymnasiums_own_checks_pass(name, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")  # the checks open a window
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(name, render_mode="rgb_array").unwrapped, skip_render_check=False)


def test_actions_are_named_and_the_no_op_and_keys_are_among_them(game):
    assert game.actions[game.noop] == "no-op"
    pressed = set(game.keys.values()) - ({DROP} if game.spec.id == "Tetris-v0" else set())  # only for people
    assert pressed <= set(range(len(game.actions)))
    assert set(range(len(game.actions))) - pressed <= {game.noop}


def test_equal_seeds_play_the_same_and_other_seeds_do_not(game):
    courses = []
    for seed in (5, 5, 6):
        game.reset(seed=seed)
        courses.append(play(game, 300))
    assert courses[0] == courses[1] != courses[2]


def test_a_saved_state_has_the_same_future(game):
    play(game, 70)
    saved = game.save_state()
    assert isinstance(saved, bytes)
    expected = play(game, 300, seed=1)
    other = gymnasium.make(game.spec.id).unwrapped
    other.reset(seed=99)
    other.load_state(saved)
    assert play(other, 300, seed=1) == expected
    game.load_state(saved)
    assert play(game, 300, seed=1) == expected


def test_a_new_episode_does_not_depend_on_the_last(game):
    """After a reset with a seed, the game is the same as one that was never played."""
    fresh = gymnasium.make(game.spec.id).unwrapped
    fresh.reset(seed=11)
    play(game, 400)
    game.reset(seed=11)
    assert game.state == fresh.state
    assert play(game, 100) == play(fresh, 100)


def test_nothing_moves_after_the_end(game):
    random = np.random.default_rng(1)
    for _ in range(10_000):
        if game.over:
            break
        game.advance(int(random.integers(len(game.actions))))
    else:
        pytest.skip("random play does not end this game")
    before = game.save_state()
    assert [game.advance(action) for action in range(len(game.actions))] == [0.0] * len(game.actions)
    assert game.save_state() == before


def test_drawing_changes_nothing_and_pictures_are_in_colour(game):
    play(game, 30)
    before = game.save_state()
    first, second = game.draw().copy(), game.draw().copy()
    assert game.save_state() == before
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.uint8 and first.shape == (game.size[1], game.size[0], 3)
    assert len(np.unique(first.reshape(-1, 3), axis=0)) >= 3


def test_an_episode_is_truncated_after_ten_thousand_steps(game):
    assert gymnasium.spec(game.spec.id).max_episode_steps == 10_000
