"""Tetris: pieces fall, full rows disappear, and the game is over when there is no room for the next piece."""

import sys
import time
from functools import lru_cache
from typing import Any

import pygame

from emulators.games.pixel_game import Colour, PixelGame

COLUMNS, ROWS = 10, 22
CELL = 18  # width and height in pixels
WIDTH, HEIGHT = 16 * CELL, ROWS * CELL
BORDER_X = 181  # column of pixels between the board and the panel
PANEL_X = 198  # left column of pixels of the panel's text and of the next piece
LABEL_Y, NEXT_PIECE_Y, SCORE_Y, LEVEL_Y, LINES_Y = 2, 36, 90, 118, 132  # top rows of pixels in the panel
FONT_SIZE = 12  # pixels
MESSAGE_LINE_HEIGHT = 22  # pixels, of the message when the game is over

LINES_PER_LEVEL = 6
MAX_FALL_PERIOD = 5  # steps per row at level 1; the period is one step less with each level, and at least 1
LINE_SCORES = 0, 40, 100, 300, 1200  # by the number of rows that are filled at once; multiplied by the level
SOFT_DROP_SCORE = 1

NOOP, LEFT, RIGHT, DOWN, ROTATE = range(5)
DROP = 5  # all the way down; only for playing by hand

BLACK, DARK, WHITE = (0, 0, 0), (35, 35, 35), (255, 255, 255)
PIECES: tuple[tuple[Colour, tuple[str, ...]], ...] = (  # the cells of piece i have the value 1 + i in the board
    ((255, 85, 85), ("XXX", ".X.")),
    ((100, 200, 115), (".XX", "XX.")),
    ((120, 108, 245), ("XX.", ".XX")),
    ((255, 140, 50), ("X..", "XXX")),
    ((50, 120, 52), ("..X", "XXX")),
    ((146, 202, 73), ("XXXX",)),
    ((150, 161, 218), ("XX", "XX")),
)

Cells = tuple[tuple[int, int], ...]  # (row, column) of each cell


def _cells(rows: tuple[str, ...]) -> Cells:
    return tuple((row, column) for row, marks in enumerate(rows) for column, mark in enumerate(marks) if mark == "X")


def _turns(rows: tuple[str, ...]) -> list[Cells]:
    """Return the cells of a piece, relative to its top left corner, after 0 to 3 counterclockwise quarter turns."""
    turns = []
    for _ in range(4):
        turns.append(_cells(rows))
        rows = tuple("".join(column) for column in zip(*rows, strict=True))[::-1]
    return turns


SHAPES = [[], *(_turns(rows) for _, rows in PIECES)]  # [piece][turn]


def _width(piece: int, turn: int) -> int:
    return 1 + max(column for _, column in SHAPES[piece][turn])


def _new_board() -> list[list[int]]:
    return [[0] * COLUMNS for _ in range(ROWS)]


