"""Tetris: pieces fall, full rows vanish, and the game is over when the next piece has no room."""

import sys
import time
from functools import lru_cache
from typing import Any

import pygame

from emulators.games.pixel_game import Colour, PixelGame

COLUMNS, ROWS = 10, 22
CELL = 18  # pixels
WIDTH, HEIGHT = 16 * CELL, ROWS * CELL
LINE = 181  # column of pixels between the board and the panel
PANEL = 198  # where the panel's texts and the next piece start
NEXT_ROW = 36  # of pixels
WORDS_ROW, SCORE_ROW, LEVEL_ROW, LINES_ROW = 2, 90, 118, 132
FONT_SIZE = 12
MESSAGE_PITCH = 22  # pixels from line to line when the game is over

LINES_A_LEVEL = 6
SLOWEST = 5  # steps a row at level 1, one less each level, at least 1
LINE_SCORES = 0, 40, 100, 300, 1200  # for that many rows at once, times the level
SOFT_DROP_SCORE = 1

NOOP, LEFT, RIGHT, DOWN, ROTATE = range(5)
DROP = 5  # all the way, played by hand only

BLACK, DARK, WHITE = (0, 0, 0), (35, 35, 35), (255, 255, 255)
PIECES: tuple[tuple[Colour, tuple[str, ...]], ...] = (  # in the board they are 1 to 7
    ((255, 85, 85), ("XXX", ".X.")),
    ((100, 200, 115), (".XX", "XX.")),
    ((120, 108, 245), ("XX.", ".XX")),
    ((255, 140, 50), ("X..", "XXX")),
    ((50, 120, 52), ("..X", "XXX")),
    ((146, 202, 73), ("XXXX",)),
    ((150, 161, 218), ("XX", "XX")),
)

Cells = tuple[tuple[int, int], ...]


def _cells(rows: tuple[str, ...]) -> Cells:
    return tuple((row, column) for row, marks in enumerate(rows) for column, mark in enumerate(marks) if mark == "X")


