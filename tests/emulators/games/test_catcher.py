"""Tests Catcher step by step."""

import pytest

from emulators.games.catcher import Catcher

LEFT, RIGHT, NOOP = 0, 1, 2


@pytest.fixture
def game():
    game = Catcher()
    game.reset(seed=1)
    game.state |= {"fruit_x": 8, "fruit_y": -28}
    return game


@pytest.mark.parametrize(
    ("action", "course"),
    [(RIGHT, [26, 28, 31, 35, 39, 44, 50, 51]), (LEFT, [23, 20, 16, 11, 6, 0, 0, 0]), (NOOP, [25] * 4)],
)
def test_the_paddle_accelerates_and_stops_at_the_edges(game, action, course):
    positions = []
    for _ in course:
        game.advance(action)
        positions.append(game.state["paddle"])
    assert positions == course


def test_after_one_push_to_the_left_the_paddle_slides_to_the_edge(game):
    game.advance(LEFT)
    for _ in range(30):
        game.advance(NOOP)
    assert game.state["paddle"] == 0


def test_a_fruit_falls_and_a_miss_costs_a_life(game):
    game.state |= {"fruit_x": 52, "fruit_y": -8}
    rows, rewards = [], []
    for _ in range(36):
        rewards.append(game.advance(NOOP))
        rows.append(game.state["fruit_y"])
    assert rows[:5] == [-5, -2, 0, 2, 4] and rows[34] == 64
    assert rewards == [0.0] * 35 + [-1.0]
    assert game.state["lives"] == 2 and rows[35] < 0


@pytest.mark.parametrize("offset", [-8, -7, 0, 8, 9])
def test_a_fruit_is_caught_if_it_meets_the_paddle(game, offset):
    game.state |= {"fruit_x": 25 + offset, "fruit_y": 40}
    rewards = [game.advance(NOOP) for _ in range(9)]
    assert sum(rewards) == (1 if -7 <= offset <= 8 else 0)
    assert rewards.index(1.0) == 8 if -7 <= offset <= 8 else True


def test_the_third_miss_ends_the_game(game):
    rewards = []
    for _ in range(3):
        game.state |= {"fruit_x": 52, "fruit_y": 64}
        rewards.append(game.advance(NOOP))
    assert rewards == [-1.0, -1.0, -6.0] and game.over
    assert game.advance(NOOP) == 0.0


def test_fruit_starts_above_the_picture_in_one_of_twelve_columns(game):
    columns, rows = set(), set()
    for _ in range(500):
        fruit = game._new_fruit()
        columns.add(fruit["fruit_x"])
        rows.add(fruit["fruit_y"])
    assert columns == set(range(8, 53, 4)) and rows == set(range(-28, -3, 4))


def test_paddle_and_fruit_are_drawn_where_they_are(game):
    game.state |= {"fruit_x": 8, "fruit_y": 10}
    picture = game.draw()
    assert (picture[58:61, 25:38] == 255).all() and not picture[58:61, 38:].any()
    assert (picture[10:14, 8:12] == (255, 120, 120)).all() and not picture[14:58].any()


def test_the_paddle_leaves_the_edge_at_once(game):
    for _ in range(12):
        game.advance(RIGHT)
    assert game.state["paddle"] == 51
    game.advance(LEFT)
    assert game.state["paddle"] == 49  # 51 - 0.9 * 1.344
