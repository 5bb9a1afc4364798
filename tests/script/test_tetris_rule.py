"""The simple player of Tetris, on boards of which one can see where a piece belongs."""

import numpy as np
import pytest

from agents import players
from agents.tetris_rule import best_place, places, stack, value
from emulators import find_game, make_emulator
from emulators.games.tetris import COLUMNS, DOWN, LEFT, RIGHT, ROTATE, ROWS

BAR, SQUARE = 6, 7  # pieces


def board_of(*rows):
    """A board with these rows at its bottom, where X is filled."""
    filled = [[int(mark == "X") for mark in row] for row in rows]
    return tuple(map(tuple, [[0] * COLUMNS] * (ROWS - len(rows)) + filled))


def test_a_bar_goes_upright_into_a_well():
    turn, column = best_place(board_of(*["XXXXXXXXX."] * 4), BAR)
    assert turn % 2 == 1 and column == 9


def test_a_square_fills_the_gap_that_it_fits():
    assert best_place(board_of(*["XXX..XXXXX"] * 2), SQUARE)[1] == 3


def test_a_piece_comes_down_from_the_top_not_from_the_side():
    board = board_of("XX........", "..........")
    after = {place: filled for place, filled in places(board, SQUARE)}[0, 0]
    assert after[-4:-2, :2].all() and not after[-1, :2].any()


def test_nothing_is_placed_where_there_is_no_room():
    tower = board_of(*["X........."] * ROWS)
    assert {column for (_, column), _ in places(tower, SQUARE)} == set(range(1, 9))


def test_a_board_is_worth_what_lee_says():
    filled = np.array(board_of("X.........", "X.X......."), bool)
    # Heights 2, 0, 1, 0, ...: 3 in all, bumps 2 + 1 + 1, no hole.
    assert value(filled) == pytest.approx(-0.510066 * 3 - 0.184483 * 4)
    filled = np.array(board_of(".XX.......", "X.X.......", "XXXXXXXXXX"), bool)
    # The full row goes. Heights 1, 2, 2, 0, ...: 5 in all, bumps 1 + 0 + 2, one hole.
    assert value(filled) == pytest.approx(0.760666 - 0.510066 * 5 - 0.35663 - 0.184483 * 3)


def test_it_turns_then_moves_then_pushes_down():
    state = {"board": board_of(*["XXXXXXXXX."] * 4), "piece": BAR, "turn": 0, "column": 3}
    turn, _ = best_place(state["board"], BAR)
    assert stack(state) == ROTATE
    assert stack(state | {"turn": turn}) == RIGHT
    assert stack(state | {"turn": turn, "column": 9}) == DOWN
    assert stack(state | {"board": board_of(*[".XXXXXXXXX"] * 4), "turn": turn}) == LEFT


def test_it_clears_rows():
    emulator = make_emulator("tetris", seed=1, max_episode_frames=1000)
    players.scores(players.RULES["tetris"], [emulator])
    assert emulator.truncated  # it was still alive
    assert emulator.game.state["lines"] > 12


def test_the_tetris_of_atari_has_no_rule():
    found = players.baselines(find_game("atari:tetris"), episodes=1, seed=1, max_episode_frames=100)
    assert found.keys() == {"random"}
