"""The protocol of an episode, on a game that counts its frames and writes down everything that is done to it."""

import json
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from emulators.emulator import Emulator

FOREVER = 10**9


def brightness(game: int, frame: int) -> int:
    """What a counting game shows: no rising row, so that a maximum can come from either of two frames."""
    return (91 * frame + 17 * game) % 251


def colours_of(values) -> np.ndarray:
    """Three colours for each brightness, of which green falls where red rises."""
    values = np.asarray(values, np.uint8)
    return np.stack([values, 255 - values, values // 2], -1)


class CountingGame(Emulator):
    """Shows a brightness that tells game and frame; the reward of a frame tells the frame and the action."""

    num_actions = 3

    def __init__(self, *, length: int = FOREVER, lives: Callable[[int], int] = lambda frame: 0, **settings):
        super().__init__(**self.screens(), **{"seed": 0, "random_start": False} | settings)
        self.length = length
        self.lives_at = lives
        self.game = 0
        self.frame = 0
        self.pressed: list[int] = []
        self.stale = False

    def screens(self) -> dict:
        shades = np.arange(256, dtype=np.uint8)
        return {"screen_shape": (2, 3), "colours": colours_of(shades), "luminances": shades}

    def _start(self) -> None:
        self.game += 1
        self.frame = 0
        self.stale = False
        self.pressed.clear()

    def _press(self, action: int) -> float:
        self.pressed.append(action)
        self.stale = False
        if self._is_over():
            return 0.0
        self.frame += 1
        return 1000.0 * action + self.frame

    def _show(self, screen: np.ndarray) -> None:
        screen[...] = 255 if self.stale else brightness(self.game, self.frame)

    def _is_over(self) -> bool:
        return self.frame >= self.length

    def _lives(self) -> int:
        return self.lives_at(self.frame)

    def _save(self) -> bytes:
        return json.dumps([self.game, self.frame]).encode()

    def _load(self, state: bytes) -> None:
        self.game, self.frame = json.loads(state)
        self.stale = True  # as ALE, which shows what it was loaded with only after the next frame


class CountingGameWithoutNoop(CountingGame):
    noop = None


def shown(observation: np.ndarray) -> list[int]:
    """The brightness of each frame of an observation that is of one brightness all over."""
    np.testing.assert_array_equal(observation, np.broadcast_to(observation[0, 0], observation.shape))
    return observation[0, 0].tolist()


def pooled(game: int, *last_frames: int) -> list[int]:
    """The frames an agent must see when its decisions ended with these frames of the game."""
    return [max(brightness(game, frame - 1), brightness(game, frame)) for frame in last_frames]


def test_the_maximum_comes_now_from_the_first_and_now_from_the_second_frame():
    # The counting game must be able to tell right from wrong.
    differences = [np.sign(brightness(1, frame) - brightness(1, frame - 1)) for frame in range(4, 200, 4)]
    assert 10 < differences.count(1) < 40
    assert len({tuple(pooled(1, *range(end, end + 16, 4))) for end in range(4, 150)}) > 140


def test_a_decision_presses_its_action_for_four_frames():
    game = CountingGame()
    game.reset()
    game.pressed.clear()
    game.step(2)
    game.step(1)
    assert game.pressed == [2, 2, 2, 2, 1, 1, 1, 1]


def test_a_reset_without_random_start_is_four_decisions_of_the_noop():
    game = CountingGame()
    observation = game.reset()
    assert game.pressed == [0] * 16
    assert observation.shape == (84, 84, 4) and observation.dtype == np.uint8
    assert shown(observation) == pooled(1, 4, 8, 12, 16)


def test_the_noop_is_the_one_of_the_platform():
    game = CountingGame()
    game.noop = 2
    game.reset()
    assert game.pressed == [2] * 16


def test_every_decision_pushes_the_maximum_of_its_last_two_frames():
    game = CountingGame()
    game.reset()
    for end in range(20, 80, 4):
        observation, reward, done = game.step(1)
        assert shown(observation) == pooled(1, end - 12, end - 8, end - 4, end)
        assert reward == 4 * 1000 + end + (end - 1) + (end - 2) + (end - 3)
        assert not done
        np.testing.assert_array_equal(observation, game.observation)


def test_rgb_observations_pool_each_colour_and_keep_colours_together():
    game = CountingGame(rgb=True)
    game.reset()
    observation, _, _ = game.step(0)
    ends = [8, 12, 16, 20]
    reds = pooled(1, *ends)
    greens = [255 - min(brightness(1, end - 1), brightness(1, end)) for end in ends]
    blues = [red // 2 for red in reds]
    assert observation.shape == (84, 84, 12)
    assert shown(observation) == reds + greens + blues


def test_a_platform_may_have_its_own_frame_skip_and_pooling():
    class QuickGame(CountingGame):
        frame_skip = 1
        pooled_frames = 1

    game = QuickGame()
    assert shown(game.reset()) == [brightness(1, frame) for frame in (1, 2, 3, 4)]
    assert shown(game.step(1)[0]) == [brightness(1, frame) for frame in (2, 3, 4, 5)]
    assert game.pressed == [0, 0, 0, 0, 1]


def test_observations_given_out_stay_as_they_were():
    game = CountingGame()
    given = [game.reset()] + [game.step(1)[0] for _ in range(6)] + [game.reset(), game.step(0)[0]]
    expected = [pooled(1, *range(end - 12, end + 1, 4)) for end in range(16, 44, 4)]
    expected += [pooled(2, *range(end - 12, end + 1, 4)) for end in (16, 20)]
    assert [shown(observation) for observation in given] == expected


def test_random_starts_are_uniform_from_none_to_thirty_frames():
    game = CountingGame(random_start=True, seed=7)
    counts: Counter[int] = Counter()
    for _ in range(1550):
        game.reset()
        assert game.pressed == [0] * game.frame
        counts[game.frame - 16] += 1
    assert set(counts) == set(range(31))
    assert min(counts.values()) > 15 and max(counts.values()) < 90  # 50 each, give or take five deviations of 7


def test_the_frames_after_a_random_start_fill_the_stack():
    game = CountingGame(random_start=True, seed=7)
    for number in range(1, 20):
        observation = game.reset()
        assert shown(observation) == pooled(number, *range(game.frame - 12, game.frame + 1, 4))


def starts(seed, **settings) -> list[int]:
    """How many frames of no-op each of many episodes began with."""
    game = CountingGame(random_start=True, seed=seed, **settings)
    frames = []
    for _ in range(30):
        game.reset()
        frames.append(game.frame - 16)
    return frames


def test_random_starts_follow_the_seed():
    assert starts(5) == starts(5)
    assert starts([5, 1]) == starts([5, 1])
    assert len({tuple(starts(seed)) for seed in (5, 6, [5, 1], [5, 2], [6, 1])}) == 5


@pytest.mark.parametrize("most", [0, 1, 3])
def test_max_noops_bounds_the_random_start(most):
    assert set(starts(1, max_noops=most)) == set(range(most + 1))


def test_where_there_is_no_noop_the_first_screen_fills_the_stack():
    game = CountingGameWithoutNoop(random_start=True)
    for number in range(1, 4):
        assert shown(game.reset()) == [brightness(number, 0)] * 4
        assert game.pressed == []
        np.testing.assert_array_equal(game.screen()[..., 0], np.full((2, 3), brightness(number, 0)))
        assert shown(game.step(1)[0]) == [brightness(number, 0)] * 3 + pooled(number, 4)


@pytest.mark.parametrize("rgb", [False, True])
@pytest.mark.parametrize("repeats", [0, 1, 2, 3, 4, 5, 9, 30])
def test_holding_an_action_is_repeating_its_decision(repeats, rgb):
    holding, stepping = CountingGame(length=70, rgb=rgb), CountingGame(length=70, rgb=rgb)
    holding.reset()
    stepping.reset()
    for action in (1, 2, 1, 0, 2, 1, 0, 2, 1, 2, 2, 1, 1, 2):
        rewards = []
        for _ in range(1 + repeats):
            expected, reward, done = stepping.step(action)
            rewards.append(reward)
            if done:
                break
        observation, reward, held_done, plays = holding.hold(action, repeats)
        np.testing.assert_array_equal(observation, expected)
        assert (reward, held_done, plays) == (sum(rewards), done, len(rewards))
        np.testing.assert_array_equal(holding.screen(), stepping.screen())
        if done:
            break
    assert done  # 54 frames after reset: after 14 decisions at the latest


def test_a_hold_that_outlasts_the_episode_stops_with_it():
    game = CountingGame(length=16 + 4 * 6 + 2)
    game.reset()
    observation, reward, done, plays = game.hold(1, 10)
    assert (done, plays) == (True, 7)
    assert reward == 26 * 1000 + sum(range(17, 43))
    assert not game.cut
    # The last decision ends in the middle: the frames after the end show the last screen.
    assert shown(observation) == pooled(1, 32, 36, 40) + [brightness(1, 42)]


def test_a_game_that_is_over_ends_the_episode_after_that_decision():
    game = CountingGame(length=24)
    game.reset()
    assert not game.step(1)[2]
    assert game.step(1)[2]
    assert game.done and not game.cut


def test_stepping_an_episode_that_is_over_is_an_error():
    game = CountingGame(length=20)
    with pytest.raises(RuntimeError, match="reset"):
        game.step(0)  # none has begun
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


def falling(*frames: int) -> Callable[[int], int]:
    """Three lives, one of which is lost at each of these frames."""
    return lambda frame: 3 - sum(frame >= loss for loss in frames)


def test_a_lost_life_ends_the_episode_with_single_life_episodes():
    game = CountingGame(lives=falling(22, 30), single_life_episodes=True)
    game.reset()
    assert not game.step(1)[2]
    assert game.step(1)[2]
    assert not game.cut
    # A full reset: the next game begins at its first frame, with all lives.
    assert shown(game.reset()) == pooled(2, 4, 8, 12, 16)
    assert not game.step(1)[2]


def test_a_lost_life_is_nothing_without_single_life_episodes():
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


def test_a_life_won_is_one_that_can_be_lost():
    game = CountingGame(lives=lambda frame: 4 if 18 <= frame < 30 else 3, single_life_episodes=True)
    game.reset()
    assert [game.step(1)[2] for _ in range(4)] == [False, False, False, True]


def test_a_life_lost_while_an_action_is_held_stops_it():
    game = CountingGame(lives=falling(26), single_life_episodes=True)
    game.reset()
    assert game.hold(1, 9)[2:] == (True, 3)


def test_an_episode_is_cut_at_the_frame_cap():
    game = CountingGame(max_episode_frames=26)
    game.reset()
    assert [(game.step(1)[2], game.cut) for _ in range(3)] == [(False, False), (False, False), (True, True)]
    game.reset()
    assert not game.done and not game.cut


def test_the_cap_is_tested_while_an_action_is_held():
    game = CountingGame(max_episode_frames=32)
    game.reset()
    assert game.hold(1, 10)[2:] == (True, 4)
    assert game.cut


@pytest.mark.parametrize("seed", range(6))
def test_the_cap_counts_the_noops_of_the_start(seed):
    game = CountingGame(random_start=True, seed=seed, max_episode_frames=100)
    for _ in range(3):
        game.reset()
        game.hold(1, 99)
        assert game.cut
        assert 100 <= game.frame < 104


def test_a_cap_within_the_start_cuts_after_the_first_decision():
    game = CountingGame(max_episode_frames=1)
    game.reset()
    assert game.hold(1, 5)[2:] == (True, 1)
    assert game.cut


def test_the_cap_counts_no_noops_where_there_is_none():
    game = CountingGameWithoutNoop(max_episode_frames=12)
    game.reset()
    assert game.hold(1, 5)[2:] == (True, 3)


def test_a_game_that_is_over_just_at_the_cap_is_not_cut():
    over = CountingGame(length=24, max_episode_frames=24)
    life_lost = CountingGame(lives=falling(23), single_life_episodes=True, max_episode_frames=24)
    for game in (over, life_lost):
        game.reset()
        assert game.hold(1, 5)[2:] == (True, 2)
        assert not game.cut


def test_the_cap_is_thirty_minutes_of_play_unless_said_otherwise():
    assert CountingGame().max_episode_frames == 30 * 60 * 60


def test_on_frame_is_called_with_every_frame_shown():
    game = CountingGame(random_start=True, seed=3)
    frames: list[np.ndarray] = []
    game.on_frame = frames.append
    game.reset()
    assert game.frame > 16  # the start is a random one
    game.step(1)
    game.hold(2, 6)
    assert len(frames) == game.frame
    for number, frame in enumerate(frames, start=1):
        assert frame.shape == (2, 3, 3) and frame.dtype == np.uint8
        np.testing.assert_array_equal(frame, np.broadcast_to(colours_of(brightness(1, number)), (2, 3, 3)))


def test_on_frame_sees_the_first_screen_where_there_is_no_noop():
    game = CountingGameWithoutNoop()
    frames: list[np.ndarray] = []
    game.on_frame = frames.append
    game.reset()
    game.step(1)
    assert [frame[0, 0, 0] for frame in frames] == [brightness(1, number) for number in range(5)]


def test_to_be_watched_changes_nothing():
    watched, alone = CountingGame(random_start=True, seed=3), CountingGame(random_start=True, seed=3)
    watched.on_frame = lambda frame: frame.fill(0)  # the frame is the watcher's own
    np.testing.assert_array_equal(watched.reset(), alone.reset())
    for action in (1, 2, 0):
        for mine, theirs in zip(watched.hold(action, action), alone.hold(action, action), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(watched.screen(), alone.screen())


def test_screen_is_the_last_frame_alone_and_a_new_array():
    game = CountingGame()
    game.reset()
    game.hold(1, 5)
    before = game.screen()
    np.testing.assert_array_equal(before, np.broadcast_to(colours_of(brightness(1, game.frame)), (2, 3, 3)))
    game.step(1)
    before.fill(0)
    assert game.screen()[0, 0, 0] == brightness(1, game.frame)


class ColourGame(CountingGame):
    """The counting game on a platform whose screens are RGB already."""

    def screens(self) -> dict:
        return {"screen_shape": (5, 7, 3)}

    def _show(self, screen: np.ndarray) -> None:
        screen[...] = colours_of(brightness(self.game, self.frame))


def test_a_platform_may_show_rgb_screens():
    game = ColourGame(rgb=True)
    game.reset()
    observation, _, _ = game.step(0)
    reds = pooled(1, 8, 12, 16, 20)
    assert shown(observation)[:4] == reds and shown(observation)[8:] == [red // 2 for red in reds]
    expected = np.broadcast_to(colours_of(brightness(1, 20)), (5, 7, 3))
    screen = game.screen()
    np.testing.assert_array_equal(screen, expected)
    screen.fill(0)  # the caller's own
    np.testing.assert_array_equal(game.screen(), expected)


SETTINGS = {"random_start": True, "single_life_episodes": True, "max_episode_frames": 150}


def saving_game(seed: int, rgb: bool = False) -> CountingGame:
    # Episodes end at a lost life in even games and at the cap in odd ones.
    game = CountingGame(seed=seed, rgb=rgb, **SETTINGS)
    game.lives_at = lambda frame: 3 - (frame > 90 and game.game % 2 == 0)
    return game


def future(game: CountingGame) -> list:
    """All that can be seen of the next decisions, over several episodes."""
    seen = []
    for decision in range(80):
        if game.done:
            seen += [shown(game.reset()), game.frame]
        observation, reward, done, plays = game.hold(decision % 3, decision % 4)
        seen += [shown(observation), reward, done, plays, game.cut, game.screen().tolist()]
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
    other = saving_game(seed=99, rgb=rgb)  # its own random starts must be gone
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


def test_loading_leaves_observations_given_out_as_they_were():
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


@pytest.mark.parametrize("cut", [False, True])
def test_an_episode_that_is_over_is_still_over_when_loaded(cut):
    game = CountingGame(length=FOREVER if cut else 20, max_episode_frames=20)
    game.reset()
    game.step(1)
    other = CountingGame()
    other.load_state(game.save_state())
    assert (other.done, other.cut) == (True, cut)
    with pytest.raises(RuntimeError, match="reset"):
        other.step(1)
    other.reset()
    assert not other.cut
