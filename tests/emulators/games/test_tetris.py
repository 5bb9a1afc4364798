"""Tests Tetris step by step."""

import numpy as np
import pygame
import pytest

from emulators.games.tetris import Tetris

NOOP, LEFT, RIGHT, DOWN, ROTATE = range(5)
T, S, Z, J, L, I, O = range(1, 8)  # noqa: E741
COLOURS = {
    T: (255, 85, 85),
    S: (100, 200, 115),
    Z: (120, 108, 245),
    J: (255, 140, 50),
    L: (50, 120, 52),
    I: (146, 202, 73),
    O: (150, 161, 218),
}


@pytest.fixture
def game():
    game = Tetris()
    game.reset(seed=1)
    give(game, T)
    return game


def give(game, piece, row=0, column=3, turn=0, following=O):
    """Make this the current piece. It does not fall by itself in the next four steps."""
    game.state |= {"piece": piece, "row": row, "column": column, "turn": turn, "next": following, "steps": 1}


def fill(game, *rows, hole=None):
    """Fill rows of the board, except for the column `hole`."""
    for row in rows:
        game.state["board"][row] = [0 if column == hole else Z for column in range(10)]


def cells(game):
    """Return the (row, column) of each cell of the current piece, as drawn."""
    board = game.state["board"]
    game.state["board"] = [[0] * 10 for _ in range(22)]
    picture = game.draw()[9::18, 9:180:18]
    game.state["board"] = board
    return {tuple(cell) for cell in np.argwhere((picture == COLOURS[game.state["piece"]]).all(axis=2)).tolist()}


# Falling.


def test_with_no_ops_a_piece_falls_at_once_and_then_every_five_steps(game):
    game.state["steps"] = 0
    rows = []
    for _ in range(12):
        assert game.advance(NOOP) == 0.0
        rows.append(game.state["row"])
    assert rows == [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3]