def _turns(rows: tuple[str, ...]) -> list[Cells]:
    """The cells, (row, column) from the top left, after 0 to 3 quarter turns against the clock."""
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
    """+1 for each row that a piece is pushed down; 40, 100, 300 or 1200 times the level for 1 to 4 rows at once.

    In a step the action comes first; then, every few steps, the piece falls by itself. The first step always makes it
    fall. A piece that cannot fall stays, and the next appears; a quarter turn keeps the top left corner of the piece.
    """

    size = WIDTH, HEIGHT
    actions = "no-op", "left", "right", "down", "rotate"
    noop = NOOP
    keys = {"left": LEFT, "right": RIGHT, "down": DOWN, "up": ROTATE, "return": DROP}
    taps = True
    key_repeat = 70

    def __init__(self, render_mode: str | None = None):
        super().__init__(render_mode)
        self._clear()

    def _begin(self) -> dict[str, Any]:
        counts = {"score": 0, "level": 1, "lines": 0, "steps": 0}
        piece = self._new_piece()
        return {"board": _new_board(), "over": False, "next": self._new_piece()} | counts | _at_the_top(piece)

    def _new_piece(self) -> int:
        return 1 + int(self.np_random.integers(len(PIECES)))

    @property
    def over(self) -> bool:
        """When the next piece had no room."""
        return self.state["over"]

    def _advance(self, action: int) -> float:
        state = self.state
        before = state["score"]
        self.press(action)
        if state["steps"] % max(1, SLOWEST + 1 - state["level"]) == 0 and not self.over:
            self.fall()
        state["steps"] += 1
        return float(state["score"] - before)

    def press(self, action: int) -> None:
        """What an action does, without the fall that comes by itself."""
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
        """A row falls every 1000 ms at level 1, 50 ms less each level, at least 100."""
        if self.over:
            return 0.0
        state = self.state
        before, state["waited"] = state["score"], state.get("waited", 0.0) + 1000 * seconds
        self.press(action)
        if action == DROP:
            while self.fall():
                pass
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
        """Whether the piece has room there; rows and columns below 0 do not occur."""
        board = self.state["board"]
        for down, right in SHAPES[self.state["piece"]][turn]:
            y, x = row + down, column + right
            if y >= ROWS or x >= COLUMNS or board[y][x]:
                return False
        return True

    def fall(self) -> bool:
        """The piece falls one row, or stays for good and the next appears; returns whether it fell."""
        state = self.state
        if self._fits(state["turn"], state["row"] + 1, state["column"]):
            state["row"] += 1
            return True
        self._lay(state["board"])
        state |= _at_the_top(state["next"])
        state["next"] = self._new_piece()
        state["over"] = not self._fits(state["turn"], state["row"], state["column"])  # full rows are still there
        self._remove_full_rows()
        return False

    def _lay(self, board: list[list[int]]) -> None:
        """Put the piece into a board."""
        state = self.state
        for down, right in SHAPES[state["piece"]][state["turn"]]:
            board[state["row"] + down][state["column"] + right] = state["piece"]

    def _remove_full_rows(self) -> None:
        state = self.state
        left = [row for row in state["board"] if not all(row)]
        removed = ROWS - len(left)
        state["board"] = _new_board()[:removed] + left
        state["lines"] += removed
        state["score"] += LINE_SCORES[removed] * state["level"]
        if state["lines"] >= LINES_A_LEVEL * state["level"]:
            state["level"] += 1

    # The picture: only what is not there yet is drawn.

    def _clear(self) -> None:
        """Draw what never changes, and forget the rest."""
        self.canvas.fill(BLACK)
        self.canvas.fill(WHITE, (LINE, 0, 1, HEIGHT))
        self._rows: list[list[int]] = [[]] * ROWS  # of the board as drawn, the piece included
        self._panel: list[Any] = []
        self._message = False

    def _draw(self) -> None:
        if self._message:
            self._clear()
        self._draw_board()
        self._draw_panel()
        if self.over:
            self._draw_message()

    def _draw_board(self) -> None:
        rows = [list(row) for row in self.state["board"]]
        self._lay(rows)
        for y, (row, drawn) in enumerate(zip(rows, self._rows, strict=True)):
            if row == drawn:
                continue
            for x, piece in enumerate(row):
                empty = BLACK if (x + y) % 2 else DARK
                self.canvas.fill(PIECES[piece - 1][0] if piece else empty, (x * CELL, y * CELL, CELL, CELL))
        self._rows = rows

    def _draw_panel(self) -> None:
        state = self.state
        panel = [state["next"], state["score"], state["level"], state["lines"]]
        if panel == self._panel:
            return
        self._panel = panel
        self.canvas.fill(BLACK, (PANEL, 0, WIDTH - PANEL, HEIGHT))
        texts = {WORDS_ROW: "Next:", SCORE_ROW: f"Score: {state['score']}"}
        texts |= {LEVEL_ROW: f"Level: {state['level']}", LINES_ROW: f"Lines: {state['lines']}"}
        for y, words in texts.items():
            self.canvas.blit(_text(words), (PANEL, y))
        colour = PIECES[state["next"] - 1][0]
        for row, column in SHAPES[state["next"]][0]:
            self.canvas.fill(colour, (PANEL + column * CELL, NEXT_ROW + row * CELL, CELL, CELL))

    def _draw_message(self) -> None:
        lines = "Game Over!", f"Your score: {self.state['score']}", "Press space to continue"
        for number, words in enumerate(lines):
            text = _text(words)
            middle = WIDTH // 2, HEIGHT // 2 + number * MESSAGE_PITCH
            self.canvas.blit(text, text.get_rect(center=middle))
        self._message = True


def _at_the_top(piece: int) -> dict[str, int]:
    """Where a piece appears: in the middle of the first row, left of it where it cannot be."""
    return {"piece": piece, "turn": 0, "row": 0, "column": (COLUMNS - _width(piece, 0)) // 2}


@lru_cache(1000)
def _text(words: str) -> pygame.Surface:
    # The font is not kept: Gymnasium's own games end all of pygame when they close, and an old font would crash.
    pygame.font.init()
    return pygame.font.Font(pygame.font.get_default_font(), FONT_SIZE).render(words, False, WHITE, BLACK)


if __name__ == "__main__":
    from emulators import GameError, make_emulator
    from emulators.by_hand import ManualPlay

    try:
        ManualPlay("Tetris", make_emulator("tetris", seed=time.time_ns())).play()
    except GameError as error:
        print(f"tetris: {error}", file=sys.stderr)
        sys.exit(2)
