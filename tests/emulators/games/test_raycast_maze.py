"""Tests RaycastMaze step by step, by a search for the target, and against a slower way to draw the view."""

import math
from collections import deque

import numpy as np
import pytest

from emulators.games.raycast_maze import RaycastMaze

FORWARD, LEFT, RIGHT, BACKWARD, NOOP = range(5)
FREE, WALL, TARGET = 0, 1, 2


@pytest.fixture
def game():
    game = RaycastMaze()
    game.reset(seed=1)
    return game


@pytest.fixture
def hall(game):
    """A game in an empty hall of 9x9 cells, with the player in the middle and the target far to the left."""
    maze = [[int(row in (0, 10) or column in (0, 10)) for column in range(11)] for row in range(11)]
    maze[5][0] = TARGET
    game.state = {"maze": maze, "target": [5, 0], "row": 5.5, "column": 5.5, "angle": 0.0, "won": False}
    return game


def reachable(maze):
    """Return the free cells that can be reached from (1, 1)."""
    found, open_cells = {(1, 1)}, [(1, 1)]
    while open_cells:
        row, column = open_cells.pop()
        for cell in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if cell not in found and maze[cell[0]][cell[1]] == FREE:
                found.add(cell)
                open_cells.append(cell)
    return found


# The maze and the start.


@pytest.mark.parametrize("seed", range(30))
def test_a_maze_is_connected_and_the_target_is_one_of_its_walls(game, seed):
    game.reset(seed=seed)
    maze = np.array(game.state["maze"])
    assert maze.shape == (11, 11) and (maze[1::2, 1::2] == FREE).all()
    walls = maze != FREE
    assert walls[0].all() and walls[-1].all() and walls[:, 0].all() and walls[:, -1].all()
    free = reachable(maze)
    assert len(free) == (~walls).sum()
    row, column = game.state["target"]
    assert np.argwhere(maze == TARGET).tolist() == [[row, column]]
    assert {(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)} & free


def test_walls_are_one_cell_thick_and_cover_most_even_cells(game):
    """There is no block of 2x2 walls, and fewer than 2 cells with even row and column stay free on average."""
    free_even_cells = []
    for seed in range(20):
        game.reset(seed=seed)
        walls = np.array(game.state["maze"]) != FREE
        assert not (walls[:-1, :-1] & walls[1:, :-1] & walls[:-1, 1:] & walls[1:, 1:]).any()
        free_even_cells.append((~walls[::2, ::2]).sum())
    assert np.mean(free_even_cells) < 2


def test_the_player_starts_in_the_corner_with_the_target_out_of_view(game):
    angles, targets = [], set()
    for seed in range(40):
        game.reset(seed=seed)
        state = game.state
        assert (state["row"], state["column"]) == (1.0, 1.0)
        down, right = (middle + 0.5 - 1 for middle in state["target"])
        assert math.acos(down * math.cos(state["angle"]) / math.hypot(down, right)) >= 1.5
        angles.append(state["angle"])
        targets.add(tuple(state["target"]))
    assert set(angles) == {0.0, math.pi} and angles.count(math.pi) > 20
    assert len(targets) > 20


# Movement.


def test_a_step_is_two_thirds_of_a_cell_and_a_turn_13_thirtieths_of_a_radian(hall):
    hall.advance(FORWARD)
    assert hall.state["row"] == pytest.approx(5.5 + 2 / 3) and hall.state["column"] == 5.5
    hall.advance(RIGHT)
    assert hall.state["angle"] == pytest.approx(math.radians(24.8282), abs=1e-5)
    hall.advance(FORWARD)
    assert hall.state["column"] == pytest.approx(5.5 + 2 / 3 * math.sin(13 / 30))
    hall.advance(BACKWARD)
    hall.advance(LEFT)
    hall.advance(BACKWARD)
    hall.advance(NOOP)
    assert (hall.state["row"], hall.state["column"]) == pytest.approx((5.5, 5.5))
    assert hall.state["angle"] == 0.0


@pytest.mark.parametrize("block", [WALL, TARGET])
def test_a_move_into_a_wall_is_not_made_at_all(hall, block):
    hall.state["maze"][7][5] = block
    hall.state |= {"row": 6.5, "angle": 0.5}
    before = hall.state | {}
    hall.advance(FORWARD)
    assert hall.state == before


def test_a_move_is_made_if_its_end_is_free(hall):
    """The path leads through the corner of a wall."""
    hall.state["maze"][2][1] = WALL
    hall.state |= {"row": 1.95, "column": 1.7, "angle": math.pi / 4}
    hall.advance(FORWARD)
    assert (int(hall.state["row"]), int(hall.state["column"])) == (2, 2)


# The target.


@pytest.mark.parametrize(
    ("distance", "angle", "won"),
    [(1.05, 0.0, True), (1.12, 0.0, False), (1.05, 0.78, True), (1.05, -0.78, True), (1.05, 0.82, False)],
)
def test_the_target_is_reached_if_it_is_near_and_ahead(hall, distance, angle, won):
    hall.state |= {"column": 0.5 + distance, "angle": -math.pi / 2 + angle + 4 * math.pi}
    assert hall.advance(NOOP) == (5.0 if won else 0.0)
    assert hall.over is won


