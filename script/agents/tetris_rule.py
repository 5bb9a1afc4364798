"""A simple player of Tetris: it puts each piece where the board looks best afterwards, and does not look at the next."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from emulators.games.tetris import COLUMNS, DOWN, LEFT, RIGHT, ROTATE, ROWS, SHAPES

# What a board is worth, found by a genetic algorithm: Yiyuan Lee, "Tetris AI: the (near) perfect bot", 2013.
FULL_ROW, HEIGHT, HOLE, BUMP = 0.760666, -0.510066, -0.35663, -0.184483

Board = tuple[tuple[int, ...], ...]  # [row][column], 0 where it is free


def stack(state: dict[str, Any]) -> int:
    """The action that brings the piece nearer to its place: turn it, move it, then push it down."""
    turn, column = best_place(tuple(map(tuple, state["board"])), state["piece"])
    if state["turn"] != turn:
        return ROTATE
    if state["column"] != column:
        return LEFT if column < state["column"] else RIGHT
    return DOWN


@lru_cache(maxsize=1000)
def best_place(board: Board, piece: int) -> tuple[int, int]:
    """Turn and left column with which `piece` should come down."""
    return max(places(board, piece), key=lambda place: value(place[1]))[0]


def places(board: Board, piece: int) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Every turn and column with room at the top, and the board, bool [rows, columns], once the piece lies there."""
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


def value(filled: np.ndarray) -> float:
    """How good a board, bool [rows, columns], is."""
    left = filled[~filled.all(axis=1)]
    heights = np.where(left.any(axis=0), len(left) - left.argmax(axis=0), 0)
    holes = heights.sum() - left.sum()
    bumps = np.abs(np.diff(heights)).sum()
    return FULL_ROW * (ROWS - len(left)) + HEIGHT * heights.sum() + HOLE * holes + BUMP * bumps