@pytest.mark.parametrize(("level", "period"), [(1, 5), (2, 4), (3, 3), (4, 2), (5, 1), (6, 1), (9, 1)])
def test_pieces_fall_faster_with_each_level(game, level, period):
    game.state |= {"level": level, "steps": 0}
    for _ in range(12):
        game.advance(NOOP)
    assert game.state["row"] == -(-12 // period)


def test_a_push_down_scores_a_point_and_the_piece_can_fall_twice_in_a_step(game):
    assert game.advance(DOWN) == 1.0
    assert game.state["row"] == 1
    game.state["steps"] = 5
    assert game.advance(DOWN) == 1.0
    assert game.state["row"] == 3


def test_a_push_down_that_only_fixes_the_piece_scores_a_point_too(game):
    give(game, T, row=20)
    game.state["steps"] = 5
    assert game.advance(DOWN) == 1.0
    board = game.state["board"]
    assert [board[20][3:6], board[21][3:6]] == [[T, T, T], [0, T, 0]]
    assert sum(map(sum, board)) == 4 * T
    assert (game.state["piece"], game.state["row"]) == (O, 1)  # the next one falls in the same step


# Pieces.


@pytest.mark.parametrize(("piece", "column"), [(T, 3), (S, 3), (Z, 3), (J, 3), (L, 3), (I, 3), (O, 4)])
def test_pieces_appear_in_the_middle_of_the_first_row(game, piece, column):
    give(game, T, row=20, following=piece)
    game.advance(DOWN)
    state = game.state
    assert (state["piece"], state["row"], state["column"], state["turn"]) == (piece, 0, column, 0)
    assert not game.over


def test_the_seven_pieces_are_equally_probable(game):
    counts = np.bincount([game._new_piece() for _ in range(7000)], minlength=8)
    assert counts[0] == 0 and len(counts) == 8 and (abs(counts[1:] - 1000) < 150).all()


SHAPES = {
    # after 0 to 3 counterclockwise quarter turns; rows are separated by "/"
    T: ["XXX/.X.", "X./XX/X.", ".X./XXX", ".X/XX/.X"],
    S: [".XX/XX.", "X./XX/.X", ".XX/XX.", "X./XX/.X"],
    Z: ["XX./.XX", ".X/XX/X.", "XX./.XX", ".X/XX/X."],
    J: ["X../XXX", ".X/.X/XX", "XXX/..X", "XX/X./X."],
    L: ["..X/XXX", "XX/.X/.X", "XXX/X..", "X./X./XX"],
    I: ["XXXX", "X/X/X/X", "XXXX", "X/X/X/X"],
    O: ["XX/XX"] * 4,
}


@pytest.mark.parametrize("piece", SHAPES)
def test_quarter_turns_keep_the_top_left_corner(game, piece):
    give(game, piece, row=5, column=4)
    for shape in [*SHAPES[piece], SHAPES[piece][0]]:
        rows = shape.split("/")
        assert cells(game) == {
            (5 + y, 4 + x) for y, row in enumerate(rows) for x, mark in enumerate(row) if mark == "X"
        }
        game.state["steps"] = 1
        assert game.advance(ROTATE) == 0.0


def test_a_rotation_without_room_is_not_made(game):
    give(game, I, row=5, column=9, turn=1)  # upright at the right wall
    game.advance(ROTATE)
    assert game.state["turn"] == 1
    give(game, I, row=19)  # at the ground
    game.advance(ROTATE)
    assert game.state["turn"] == 0
    give(game, T, row=5)
    game.state["board"][7][3] = Z
    game.advance(ROTATE)
    assert game.state["turn"] == 0
    game.state["board"][7][3] = 0
    game.advance(ROTATE)
    assert game.state["turn"] == 1


@pytest.mark.parametrize(("piece", "turn", "right"), [(T, 0, 7), (O, 0, 8), (I, 0, 6), (I, 1, 9)])
def test_moves_stop_at_the_walls(game, piece, turn, right):
    for action, end in ((LEFT, 0), (RIGHT, right)):
        give(game, piece, row=5, turn=turn)
        for _ in range(10):
            game.state["steps"] = 1
            game.advance(action)
        assert game.state["column"] == end


def test_moves_stop_at_filled_cells_and_lead_into_gaps(game):
    give(game, T, row=5)
    game.state["board"][5][2] = game.state["board"][5][6] = Z
    for action in (LEFT, RIGHT):
        game.advance(action)
        assert game.state["column"] == 3
    game.state["board"][5] = [0] * 10
    game.state["board"][6] = [0 if column in (3, 4) else Z for column in range(10)]
    game.advance(LEFT)
    assert game.state["column"] == 2  # its lowest cell moves into the gap


# Rows, scores and levels.


@pytest.mark.parametrize(("lines", "score"), [(1, 40), (2, 100), (3, 300), (4, 1200)])
@pytest.mark.parametrize("level", [1, 3])
def test_full_rows_disappear_and_score_by_the_level(game, lines, score, level):
    game.state["level"] = level
    fill(game, *range(22 - lines, 22), hole=9)
    game.state["board"][17][0] = L
    give(game, I, row=18, column=9, turn=1)
    assert game.advance(DOWN) == 1 + score * level
    board = game.state["board"]
    assert (game.state["lines"], game.state["score"]) == (lines, 1 + score * level)
    assert board[17 + lines][0] == L
    assert [board[row][9] for row in range(18, 22)] == [0] * lines + [I] * (4 - lines)
    assert len(board) == 22 and sum(map(sum, board)) == L + I * (4 - lines)


def test_rows_move_down_by_the_number_of_removed_rows_below_them(game):
    """Rows 18 and 20 are removed."""
    fill(game, 18, 20, hole=9)
    for row, mark in ((17, T), (19, S), (21, J)):
        game.state["board"][row][0] = mark
    give(game, I, row=18, column=9, turn=1)
    assert game.advance(DOWN) == 101.0
    assert [row[0] for row in game.state["board"][18:]] == [0, T, S, J]
    assert [row[9] for row in game.state["board"][18:]] == [0, 0, I, I]


def level_after_piece(game, lines):
    """Fix a piece after `lines` lines; return the level."""
    game.state |= {"lines": lines, "board": [[0] * 10 for _ in range(22)]}
    give(game, O, row=20)
    game.advance(DOWN)
    return game.state["level"]


def test_a_level_takes_six_lines_and_grows_by_one_per_piece(game):
    assert [level_after_piece(game, lines) for lines in (5, 6, 6, 11, 12)] == [1, 2, 2, 2, 3]
    assert [level_after_piece(game, 100) for _ in range(3)] == [4, 5, 6]


def test_lines_score_by_the_level_before_they_raise_it(game):
    game.state["lines"] = 5
    fill(game, 21, hole=9)
    give(game, I, row=18, column=9, turn=1)
    assert game.advance(DOWN) == 41.0
    assert (game.state["lines"], game.state["level"]) == (6, 2)


# The end.


def test_the_game_is_over_if_there_is_no_room_for_the_next_piece(game):
    game.state["board"][1][4] = Z
    give(game, T, row=20)
    game.state["steps"] = 5
    assert game.advance(DOWN) == 1.0
    assert game.over and game.state["row"] == 0  # nothing falls after the end
    before = game.save_state()
    assert [game.advance(action) for action in range(5)] == [0.0] * 5
    assert game.save_state() == before


def test_full_rows_score_but_are_removed_too_late_to_save_the_game(game):
    """The piece completes the row that the next one needs."""
    game.state["board"][1] = [Z] * 8 + [0, 0]
    game.state["board"][2][9] = Z
    give(game, O, column=8)
    assert game.advance(DOWN) == 41.0
    assert game.over and game.state["board"][1] == [0] * 8 + [O, O]


def test_random_play_ends_and_a_new_game_is_empty(game):
    random = np.random.default_rng(2)
    for _ in range(10_000):
        game.advance(int(random.integers(5)))
        if game.over:
            break
    assert game.over and game.state["score"] > 0
    game.start()
    state = game.state
    assert not np.any(state["board"])
    assert [state[name] for name in ("score", "level", "lines", "steps", "over", "row")] == [0, 1, 0, 0, False, 0]


# The picture.


def test_board_piece_and_next_piece_are_flat_squares(game):
    fill(game, 21, hole=0)
    give(game, J, row=3, column=0, following=L)
    picture = game.draw()
    assert (picture[21 * 18 :, 18:180] == COLOURS[Z]).all()
    assert (picture[4 * 18 : 5 * 18, : 3 * 18] == COLOURS[J]).all()
    assert (picture[:18, :18] == 35).all() and not picture[:18, 18:36].any()
    assert (picture[3 * 18 : 4 * 18, 18:36] == 35).all() and not picture[3 * 18 : 4 * 18, 36:54].any()
    assert (picture[:, 181] == 255).all() and not picture[:, 180].any()
    assert (picture[54:72, 198:252] == COLOURS[L]).all() and (picture[36:54, 234:252] == COLOURS[L]).all()
    assert not picture[36:54, 198:234].any()


def test_score_level_and_lines_are_shown(game):
    places = {"score": slice(90, 104), "level": slice(118, 132), "lines": slice(132, 146)}
    for name, rows in places.items():
        before = game.draw().copy()
        game.state[name] += 7
        changed = np.argwhere((game.draw() != before).any(axis=2))
        assert len(changed) and changed[:, 1].min() > 198
        assert rows.start <= changed[:, 0].min() and changed[:, 0].max() < rows.stop


def test_a_message_shows_the_end_and_disappears_with_the_next_game(game):
    give(game, O, row=20)
    before = game.draw().copy()
    game.state["over"] = True
    changed = np.argwhere((game.draw() != before).any(axis=2))
    assert changed[:, 0].min() >= 190 and changed[:, 0].max() <= 250
    assert abs(changed[:, 1].min() + changed[:, 1].max() - 288) < 30
    game.state["over"] = False
    np.testing.assert_array_equal(game.draw(), before)


def test_the_picture_does_not_depend_on_what_was_drawn_before(game):
    """Drawing only the changes gives the same picture as drawing everything, whichever state is loaded."""
    random = np.random.default_rng(5)
    saved = []
    for step in range(3000):
        if game.over:
            saved.append(game.save_state())
            game.start()
        if step % 60 == 0:
            saved.append(game.save_state())
        game.advance(int(random.integers(5)))
        if step % 7 == 0:
            game.draw()
    random.shuffle(saved)
    for state in saved:
        game.load_state(state)
        fresh = Tetris()
        fresh.load_state(state)
        np.testing.assert_array_equal(game.draw(), fresh.draw())


def test_text_is_drawn_after_another_game_has_quit_pygame():
    game = Tetris()
    game.reset(seed=1)
    pygame.quit()
    game.state["score"] = 987_654
    assert (game.draw()[88:104, 198:] == 255).any()
