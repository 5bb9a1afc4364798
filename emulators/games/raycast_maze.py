"""RaycastMaze: walk through a maze, seen in first person, to the red block."""

import math
from typing import Any

import numpy as np
from numba import njit

from emulators.games.pixel_game import PixelGame

WIDTH = HEIGHT = 48
CELLS = 11  # rows and columns of the maze
MOVE = 20 / 30  # cells per step
TURN = 13 / 30  # radians per step
HALF_VIEW_WIDTH = 0.66  # cells; half the width visible at a distance of one cell: a field of view of 67 degrees

INNER_WALLS, GROWTH_STEPS = 20, 82  # number of inner walls, and how often each of them tries to grow
DIRECTION_DRAWS = 12  # divisible by 2, 3 and 4, so that one draw chooses evenly among 2, 3 or 4 directions
START = 1.0  # row and column at the start, the corner of a cell
MIN_START_ANGLE = 1.5  # radians between the view and the target at the start
MAX_DISTANCE, MAX_ANGLE = 1.1, 0.8  # cells and radians to the target's middle, below which the target is reached
TARGET_REWARD = 5.0

FREE, WALL, TARGET = 0, 1, 2
FORWARD, LEFT, RIGHT, BACKWARD, NOOP = range(5)

FLOOR = 92
COLOURS = np.array([[0, 0, 0], [255, 255, 255], [255, 100, 100]])  # of free cells, walls and the target
DIMMING = 22.5  # brightness lost per cell of distance
SIDE_BRIGHTNESS = 0.65  # factor for walls that a ray enters along a row
EPSILON = 1e-7  # avoids divisions by zero


class RaycastMaze(PixelGame):
    """The reward is +5 for reaching the target, which ends the game.

    The target is a block of a wall. It is reached when its middle is less than 1.1 cells away and less than 0.8 radians
    from the direction of view. The player is a point with a row, a column and an angle. The angle is 0 in the direction
    of increasing rows and grows to the right, towards increasing columns. A move that would end in a wall is not made.
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
        if _to_target(state)[1] < MIN_START_ANGLE:
            state["angle"] = math.pi
        return state

    def _new_maze(self) -> list[list[int]]:
        """Return a new maze, in which all free cells are connected.

        The first and last rows and columns are outer walls. Inner walls grow between cells with even row and column,
        and never close a loop.
        """
        last = CELLS - 1
        maze = [[WALL if {row, column} & {0, last} else FREE for column in range(CELLS)] for row in range(CELLS)]
        for _ in range(INNER_WALLS):
            column, row = 2 * self.np_random.integers(CELLS // 2 + 1, size=2)
            _grow(maze, int(row), int(column), self.np_random.integers(DIRECTION_DRAWS, size=GROWTH_STEPS).tolist())
        return maze

    def _new_target(self, maze: list[list[int]]) -> list[int]:
        """Return the row and column of a random wall beside a free cell."""
        places = [[row, column] for row in range(CELLS) for column in range(CELLS) if _is_face(maze, row, column)]
        return places[self.np_random.integers(len(places))]

    @property
    def over(self) -> bool:
        """Whether the target has been reached."""
        return self.state["won"]

    def _advance(self, action: int) -> float:
        state = self.state
        if action in (LEFT, RIGHT):
            state["angle"] += TURN if action == RIGHT else -TURN
        elif action in (FORWARD, BACKWARD):
            self._move(MOVE if action == FORWARD else -MOVE)
        distance, angle = _to_target(state)
        state["won"] = distance < MAX_DISTANCE and angle < MAX_ANGLE
        return TARGET_REWARD if state["won"] else 0.0

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


def _grow(maze: list[list[int]], row: int, column: int, draws: list[int]) -> None:
    """Grow a wall from a cell with even row and column.

    Each draw chooses a direction, in which the wall grows by two cells unless it would meet a wall.
    """
    maze[row][column] = WALL
    for draw in draws:
        directions = []
        if column > 1:
            directions.append((0, -1))
        if column < CELLS - 2:
            directions.append((0, 1))
        if row > 1:
            directions.append((-1, 0))
        if row < CELLS - 2:
            directions.append((1, 0))
        down, right = directions[draw % len(directions)]
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
    """Return the distance to the target's middle in cells, and its angle to the view in radians, 0 to pi."""
    down = state["target"][0] + 0.5 - state["row"]
    right = state["target"][1] + 0.5 - state["column"]
    angle = math.remainder(math.atan2(right, down) - state["angle"], 2 * math.pi)
    return math.hypot(down, right), abs(angle)


@njit
def _draw_view(maze, row, column, angle, colours, picture):
    """Draw a black sky, a gray floor, and in each column of pixels the wall that a ray through it meets."""
    picture[: HEIGHT // 2] = 0
    picture[HEIGHT // 2 :] = FLOOR
    down, right = math.cos(angle), math.sin(angle)
    for x in range(WIDTH):
        aside = HALF_VIEW_WIDTH * (2 * x / WIDTH - 1)
        block, distance, along_row = _cast(maze, row, column, down - aside * right, right + aside * down)
        height = int(HEIGHT / (distance + EPSILON))
        top = int(max(0.0, (HEIGHT - height) / 2))
        bottom = int(min(HEIGHT - 1.0, (HEIGHT + height) / 2))
        for colour in range(3):
            brightness = max(0.0, colours[block, colour] - DIMMING * distance)
            picture[top : bottom + 1, x, colour] = int(brightness * SIDE_BRIGHTNESS if along_row else brightness)


@njit
def _cast(maze, row, column, down, right):
    """Follow a ray from cell to cell until it meets a block.

    Returns the block, its distance in cells, and whether the ray entered it along a row, that is from the side. The
    distance is measured in the direction of view, not along the ray, so that straight walls look straight.
    """
    y, x = int(row), int(column)
    step_y, step_x = -1 if down < 0 else 1, -1 if right < 0 else 1
    # Lengths of the ray from one row to the next and from one column to the next, and up to the next row and column.
    every_y = math.sqrt(1 + (right**2 + EPSILON) / (down**2 + EPSILON))
    every_x = math.sqrt(1 + (down**2 + EPSILON) / (right**2 + EPSILON))
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
        distance = (x - column + (1 - step_x) / 2) / (right + EPSILON)
    else:
        distance = (y - row + (1 - step_y) / 2) / (down + EPSILON)
    return maze[y, x], max(0.0, distance), along_row  # rounding could give less than 0 for a wall that is touched
