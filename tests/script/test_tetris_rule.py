"""Tests of the simple rule for Tetris, on boards where the best placement of a piece is obvious."""

import numpy as np
import pytest

from agents import players
from agents.tetris_rule import best_placement, board_value, choose_action, placements
from emulators import find_game, make_emulator
from emulators.games.tetris import COLUMNS, DOWN, LEFT, RIGHT, ROTATE, ROWS

BAR, SQUARE = 6, 7  # pieces


def board_of(*rows):
    """A board with these rows at its bottom; X marks a filled cell."""
    filled = [[int(mark == "X") for mark in row] for row in rows]
    return tuple(map(tuple, [[0] * COLUMNS] * (ROWS - len(rows)) + filled))


def test_a_bar_is_placed_upright_in_a_deep_gap():
    turn, column = best_placement(board_of(*["XXXXXXXXX."] * 4), BAR)
    assert turn % 2 == 1 and column == 9


def test_a_square_is_placed_in_a_gap_of_its_width():
    assert best_placement(board_of(*["XXX..XXXXX"] * 2), SQUARE)[1] == 3


def test_a_piece_falls_from_the_top_and_not_from_the_side():
    board = board_of("XX........", "..........")
    after = {placement: filled for placement, filled in placements(board, SQUARE)}[0, 0]
    assert after[-4:-2, :2].all() and not after[-1, :2].any()


def test_a_piece_is_not_placed_in_a_full_column():
    tower = board_of(*["X........."] * ROWS)
    assert {column for (_, column), _ in placements(tower, SQUARE)} == set(range(1, 9))


def test_the_value_of_a_board_has_the_weights_of_lee():
    filled = np.array(board_of("X.........", "X.X......."), bool)
    # The heights 2, 0, 1, 0, ... have the sum 3. The bumps are 2 + 1 + 1. There is no hole.
    assert board_value(filled) == pytest.approx(-0.510066 * 3 - 0.184483 * 4)
    filled = np.array(board_of(".XX.......", "X.X.......", "XXXXXXXXXX"), bool)
    # The full row disappears. The heights 1, 2, 2, 0, ... have the sum 5. The bumps are 1 + 0 + 2. There is one hole.
    assert board_value(filled) == pytest.approx(0.760666 - 0.510066 * 5 - 0.35663 - 0.184483 * 3)


def test_a_piece_is_rotated_then_moved_then_pushed_down():
    state = {"board": board_of(*["XXXXXXXXX."] * 4), "piece": BAR, "turn": 0, "column": 3}
    turn, _ = best_placement(state["board"], BAR)
    assert choose_action(state) == ROTATE
    assert choose_action(state | {"turn": turn}) == RIGHT
    assert choose_action(state | {"turn": turn, "column": 9}) == DOWN
    assert choose_action(state | {"board": board_of(*[".XXXXXXXXX"] * 4), "turn": turn}) == LEFT


def test_the_rule_clears_rows_and_survives():
    emulator = make_emulator("tetris", seed=1, max_episode_frames=1000)
    players.play_episode(players.RULES["tetris"], emulator)
    assert emulator.truncated
    assert emulator.game.state["lines"] > 12


def test_ataris_tetris_has_no_rule():
    scores = players.baseline_scores(find_game("atari:tetris"), episodes=1, seed=1, max_episode_frames=100)
    assert scores.keys() == {"random"}
