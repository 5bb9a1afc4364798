"""Tests that an emulator plays the same frames after its saved state is loaded."""

import numpy as np
import pytest

from emulators import emulator
from tests.helpers.counting_game import FOREVER, CountingGame, falling, shown

SETTINGS = {"random_start": True, "single_life_episodes": True, "max_episode_frames": 150}


def saving_game(seed: int, rgb: bool = False) -> CountingGame:
    # Episodes end at a lost life in even games and at the frame limit in odd ones.
    game = CountingGame(seed=seed, rgb=rgb, **SETTINGS)
    game.lives_at = lambda frame: 3 - (frame > 90 and game.game % 2 == 0)
    return game


def future(game: CountingGame) -> list:
    """Play the next decisions, over several episodes, and return everything that can be seen of them."""
    seen = []
    for decision in range(80):
        if game.done:
            seen += [shown(game.reset()), game.frame]
        observation, reward, done, plays = game.hold(decision % 3, decision % 4)
        seen += [shown(observation), reward, done, plays, game.truncated, game.screen().tolist()]
    assert seen.count(True) > 3
    return seen


@pytest.mark.parametrize("rgb", [False, True])
@pytest.mark.parametrize("decisions", [0, 1, 7, 40])
def test_a_loaded_state_has_the_same_future_frame_for_frame(decisions, rgb):
    game = saving_game(seed=3, rgb=rgb)
    game.reset()
    for _ in range(decisions):
        if game.step(1)[2]:
            game.reset()
    state = game.save_state()
    expected = future(game)
    other = saving_game(seed=99, rgb=rgb)  # loading must replace its random generator
    other.reset()
    other.step(2)
    other.load_state(state)
    assert future(other) == expected
    game.load_state(state)
    assert future(game) == expected


def test_saving_changes_nothing():
    saved, alone = saving_game(seed=3), saving_game(seed=3)
    saved.reset()
    alone.reset()
    saved.save_state()
    assert future(saved) == future(alone)


def test_a_loaded_state_shows_what_was_shown_before():
    game = saving_game(seed=3)
    game.reset()
    game.hold(1, 2)
    state, observation, screen = game.save_state(), game.observation, game.screen()
    assert isinstance(state, bytes)
    other = saving_game(seed=4)
    other.load_state(state)
    np.testing.assert_array_equal(other.observation, observation)
    np.testing.assert_array_equal(other.screen(), screen)
    assert not other.done


def test_loading_does_not_change_observations_that_were_returned():
    game = saving_game(seed=3)
    game.reset()
    state = game.save_state()
    given = game.step(1)[0]
    copy = given.copy()
    game.load_state(state)
    game.step(2)
    np.testing.assert_array_equal(given, copy)


def test_a_life_may_be_lost_in_the_first_decision_after_loading():
    game, other = (CountingGame(lives=falling(18), single_life_episodes=True) for _ in range(2))
    game.reset()
    other.load_state(game.save_state())
    assert other.step(1)[2]


@pytest.mark.parametrize("truncated", [False, True])
def test_an_episode_that_is_done_is_still_done_when_loaded(truncated):
    game = CountingGame(length=FOREVER if truncated else 20, max_episode_frames=20)
    game.reset()
    game.step(1)
    other = CountingGame()
    other.load_state(game.save_state())
    assert (other.done, other.truncated) == (True, truncated)
    with pytest.raises(RuntimeError, match="reset"):
        other.step(1)
    other.reset()
    assert not other.truncated


def test_a_state_that_would_take_much_memory_is_refused(monkeypatch):
    game = CountingGame()
    game.reset()
    state = game.save_state()
    monkeypatch.setattr(emulator, "MAX_UNPACKED_BYTES", 10 * len(state))
    with pytest.raises(ValueError, match="larger than"):
        game.load_state(state)
