"""RaycastMaze: walk a maze in first person until the red block is in front of you."""

import math
from typing import Any

import numpy as np
from numba import njit

from emulators.games.pixel_game import PixelGame

WIDTH = HEIGHT = 48
CELLS = 11  # rows and columns of the maze
MOVE = 20 / 30  # cells a step
TURN = 13 / 30  # radians a step
LENS = 0.66  # half the width of what is seen at distance 1: a view of 67 degrees

TREES, TRIES = 20, 82  # of the walls: how many are planted, and how often each tries to grow
CHOICES = 12  # divides by 2, 3 and 4: one draw chooses evenly among that many
START = 1.0  # row and column, the corner of a cell
OUT_OF_VIEW = 1.5  # radians to the target, at least, at the start
NEAR, AHEAD = 1.1, 0.8  # cells and radians to the target's middle, within which it is reached
PRIZE = 5.0

FREE, WALL, TARGET = 0, 1, 2
FORWARD, LEFT, RIGHT, BACKWARD, NOOP = range(5)

FLOOR = 92
COLOURS = np.array([[0, 0, 0], [255, 255, 255], [255, 100, 100]])  # of free cells, walls and the target
GLOOM = 22.5  # shades lost per cell of distance
SHADE = 0.65  # of walls that run along a row
TINY = 1e-7  # keeps divisions finite


