"""RaycastMaze by hand, by search, and by a slower way to see."""

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
    """An empty room of 9x9 cells, seen from its middle; the target is far to the left."""
    maze = [[int(row in (0, 10) or column in (0, 10)) for column in range(11)] for row in range(11)]
    maze[5][0] = TARGET
    game.state = {"maze": maze, "target": [5, 0], "row": 5.5, "column": 5.5, "angle": 0.0, "won": False}
    return game


def reachable(maze):
    """Free cells that can be walked to from (1, 1)."""
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


def test_walls_never_enclose_anything_and_fill_most_of_the_lattice(game):
    """No block of 2x2 walls, and few even cells stay free."""
    free_posts = []
    for seed in range(20):
        game.reset(seed=seed)
        walls = np.array(game.state["maze"]) != FREE
        assert not (walls[:-1, :-1] & walls[1:, :-1] & walls[:-1, 1:] & walls[1:, 1:]).any()
        free_posts.append((~walls[::2, ::2]).sum())
    assert np.mean(free_posts) < 2


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


def test_only_the_end_of_a_move_is_tested(hall):
    """The way leads through the corner of a wall."""
    hall.state["maze"][2][1] = WALL
    hall.state |= {"row": 1.95, "column": 1.7, "angle": math.pi / 4}
    hall.advance(FORWARD)
    assert (int(hall.state["row"]), int(hall.state["column"])) == (2, 2)


# The target.


@pytest.mark.parametrize(
    ("distance", "angle", "won"),
    [(1.05, 0.0, True), (1.12, 0.0, False), (1.05, 0.78, True), (1.05, -0.78, True), (1.05, 0.82, False)],
)
def test_the_target_is_reached_where_it_is_near_and_ahead(hall, distance, angle, won):
    hall.state |= {"column": 0.5 + distance, "angle": -math.pi / 2 + angle + 4 * math.pi}
    assert hall.advance(NOOP) == (5.0 if won else 0.0)
    assert hall.over is won


def test_a_turn_or_a_step_can_be_the_last_one(hall):
    hall.state |= {"column": 1.5, "angle": -math.pi / 2 + 1}
    assert hall.advance(LEFT) == 5.0
    hall.state |= {"column": 2.2, "angle": -math.pi / 2, "won": False}
    assert [hall.advance(action) for action in (RIGHT, LEFT, FORWARD, FORWARD)] == [0.0, 0.0, 5.0, 0.0]


def search(game):
    """The fewest actions, nearly, from where the game is to its target; it searches half cells and 29 directions."""
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
    """Rows of the first and the last pixel of a wall, and its colour; above it all is black, below gray."""
    pixels = picture[:, x].astype(int)
    rows = np.flatnonzero((pixels != np.where(np.arange(48) < 24, 0, 92)[:, None]).any(axis=1))
    top, bottom = rows[0], rows[-1]
    assert (pixels[top : bottom + 1] == pixels[top]).all()
    return top, bottom, tuple(pixels[top])


def test_a_wall_ahead_is_level_and_darker_with_distance(hall):
    """4.5 cells away: 48 / 4.5 is 10 pixels, and 255 - 22.5 * 4.5 is 153."""
    picture = hall.draw()
    assert {column(picture, x) for x in range(48)} == {(19, 29, (153, 153, 153))}
    hall.state["row"] = 7.0
    assert column(hall.draw(), 24) == (16, 32, (187, 187, 187))
    hall.state["row"] = 9.2
    assert column(hall.draw(), 24) == (0, 47, (237, 237, 237))


def test_walls_along_a_row_are_darker_and_the_target_is_red(hall):
    """(255 - 101.25) * 0.65 is 99; the target's other colours go to 0 with (100 - 101.25)."""
    hall.state["angle"] = math.pi / 2
    assert column(hall.draw(), 24) == (19, 29, (99, 99, 99))
    hall.state["angle"] = -math.pi / 2
    assert column(hall.draw(), 24) == (19, 29, (99, 0, 0))
    hall.state["column"] = 3.1
    assert column(hall.draw(), 24) == (13, 35, (135, 34, 34))


def test_right_is_on_the_right(hall):
    """The target, to the left of the view, moves to the right when the player turns left."""
    hall.state["angle"] = -math.pi / 2 + 0.4

    def place():
        picture = hall.draw()
        return np.flatnonzero(picture[24, :, 0] > picture[24, :, 1]).mean()

    first = place()
    hall.advance(LEFT)
    assert first < 24 < place()


def walk_ray(maze, row, column, down, right):
    """Tiny steps until something is met: the block and how far it is, in lengths of the ray."""
    for length in np.arange(0, 20, 0.002):
        block = maze[int(row + length * down)][int(column + length * right)]
        if block != FREE:
            return block, length
    raise AssertionError("a ray left the maze")


def test_the_view_is_what_walking_along_the_rays_meets(game):
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
