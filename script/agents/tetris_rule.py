"""A simple rule for Tetris: choose the placement of the falling piece that gives the board the highest value.

The rule does not look at the next piece.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from emulators.games.tetris import COLUMNS, DOWN, LEFT, RIGHT, ROTATE, ROWS, SHAPES

# Weights of a board's value, found by a genetic algorithm: Yiyuan Lee, "Tetris AI: the (near) perfect bot", 2013.
FULL_ROW_WEIGHT, HEIGHT_WEIGHT, HOLE_WEIGHT, BUMP_WEIGHT = 0.760666, -0.510066, -0.35663, -0.184483

Board = tuple[tuple[int, ...], ...]  # [row][column], 0 where the cell is free


def choose_action(state: dict[str, Any]) -> int:
    """The next action for the falling piece: rotate it, then move it sideways, then push it down."""
    turn, column = best_placement(tuple(map(tuple, state["board"])), state["piece"])
    if state["turn"] != turn:
        return ROTATE
    if state["column"] != column:
        return LEFT if column < state["column"] else RIGHT
    return DOWN


@lru_cache(maxsize=1000)
def best_placement(board: Board, piece: int) -> tuple[int, int]:
    """The turn (number of counterclockwise quarter turns) and the leftmost column of the best placement of `piece`."""
    return max(placements(board, piece), key=lambda placement: board_value(placement[1]))[0]


def placements(board: Board, piece: int) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Yield each possible (turn, leftmost column) of the piece, and the board, bool [rows, columns], after its fall."""
    filled = np.array(board, bool)
    for turn, cells in enumerate(SHAPES[piece]):
        down, right = np.transpose(cells)
        for column in range(COLUMNS - max(right)):
            row = -1
            while row + 1 + max(down) < ROWS and not filled[row + 1 + down, column + right].any():
                row += 1
            if row >= 0:
                after = filled.copy()
                after[row + down, column + right] = True
                yield (turn, column), after


def board_value(filled: np.ndarray) -> float:
    """Value of a board, bool [rows, columns]; higher is better."""
    remaining = filled[~filled.all(axis=1)]  # full rows disappear
    full_rows = ROWS - len(remaining)
    heights = np.where(remaining.any(axis=0), len(remaining) - remaining.argmax(axis=0), 0)
    holes = heights.sum() - remaining.sum()
    bumps = np.abs(np.diff(heights)).sum()
    return FULL_ROW_WEIGHT * full_rows + HEIGHT_WEIGHT * heights.sum() + HOLE_WEIGHT * holes + BUMP_WEIGHT * bumps
