"""Tests what ends an episode: the game, a lost life and the frame limit."""

import pytest

from emulators.episode_start import MAX_RESTARTS
from tests.helpers.counting_game import (
    FOREVER,
    CountingGame,
    CountingGameWithoutNoop,
    brightness,
    colours_of,
    falling,
    pooled,
    shown,
)


def test_a_hold_stops_when_the_episode_ends():
    game = CountingGame(length=16 + 4 * 6 + 2)
    game.reset()
    observation, reward, done, plays = game.hold(1, 10)
    assert (done, plays) == (True, 7)
    assert reward == 26 * 1000 + sum(range(17, 43))
    assert not game.truncated
    # The game ends in the middle of the last play, whose remaining frames show the last screen.
    assert shown(observation) == pooled(1, 32, 36, 40) + [brightness(1, 42)]


def test_a_game_that_is_over_ends_the_episode_after_that_play():
    game = CountingGame(length=24)
    game.reset()
    assert not game.step(1)[2]
    assert game.step(1)[2]
    assert game.done and not game.truncated


def test_stepping_an_episode_that_is_over_is_an_error():
    game = CountingGame(length=20)
    with pytest.raises(RuntimeError, match="reset"):
        game.step(0)  # no episode has begun
    game.reset()
    assert game.step(0)[2]
    game.pressed.clear()
    with pytest.raises(RuntimeError, match="reset"):
        game.step(0)
    with pytest.raises(RuntimeError, match="reset"):
        game.hold(0, 3)
    assert game.pressed == []
    game.reset()
    assert game.step(0)[2]


def test_a_lost_life_ends_the_episode_with_single_life_episodes():
    game = CountingGame(lives=falling(22, 30), single_life_episodes=True)
    game.reset()
    assert not game.step(1)[2]
    assert game.step(1)[2]
    assert not game.truncated
    # The reset starts a new game, with all lives.
    assert shown(game.reset()) == pooled(2, 4, 8, 12, 16)
    assert not game.step(1)[2]


def test_a_lost_life_ends_nothing_without_single_life_episodes():
    game = CountingGame(lives=falling(22, 30), length=50)
    game.reset()
    assert game.hold(1, 30)[2:] == (True, 9)


def test_a_life_lost_before_the_first_decision_ends_nothing():
    game = CountingGame(lives=falling(10), single_life_episodes=True, length=60)
    game.reset()
    assert game.hold(1, 30)[3] == 11


def test_a_life_may_be_lost_in_the_first_decision_of_any_episode():
    game = CountingGame(lives=falling(18), single_life_episodes=True)
    for _ in range(3):
        game.reset()
        assert game.step(1)[2]


def test_a_life_that_was_won_can_be_lost():
    game = CountingGame(lives=lambda frame: 4 if 18 <= frame < 30 else 3, single_life_episodes=True)
    game.reset()
    assert [game.step(1)[2] for _ in range(4)] == [False, False, False, True]


def test_a_life_lost_while_an_action_is_held_stops_the_hold():
    game = CountingGame(lives=falling(26), single_life_episodes=True)
    game.reset()
    assert game.hold(1, 9)[2:] == (True, 3)


def test_an_episode_is_truncated_at_the_frame_limit():
    game = CountingGame(max_episode_frames=26)
    game.reset()
    assert [(game.step(1)[2], game.truncated) for _ in range(3)] == [(False, False), (False, False), (True, True)]
    game.reset()
    assert not game.done and not game.truncated


def test_the_frame_limit_is_checked_while_an_action_is_held():
    game = CountingGame(max_episode_frames=32)
    game.reset()
    assert game.hold(1, 10)[2:] == (True, 4)
    assert game.truncated


@pytest.mark.parametrize("seed", range(6))
def test_the_frame_limit_counts_the_noops_of_the_start(seed):
    game = CountingGame(random_start=True, seed=seed, max_episode_frames=100)
    for _ in range(3):
        game.reset()
        game.hold(1, 99)
        assert game.truncated
        assert 100 <= game.frame < 104


def test_a_frame_limit_within_the_start_truncates_after_the_first_play():
    game = CountingGame(max_episode_frames=1)
    game.reset()
    assert game.hold(1, 5)[2:] == (True, 1)
    assert game.truncated


def test_without_a_noop_the_frame_limit_counts_only_the_agents_frames():
    game = CountingGameWithoutNoop(max_episode_frames=12)
    game.reset()
    assert game.hold(1, 5)[2:] == (True, 3)


def test_an_episode_that_ends_exactly_at_the_frame_limit_is_not_truncated():
    over = CountingGame(length=24, max_episode_frames=24)
    life_lost = CountingGame(lives=falling(23), single_life_episodes=True, max_episode_frames=24)
    for game in (over, life_lost):
        game.reset()
        assert game.hold(1, 5)[2:] == (True, 2)
        assert not game.truncated


def test_the_default_frame_limit_is_thirty_minutes_of_play():
    assert CountingGame().max_episode_frames == 30 * 60 * 60


class GameOfLengths(CountingGame):
    """A counting game whose games have the given lengths in frames; those after them do not end."""

    def __init__(self, *lengths, **settings):
        super().__init__(**settings)
        self.lengths = list(lengths)

    def _start(self):
        super()._start()
        self.length = self.lengths.pop(0) if self.lengths else FOREVER


def test_a_game_that_ends_while_the_stack_is_filled_starts_again():
    game = GameOfLengths(9, 16, 17)
    assert shown(game.reset()) == pooled(3, 4, 8, 12, 16)
    assert game.step(1)[2] and not game.truncated


def test_a_game_that_ends_during_the_no_ops_starts_again_with_other_no_ops():
    games = [GameOfLengths(*lengths, seed=3, random_start=True) for lengths in ((), (1,), (1, 1))]
    starts = [game.reset() for game in games]
    assert [game.game for game in games] == [1, 2, 3]
    assert len({game.frame for game in games}) == 3
    assert [shown(start)[-1] for start in starts] == [pooled(game.game, game.frame)[0] for game in games]
    assert not any(game.step(0)[2] for game in games)


def test_a_game_that_never_survives_the_start_shows_its_first_picture():
    game = GameOfLengths(*[5] * 100, random_start=True)
    for last in (12, 24):
        assert shown(game.reset()) == [brightness(last, 0)] * 4
        assert game.game == last == (MAX_RESTARTS + 2) * last // 12 and game.pressed == []
        assert [game.step(1)[2] for _ in range(2)] == [False, True]


def test_an_episode_that_the_platform_truncates_in_the_start_starts_again():
    class Truncated(CountingGame):
        def _is_truncated(self):
            return self.game < 3 and self.frame >= 16

    game = Truncated()
    assert shown(game.reset()) == pooled(3, 4, 8, 12, 16)


def test_frames_of_a_start_that_fails_do_not_count():
    seen = []
    game = GameOfLengths(9)
    game.on_frame = lambda screen: seen.append(screen[0, 0].tolist())
    game.on_restart = seen.clear
    game.reset()
    assert seen == colours_of([brightness(2, frame) for frame in range(1, 17)]).tolist()
    game.lengths = [5] * (MAX_RESTARTS + 2)
    seen.clear()
    game.reset()
    assert seen == colours_of([brightness(game.game, 0)]).tolist()
