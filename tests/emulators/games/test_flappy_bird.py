"""Tests FlappyBird step by step."""

import numpy as np
import pytest

from emulators.games.flappy_bird import BIRDS, PIPES, SCENES, FlappyBird

FLAP, NOOP = 0, 1
FAR = 200  # column of a pipe that is far from the bird


@pytest.fixture
def game():
    game = FlappyBird()
    game.reset(seed=1)
    return game


def glide(game, steps):
    """Play no-ops while the bird stays in the middle of gaps at the same height; return the rewards."""
    rewards = []
    for _ in range(steps):
        game.state |= {"y": 150, "velocity": 0}
        game.state["pipes"] = [[x, 112] for x, _ in game.state["pipes"]]
        rewards.append(game.advance(NOOP))
    return rewards


def rows(game, actions):
    course = []
    for action in actions:
        game.advance(action)
        course.append(game.state["y"])
    return course


def box_of_change(first, second):
    """Return the smallest box around all pixels that differ: left, top, right, bottom, the last two exclusive."""
    where = np.argwhere((first != second).any(axis=2))
    (top, left), (bottom, right) = where.min(axis=0), where.max(axis=0) + 1
    return left, top, right, bottom


@pytest.mark.parametrize("first", [FLAP, NOOP])  # the bird starts as if it had flapped
def test_a_flap_moves_the_bird_up_until_gravity_pulls_it_down(game, first):
    assert rows(game, [first] + [NOOP] * 3) == [248, 240, 233, 227]
    assert rows(game, [FLAP] * 5) == [219, 219, 211, 211, 203]


def test_the_bird_falls_at_most_ten_pixels_per_step(game):
    course = rows(game, [NOOP] * 25)
    falls = [later - earlier for earlier, later in zip(course, course[1:], strict=False)]
    assert falls == [-8, *range(-7, 11), 10, 10, 10, 10, 10]


def test_pipes_score_and_return_in_these_steps(game):
    wraps, rewards = [], []
    for step in range(1, 181):
        before = [x for x, _ in game.state["pipes"]]
        rewards += glide(game, 1)
        if any(pipe[0] > x for pipe, x in zip(game.state["pipes"], before, strict=True)):
            wraps.append(step)
    assert wraps == [100, 136, 172]
    assert [step for step, reward in enumerate(rewards, 1) if reward == 1] == [66, 102, 138, 179]
    assert sum(rewards) == 4 and not game.over


def test_later_pipes_are_144_144_and_164_pixels_apart(game):
    glide(game, 172)
    first, second, third = (x for x, _ in game.state["pipes"])
    assert (second - first, third - second) == pytest.approx((144, 144))
    glide(game, 41)
    first, second, third = (x for x, _ in game.state["pipes"])
    assert first - third == pytest.approx(164)


def test_a_pipe_that_returns_has_a_new_gap(game):
    gaps = set()
    for _ in range(3000):
        game.state["pipes"][0] = [-56, 0]
        game._move_pipes()
        assert game.state["pipes"][0][0] == pytest.approx(393.6)
        gaps.add(game.state["pipes"][0][1])
    assert gaps == set(range(25, 193))


@pytest.mark.parametrize(("x", "hit"), [(31, False), (32, True), (99.6, True), (100, False)])
@pytest.mark.parametrize(("y", "outside"), [(120, True), (121, False), (196, False), (197, True)])
def test_a_pipe_kills_above_and_below_its_gap(game, x, hit, y, outside):
    game.state |= {"y": y, "pipes": [[FAR, 120], [x, 120], [FAR, 120]]}
    reward = game.advance(NOOP)
    assert game.over == (hit and outside)
    assert reward == (-5 if game.over else 0)


def test_the_last_step_can_score(game):
    game.state |= {"y": 90, "pipes": [[80, 120], [FAR, 120], [FAR, 120]]}
    assert game.advance(NOOP) == -4 and game.over
    assert game.advance(FLAP) == 0


@pytest.mark.parametrize(("y", "dead"), [(-5, True), (0, True), (1, False), (380, False), (381, True)])
def test_ceiling_and_ground_kill(game, y, dead):
    game.state["y"] = y
    assert game.advance(NOOP) == (-5 if dead else 0)
    assert game.over == dead


def test_far_above_the_picture_a_flap_does_nothing(game):
    game.state |= {"y": -48, "velocity": 5, "thrust": True}
    game.advance(FLAP)
    assert game.state["y"] == -43


def test_the_ground_repeats_after_thirteen_steps(game):
    offsets = []
    for _ in range(14):
        glide(game, 1)
        offsets.append(game.state["ground"])
    assert offsets == [*range(-4, -49, -4), 0, -4]


def test_a_new_episode_has_the_same_start_and_random_looks(game):
    looks = set()
    for _ in range(200):
        game.advance(FLAP)
        game.start()
        assert (game.state["y"], game.state["velocity"], game.state["ground"]) == (256, 0, 0)
        assert [x for x, _ in game.state["pipes"]] == [340, 484, 628]
        looks.add((game.state["scene"], game.state["bird"], game.state["pipe"]))
    assert looks == {(scene, bird, pipe) for scene in SCENES for bird in BIRDS for pipe in PIPES}


def test_the_bird_is_drawn_where_it_collides(game):
    """Its middle is column 57, so its beak is 17 columns ahead and meets a pipe when the pipe begins to kill."""
    game.state["y"] = 600
    empty = game.draw().copy()
    game.state["y"] = 100
    assert box_of_change(empty, game.draw()) == (40, 100, 74, 124)
    assert (game.draw()[:100] == empty[:100]).all()


def test_a_pipe_is_drawn_where_it_collides(game):
    game.state |= {"y": 600, "pipes": [[500, 120]] * 3}
    empty = game.draw().copy()
    game.state["pipes"][0] = [97.6, 120]
    picture = game.draw()
    assert box_of_change(empty, picture) == (71, 0, 123, 404)
    assert (picture[120:220] == empty[120:220]).all()
    assert (picture[[119, 220], 71:123] != empty[[119, 220], 71:123]).any(axis=2).all()


@pytest.mark.parametrize("x", [-25, 0, 287, 313])
def test_pipes_may_be_partly_outside_the_picture(game, x):
    game.state |= {"y": 600, "pipes": [[-100, 120]] * 3}
    empty = game.draw().copy()
    game.state["pipes"] = [[x, 120]] * 3
    assert box_of_change(empty, game.draw())[::2] == (max(x - 26, 0), min(x + 26, 288))


def test_wings_beat_every_fifteen_steps(game):
    pictures = []
    for steps in (0, 14, 15, 30, 45):
        game.state["steps"] = steps
        pictures.append(game.draw().tobytes())
    assert pictures[0] == pictures[1] == pictures[4]
    assert len(set(pictures)) == 3


def test_scenes_and_ground_have_their_colours(game):
    for scene, sky in (("day", (78, 192, 202)), ("night", (0, 135, 147))):
        game.state["scene"] = scene
        picture = game.draw()
        assert tuple(picture[3, 5]) == sky
        assert (picture[426:] == (222, 216, 149)).all()