def test_a_turn_or_a_step_can_be_the_last_one(hall):
    hall.state |= {"column": 1.5, "angle": -math.pi / 2 + 1}
    assert hall.advance(LEFT) == 5.0
    hall.state |= {"column": 2.2, "angle": -math.pi / 2, "won": False}
    assert [hall.advance(action) for action in (RIGHT, LEFT, FORWARD, FORWARD)] == [0.0, 0.0, 5.0, 0.0]


def search(game):
    """Return a nearly shortest list of actions to the target, or None.

    The search distinguishes positions by half cells and 29 directions of view.
    """
    start = game.state
    found, queue = set(), deque([(start, ())])
    while queue:
        before, actions = queue.popleft()
        for action in (FORWARD, LEFT, RIGHT, BACKWARD):
            game.state = before | {}
            game.advance(action)
            state = game.state
            if game.over:
                game.state = start
                return (*actions, action)
            heading = round(state["angle"] / (2 * math.pi) * 29) % 29
            key = int(2 * state["row"]), int(2 * state["column"]), heading
            if key not in found:
                found.add(key)
                queue.append((state, (*actions, action)))
    return None


@pytest.mark.parametrize("seed", range(12))
def test_the_target_can_be_reached_from_the_start(game, seed):
    game.reset(seed=seed)
    actions = search(game)
    steps = [game.step(action)[1:3] for action in actions]
    assert steps[-1] == (5.0, True)
    assert set(steps[:-1]) <= {(0.0, False)}


# The view.


def column(picture, x):
    """Return the first and the last row of the wall in a column of pixels, and its colour."""
    pixels = picture[:, x].astype(int)
    rows = np.flatnonzero((pixels != np.where(np.arange(48) < 24, 0, 92)[:, None]).any(axis=1))
    top, bottom = rows[0], rows[-1]
    assert (pixels[top : bottom + 1] == pixels[top]).all()
    return top, bottom, tuple(pixels[top])


def test_a_wall_ahead_has_level_edges_and_is_darker_when_it_is_farther_away(hall):
    """At 4.5 cells the wall is 48 / 4.5 = 10 pixels high, and its brightness is 255 - 22.5 * 4.5 = 153."""
    picture = hall.draw()
    assert {column(picture, x) for x in range(48)} == {(19, 29, (153, 153, 153))}
    hall.state["row"] = 7.0
    assert column(hall.draw(), 24) == (16, 32, (187, 187, 187))
    hall.state["row"] = 9.2
    assert column(hall.draw(), 24) == (0, 47, (237, 237, 237))


def test_walls_that_are_met_along_a_row_are_darker_and_the_target_is_red(hall):
    """The brightness is (255 - 101.25) * 0.65 = 99; for the target's green and blue, 100 - 101.25 is below 0."""
    hall.state["angle"] = math.pi / 2
    assert column(hall.draw(), 24) == (19, 29, (99, 99, 99))
    hall.state["angle"] = -math.pi / 2
    assert column(hall.draw(), 24) == (19, 29, (99, 0, 0))
    hall.state["column"] = 3.1
    assert column(hall.draw(), 24) == (13, 35, (135, 34, 34))


def test_a_turn_to_the_left_moves_the_view_to_the_right(hall):
    """The target is on the left of the view at first."""
    hall.state["angle"] = -math.pi / 2 + 0.4

    def place():
        picture = hall.draw()
        return np.flatnonzero(picture[24, :, 0] > picture[24, :, 1]).mean()

    first = place()
    hall.advance(LEFT)
    assert first < 24 < place()


def walk_ray(maze, row, column, down, right):
    """Follow a ray in tiny steps until it meets a block; return the block and its distance, in lengths of the ray."""
    for length in np.arange(0, 20, 0.002):
        block = maze[int(row + length * down)][int(column + length * right)]
        if block != FREE:
            return block, length
    raise AssertionError("a ray left the maze")


def test_the_view_shows_what_tiny_steps_along_the_rays_meet(game):
    random = np.random.default_rng(0)
    for seed in range(6):
        game.reset(seed=seed)
        state = game.state
        row, middle = random.choice(sorted(reachable(state["maze"]))) + random.uniform(0.05, 0.95, 2)
        state |= {"row": row, "column": middle, "angle": random.uniform(-4, 4)}
        picture, right_columns = game.draw(), 0
        for x in range(48):
            lens = 0.66 * (2 * x / 48 - 1)
            down = math.cos(state["angle"]) - lens * math.sin(state["angle"])
            right = math.sin(state["angle"]) + lens * math.cos(state["angle"])
            block, distance = walk_ray(state["maze"], row, middle, down, right)
            top, bottom, colour = column(picture, x)
            full = 255 - 22.5 * distance
            shape = abs(bottom - top - min(47, int(48 / max(distance, 0.01)))) <= 1 + 0.1 / max(distance, 0.01) ** 2
            shade = min(abs(colour[0] - full), abs(colour[0] - 0.65 * full)) <= 1.1
            right_columns += shape and shade and (block == TARGET) == (colour[1] < colour[0])
        assert right_columns >= 46  # a tiny step can miss a corner


def test_a_wall_that_is_touched_fills_the_view(game):
    """At the start the player touches two walls."""
    game.state |= {"row": 1.0, "column": 1.0, "angle": math.pi}
    picture = game.draw()
    assert (picture[:, :25] == 255).all() and (picture[:, 25:] == 165).all()