class RaycastMaze(PixelGame):
    """+5 for the target, which ends the game: be within 1.1 cells of its middle and look there within 0.8 radians.

    The target is a block of the walls. The player is a point with a row, a column and an angle, 0 along growing rows
    and positive towards growing columns, to the right. A move that ends in a wall is not made.
    """

    size = WIDTH, HEIGHT
    actions = "forward", "left", "right", "backward", "no-op"
    noop = NOOP
    keys = {"up": FORWARD, "left": LEFT, "right": RIGHT, "down": BACKWARD}

    def _begin(self) -> dict[str, Any]:
        maze = self._new_maze()
        target = self._new_target(maze)
        maze[target[0]][target[1]] = TARGET
        state = {"maze": maze, "target": target, "row": START, "column": START, "angle": 0.0, "won": False}
        if _to_target(state)[1] < OUT_OF_VIEW:
            state["angle"] = math.pi
        return state

    def _new_maze(self) -> list[list[int]]:
        """Walls grow as trees between even cells and never meet, so that all free cells stay connected."""
        last = CELLS - 1
        maze = [[WALL if {row, column} & {0, last} else FREE for column in range(CELLS)] for row in range(CELLS)]
        for _ in range(TREES):
            column, row = 2 * self.np_random.integers(CELLS // 2 + 1, size=2)
            _grow(maze, int(row), int(column), self.np_random.integers(CHOICES, size=TRIES).tolist())
        return maze

    def _new_target(self, maze: list[list[int]]) -> list[int]:
        """Row and column of any wall beside a free cell."""
        places = [[row, column] for row in range(CELLS) for column in range(CELLS) if _is_face(maze, row, column)]
        return places[self.np_random.integers(len(places))]

    @property
    def over(self) -> bool:
        """When the target is reached."""
        return self.state["won"]

    def _advance(self, action: int) -> float:
        state = self.state
        if action in (LEFT, RIGHT):
            state["angle"] += TURN if action == RIGHT else -TURN
        elif action in (FORWARD, BACKWARD):
            self._move(MOVE if action == FORWARD else -MOVE)
        distance, angle = _to_target(state)
        state["won"] = distance < NEAR and angle < AHEAD
        return PRIZE if state["won"] else 0.0

    def _move(self, cells: float) -> None:
        state = self.state
        row = state["row"] + cells * math.cos(state["angle"])
        column = state["column"] + cells * math.sin(state["angle"])
        if state["maze"][int(row)][int(column)] == FREE:
            state["row"], state["column"] = row, column

    def _draw(self) -> None:
        state = self.state
        maze = np.array(state["maze"], np.uint8)
        _draw_view(maze, state["row"], state["column"], state["angle"], COLOURS, self.picture)


def _grow(maze: list[list[int]], row: int, column: int, choices: list[int]) -> None:
    """Grow a wall from one even cell: each choice is a direction, refused where a wall is already."""
    maze[row][column] = WALL
    for choice in choices:
        ways = []
        if column > 1:
            ways.append((0, -1))
        if column < CELLS - 2:
            ways.append((0, 1))
        if row > 1:
            ways.append((-1, 0))
        if row < CELLS - 2:
            ways.append((1, 0))
        down, right = ways[choice % len(ways)]
        if maze[row + 2 * down][column + 2 * right] == FREE:
            maze[row + down][column + right] = WALL
            row, column = row + 2 * down, column + 2 * right
            maze[row][column] = WALL


def _is_face(maze: list[list[int]], row: int, column: int) -> bool:
    """Whether a cell is a wall with a free cell beside it."""
    beside = [(row, column - 1), (row, column + 1), (row - 1, column), (row + 1, column)]
    inside = [(r, c) for r, c in beside if 0 <= r < CELLS and 0 <= c < CELLS]
    return maze[row][column] == WALL and any(maze[r][c] == FREE for r, c in inside)


def _to_target(state: dict[str, Any]) -> tuple[float, float]:
    """Distance of the target's middle in cells, and the angle between it and the view, 0..pi."""
    down = state["target"][0] + 0.5 - state["row"]
    right = state["target"][1] + 0.5 - state["column"]
    angle = math.remainder(math.atan2(right, down) - state["angle"], 2 * math.pi)
    return math.hypot(down, right), abs(angle)


@njit
def _draw_view(maze, row, column, angle, colours, picture):
    """Black sky, gray floor, and in each column of pixels the wall that its ray meets."""
    picture[: HEIGHT // 2] = 0
    picture[HEIGHT // 2 :] = FLOOR
    down, right = math.cos(angle), math.sin(angle)
    for x in range(WIDTH):
        lens = LENS * (2 * x / WIDTH - 1)
        block, distance, along_row = _cast(maze, row, column, down - lens * right, right + lens * down)
        height = int(HEIGHT / (distance + TINY))
        top = int(max(0.0, (HEIGHT - height) / 2))
        bottom = int(min(HEIGHT - 1.0, (HEIGHT + height) / 2))
        for colour in range(3):
            shade = max(0.0, colours[block, colour] - GLOOM * distance)
            picture[top : bottom + 1, x, colour] = int(shade * SHADE if along_row else shade)


@njit
def _cast(maze, row, column, down, right):
    """Follow a ray from border to border of the cells: the block it meets, how far ahead, and if along a row.

    The distance is measured along the view, not the ray, so that straight walls look straight.
    """
    y, x = int(row), int(column)
    step_y, step_x = -1 if down < 0 else 1, -1 if right < 0 else 1
    # Lengths of the ray between borders of rows and of columns, and up to the next of each.
    every_y = math.sqrt(1 + (right**2 + TINY) / (down**2 + TINY))
    every_x = math.sqrt(1 + (down**2 + TINY) / (right**2 + TINY))
    next_y = every_y * (row - y if step_y < 0 else y + 1 - row)
    next_x = every_x * (column - x if step_x < 0 else x + 1 - column)
    along_row = False
    while maze[y, x] == FREE:
        along_row = not next_y < next_x
        if along_row:
            x, next_x = x + step_x, next_x + every_x
        else:
            y, next_y = y + step_y, next_y + every_y
    if along_row:
        distance = (x - column + (1 - step_x) / 2) / (right + TINY)
    else:
        distance = (y - row + (1 - step_y) / 2) / (down + TINY)
    return maze[y, x], max(0.0, distance), along_row  # not below 0 by rounding, when a wall is touched