class Tetris(PixelGame):
    """The reward is the change of the score.

    The score grows by 1 for each "down", and by 40, 100, 300 or 1200 times the level for 1 to 4 rows filled at once. In
    a step the action comes first. Then, in the first step of an episode and every few steps after it, the piece falls
    by one row. A piece that cannot fall further is locked in place, and the next one appears. A rotation is a
    counterclockwise quarter turn that keeps the top left corner of the piece.
    """

    size = WIDTH, HEIGHT
    actions = "no-op", "left", "right", "down", "rotate"
    noop = NOOP
    keys = {"left": LEFT, "right": RIGHT, "down": DOWN, "up": ROTATE, "return": DROP}
    once_per_press = True
    key_repeat_ms = 70

    def __init__(self, render_mode: str | None = None):
        super().__init__(render_mode)
        self._clear_picture()

    def _begin(self) -> dict[str, Any]:
        counts = {"score": 0, "level": 1, "lines": 0, "steps": 0}
        piece = self._new_piece()
        return {"board": _new_board(), "over": False, "next": self._new_piece()} | counts | _at_the_top(piece)

    def _new_piece(self) -> int:
        return 1 + int(self.np_random.integers(len(PIECES)))

    @property
    def over(self) -> bool:
        """Whether there was no room for the next piece."""
        return self.state["over"]

    def _advance(self, action: int) -> float:
        state = self.state
        before = state["score"]
        self.press(action)
        if state["steps"] % max(1, MAX_FALL_PERIOD + 1 - state["level"]) == 0 and not self.over:
            self.fall()
        state["steps"] += 1
        return float(state["score"] - before)

    def press(self, action: int) -> None:
        """Apply an action, without gravity."""
        if action == LEFT:
            self._move(-1)
        elif action == RIGHT:
            self._move(1)
        elif action == DOWN:
            self.state["score"] += SOFT_DROP_SCORE
            self.fall()
        elif action == ROTATE:
            self._rotate()

    def advance_by_hand(self, action: int, seconds: float) -> float:
        """Play one step for a person, `seconds` after the last one.

        At level 1 the piece falls every 1000 ms; the period is 50 ms shorter with each level, and at least 100 ms.
        """
        if self.over:
            return 0.0
        state = self.state
        before, state["waited"] = state["score"], state.get("waited", 0.0) + 1000 * seconds
        self.press(action)
        if action == DROP:  # as many "down" as it takes until the piece stays
            state["score"] += SOFT_DROP_SCORE
            while self.fall():
                state["score"] += SOFT_DROP_SCORE
        if state["waited"] >= max(100, 1000 - 50 * (state["level"] - 1)) and not self.over:
            state["waited"] = 0.0
            self.fall()
        return float(state["score"] - before)

    def _move(self, by: int) -> None:
        state = self.state
        column = state["column"] + by
        if column >= 0 and self._fits(state["turn"], state["row"], column):
            state["column"] = column

    def _rotate(self) -> None:
        state = self.state
        turn = (state["turn"] + 1) % 4
        if self._fits(turn, state["row"], state["column"]):
            state["turn"] = turn

    def _fits(self, turn: int, row: int, column: int) -> bool:
        """Whether there is room for the piece at a row and column, which must not be negative."""
        board = self.state["board"]
        for down, right in SHAPES[self.state["piece"]][turn]:
            y, x = row + down, column + right
            if y >= ROWS or x >= COLUMNS or board[y][x]:
                return False
        return True

    def fall(self) -> bool:
        """Let the piece fall by one row, or lock it in place and start the next one. Returns whether it fell."""
        state = self.state
        if self._fits(state["turn"], state["row"] + 1, state["column"]):
            state["row"] += 1
            return True
        self._place_piece(state["board"])
        state |= _at_the_top(state["next"])
        state["next"] = self._new_piece()
        state["over"] = not self._fits(state["turn"], state["row"], state["column"])  # checked before rows are removed
        self._remove_full_rows()
        return False

    def _place_piece(self, board: list[list[int]]) -> None:
        """Write the piece into a board."""
        state = self.state
        for down, right in SHAPES[state["piece"]][state["turn"]]:
            board[state["row"] + down][state["column"] + right] = state["piece"]

    def _remove_full_rows(self) -> None:
        state = self.state
        remaining = [row for row in state["board"] if not all(row)]
        removed = ROWS - len(remaining)
        state["board"] = _new_board()[:removed] + remaining
        state["lines"] += removed
        state["score"] += LINE_SCORES[removed] * state["level"]
        if state["lines"] >= LINES_PER_LEVEL * state["level"]:
            state["level"] += 1

    # The picture. Only what has changed is drawn again.

    def _clear_picture(self) -> None:
        """Draw an empty picture, so that everything else is drawn again."""
        self.canvas.fill(BLACK)
        self.canvas.fill(WHITE, (BORDER_X, 0, 1, HEIGHT))
        self._drawn_rows: list[list[int]] = [[]] * ROWS  # the board that the picture shows, with the piece
        self._drawn_panel: list[Any] = []  # the values that the panel shows
        self._message_drawn = False

    def _draw(self) -> None:
        if self._message_drawn:
            self._clear_picture()
        self._draw_board()
        self._draw_panel()
        if self.over:
            self._draw_message()

    def _draw_board(self) -> None:
        rows = [list(row) for row in self.state["board"]]
        self._place_piece(rows)
        for y, (row, drawn) in enumerate(zip(rows, self._drawn_rows, strict=True)):
            if row == drawn:
                continue
            for x, piece in enumerate(row):
                empty = BLACK if (x + y) % 2 else DARK
                self.canvas.fill(PIECES[piece - 1][0] if piece else empty, (x * CELL, y * CELL, CELL, CELL))
        self._drawn_rows = rows

    def _draw_panel(self) -> None:
        state = self.state
        panel = [state["next"], state["score"], state["level"], state["lines"]]
        if panel == self._drawn_panel:
            return
        self._drawn_panel = panel
        self.canvas.fill(BLACK, (PANEL_X, 0, WIDTH - PANEL_X, HEIGHT))
        lines = {LABEL_Y: "Next:", SCORE_Y: f"Score: {state['score']}"}
        lines |= {LEVEL_Y: f"Level: {state['level']}", LINES_Y: f"Lines: {state['lines']}"}
        for y, line in lines.items():
            self.canvas.blit(_text(line), (PANEL_X, y))
        colour = PIECES[state["next"] - 1][0]
        for row, column in SHAPES[state["next"]][0]:
            self.canvas.fill(colour, (PANEL_X + column * CELL, NEXT_PIECE_Y + row * CELL, CELL, CELL))

    def _draw_message(self) -> None:
        lines = "Game Over!", f"Your score: {self.state['score']}", "Press space to continue"
        for number, line in enumerate(lines):
            text = _text(line)
            centre = WIDTH // 2, HEIGHT // 2 + number * MESSAGE_LINE_HEIGHT
            self.canvas.blit(text, text.get_rect(center=centre))
        self._message_drawn = True


def _at_the_top(piece: int) -> dict[str, int]:
    """Return the state of a piece that appears: centred in the first row, or half a cell left of the centre."""
    return {"piece": piece, "turn": 0, "row": 0, "column": (COLUMNS - _width(piece, 0)) // 2}


@lru_cache(1000)
def _text(line: str) -> pygame.Surface:
    # The font is not kept: Gymnasium's own games quit pygame when they close, and using the font after that crashes.
    pygame.font.init()
    return pygame.font.Font(pygame.font.get_default_font(), FONT_SIZE).render(line, False, WHITE, BLACK)


if __name__ == "__main__":
    from emulators import GameError, make_emulator
    from emulators.by_hand import ManualPlay

    try:
        ManualPlay("Tetris", make_emulator("tetris", seed=time.time_ns())).play()
    except GameError as error:
        print(f"tetris: {error}", file=sys.stderr)
        sys.exit(2)
