"""Tests an episode as the agent sees it: observations, random starts, repeated actions and `on_frame`."""

from collections import Counter

import numpy as np
import pytest

from emulators import seeds
from emulators.seeds import NEW_EPISODES
from tests.helpers.counting_game import CountingGame, CountingGameWithoutNoop, brightness, colours_of, pooled, shown


def test_the_maximum_comes_sometimes_from_the_first_and_sometimes_from_the_second_frame():
    # Otherwise the counting game could not reveal an error.
    differences = [np.sign(brightness(1, frame) - brightness(1, frame - 1)) for frame in range(4, 200, 4)]
    assert 10 < differences.count(1) < 40
    assert len({tuple(pooled(1, *range(end, end + 16, 4))) for end in range(4, 150)}) > 140


def test_a_play_presses_its_action_for_four_frames():
    game = CountingGame()
    game.reset()
    game.pressed.clear()
    game.step(2)
    game.step(1)
    assert game.pressed == [2, 2, 2, 2, 1, 1, 1, 1]


def test_a_reset_without_random_start_is_four_plays_of_the_noop():
    game = CountingGame()
    observation = game.reset()
    assert game.pressed == [0] * 16
    assert observation.shape == (84, 84, 4) and observation.dtype == np.uint8
    assert shown(observation) == pooled(1, 4, 8, 12, 16)


def test_the_noop_is_that_of_the_platform():
    game = CountingGame()
    game.noop = 2
    game.reset()
    assert game.pressed == [2] * 16


def test_every_play_pushes_the_maximum_of_its_last_two_frames():
    game = CountingGame()
    game.reset()
    for end in range(20, 80, 4):
        observation, reward, done = game.step(1)
        assert shown(observation) == pooled(1, end - 12, end - 8, end - 4, end)
        assert reward == 4 * 1000 + end + (end - 1) + (end - 2) + (end - 3)
        assert not done
        np.testing.assert_array_equal(observation, game.observation)


def test_rgb_observations_pool_each_channel_and_keep_its_frames_together():
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


def test_observations_that_were_returned_do_not_change():
    game = CountingGame()
    given = [game.reset()] + [game.step(1)[0] for _ in range(6)] + [game.reset(), game.step(0)[0]]
    expected = [pooled(1, *range(end - 12, end + 1, 4)) for end in range(16, 44, 4)]
    expected += [pooled(2, *range(end - 12, end + 1, 4)) for end in (16, 20)]
    assert [shown(observation) for observation in given] == expected


def test_random_starts_are_uniform_from_0_to_30_frames():
    game = CountingGame(random_start=True, seed=7)
    counts: Counter[int] = Counter()
    for _ in range(1550):
        game.reset()
        assert game.pressed == [0] * game.frame
        counts[game.frame - 16] += 1
    assert set(counts) == set(range(31))
    assert min(counts.values()) > 15 and max(counts.values()) < 90  # 50 each, within five standard deviations of 7


def test_the_frames_after_a_random_start_fill_the_stack():
    game = CountingGame(random_start=True, seed=7)
    for number in range(1, 20):
        observation = game.reset()
        assert shown(observation) == pooled(number, *range(game.frame - 12, game.frame + 1, 4))


def starts(seed, **settings) -> list[int]:
    """Return the number of no-op frames at the start of each of 30 episodes."""
    game = CountingGame(random_start=True, seed=seed, **settings)
    frames = []
    for _ in range(30):
        game.reset()
        frames.append(game.frame - 16)
    return frames


def test_random_starts_depend_on_the_seed():
    assert starts(5) == starts(5)
    assert starts([5, 1]) == starts([5, 1])
    assert len({tuple(starts(seed)) for seed in (5, 6, [5, 1], [5, 2], [6, 1])}) == 5


def test_without_a_noop_or_a_random_start_no_noops_are_reported():
    assert CountingGameWithoutNoop(random_start=True).max_random_noops == 0
    assert CountingGame(random_start=False).max_random_noops == 0


@pytest.mark.parametrize("max_noops", [0, 1, 3])
def test_max_noops_bounds_the_random_start(max_noops):
    assert CountingGame(random_start=True, max_noops=max_noops).max_random_noops == max_noops
    assert set(starts(1, max_noops=max_noops)) == set(range(max_noops + 1))


def test_without_a_noop_the_first_screen_fills_the_stack():
    game = CountingGameWithoutNoop(random_start=True)
    for number in range(1, 4):
        assert shown(game.reset()) == [brightness(number, 0)] * 4
        assert game.pressed == []
        np.testing.assert_array_equal(game.screen()[..., 0], np.full((2, 3), brightness(number, 0)))
        assert shown(game.step(1)[0]) == [brightness(number, 0)] * 3 + pooled(number, 4)


@pytest.mark.parametrize("rgb", [False, True])
@pytest.mark.parametrize("repeats", [0, 1, 2, 3, 4, 5, 9, 30])
def test_holding_an_action_is_the_same_as_stepping_it_repeatedly(repeats, rgb):
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
    assert done  # 54 frames after the reset, so after 14 decisions at the latest


def test_on_frame_is_called_with_every_frame_shown():
    game = CountingGame(random_start=True, seed=3)
    frames: list[np.ndarray] = []
    game.on_frame = frames.append
    game.reset()
    assert game.frame > 16  # there are random no-ops
    game.step(1)
    game.hold(2, 6)
    assert len(frames) == game.frame
    for number, frame in enumerate(frames, start=1):
        assert frame.shape == (2, 3, 3) and frame.dtype == np.uint8
        np.testing.assert_array_equal(frame, np.broadcast_to(colours_of(brightness(1, number)), (2, 3, 3)))


def test_without_a_noop_on_frame_gets_the_first_screen():
    game = CountingGameWithoutNoop()
    frames: list[np.ndarray] = []
    game.on_frame = frames.append
    game.reset()
    game.step(1)
    assert [frame[0, 0, 0] for frame in frames] == [brightness(1, number) for number in range(5)]


def test_on_frame_changes_nothing():
    watched, alone = CountingGame(random_start=True, seed=3), CountingGame(random_start=True, seed=3)
    watched.on_frame = lambda frame: frame.fill(0)  # the array belongs to the callee
    np.testing.assert_array_equal(watched.reset(), alone.reset())
    for action in (1, 2, 0):
        for mine, theirs in zip(watched.hold(action, action), alone.hold(action, action), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(watched.screen(), alone.screen())


def test_the_screen_is_the_last_frame_alone_and_a_new_array():
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
    screen.fill(0)  # the array belongs to the caller
    np.testing.assert_array_equal(game.screen(), expected)


def test_no_two_emulators_of_a_run_and_its_tests_have_the_same_seed():
    numbers = range(3)
    training = [[5, index] for index in numbers] + [[5, NEW_EPISODES, 7, index] for index in numbers]
    others = [of(5, number) for of in (seeds.evaluation_seed, seeds.periodic_evaluation_seed) for number in numbers]
    assert len({tuple(seed) for seed in [*training, *others, seeds.film_seed(5)]}) == 4 * 3 + 1
