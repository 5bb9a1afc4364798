"""Films with a panel at the right of the game, which shows the agent's action, value, score and probabilities.

The colours of the bars are from Okabe and Ito's palette, which colour-blind people can tell apart. Arrows mark what was
chosen.
"""

from collections.abc import Sequence
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from paac.evaluation import Decision
from paac.video.film import Film

BACKGROUND, BAR_BACKGROUND, LABEL, TEXT = (20, 21, 26), (48, 50, 58), (150, 154, 164), (238, 238, 238)
BLUE, ORANGE = (86, 180, 233), (240, 170, 30)
Colour = tuple[int, int, int]
SHADES = 6  # number of palette entries for each text colour, because the edges of letters are antialiased

# Sizes in pixels, at the scale that makes the game about 420 pixels high:
MARGIN = 12
MAX_ROW_HEIGHT, MIN_ROW_HEIGHT = 20, 14  # of a row with one bar
BARS_TOP = 136  # height of the part above the first row
MIN_HEIGHT = BARS_TOP + 18 * MIN_ROW_HEIGHT + MARGIN  # of the panel: an Atari game has up to 18 actions
MIN_WIDTH = 250  # of the panel: enough for a score of eight digits beside the value
BAR_WIDTH = 70  # of a bar of 100%
PERCENT_WIDTH = 36  # of the percentage at the right of a bar


class PanelState(NamedTuple):
    """The contents of the panel at the right of one picture."""

    decision: Decision | None  # None before the first decision
    play: int  # which play of the decision is shown, counted from 1
    score: float  # sum of the rewards before the decision


class AnnotatedFilm(Film):
    """A film with a panel at its right; a `Watcher` of the episode that it films."""

    def __init__(self, action_names: Sequence[str], repetition_table: Sequence[int], frame_skip: int, **film):
        """`frame_skip` is the number of screens per play; `film` are the arguments of `Film`."""
        super().__init__(**film)
        self._panel = cache(partial(Panel, action_names, repetition_table))
        self._frame_skip = frame_skip
        self.panel_states: list[PanelState] = []  # one per picture
        self._decision: Decision | None = None
        self._frames = 0  # screens since the decision

    def on_decision(self, decision: Decision) -> None:
        """Show this decision beside the screens that follow."""
        super().on_decision(decision)
        self._decision, self._frames = decision, 0

    def add(self, screen: np.ndarray) -> None:
        """Add a screen, uint8 [height, width, 3], and the state of its panel."""
        super().add(screen)
        if len(self.panel_states) < len(self._pictures):
            play = 1 + self._frames // self._frame_skip
            self.panel_states.append(PanelState(self._decision, play, self.scores[-1]))
        self._frames += 1

    def clear(self) -> None:
        """Discard all screens."""
        super().clear()
        self.panel_states.clear()

    def on_end(self, score: float) -> None:
        """Show the `score` of the whole episode in the last picture, unless the film ended before the episode."""
        super().on_end(score)
        self.panel_states[-1] = self.panel_states[-1]._replace(score=self.scores[-1])

    def _enlarged(self, number: int, scale: int) -> Image.Image:
        picture = super()._enlarged(number, scale)
        panel = self._panel(max(1.0, scale / self.fitting_scale))
        return append_panel(picture, panel.draw(self.panel_states[number], picture.height))


class Pen:
    """Draws on an image; all positions and sizes are multiplied by `zoom`."""

    def __init__(self, image: Image.Image, zoom: float):
        self._draw = ImageDraw.Draw(image)
        self._zoom = zoom
        self.bottom = image.height / zoom

    def text(self, left: float, top: float, text: str, colour: Colour, size: float, anchor: str = "la") -> None:
        """Write `text`, `size` pixels high."""
        self._draw.text(self._scaled(left, top), text, colour, load_font(size * self._zoom), anchor)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a box; its last pixels are those before `right` and `bottom`."""
        (left, top), (right, bottom) = self._scaled(left, top), self._scaled(right, bottom)
        if right > left:
            self._draw.rectangle((left, top, right - 1, bottom - 1), colour)

    def arrow(self, tip: float, middle: float, colour: Colour) -> None:
        """Draw an arrow that points to the right, with its tip at (`tip`, `middle`)."""
        corners = (tip - 7, middle - 5), (tip - 7, middle + 5), (tip, middle)
        self._draw.polygon([self._scaled(*corner) for corner in corners], colour)

    def _scaled(self, left: float, top: float) -> tuple[int, int]:
        return round(left * self._zoom), round(top * self._zoom)


class Panel:
    """Draws the panel for an agent with these actions and numbers of repeats, everything enlarged by `zoom`."""

    def __init__(self, action_names: Sequence[str], repetition_table: Sequence[int], zoom: float = 1.0):
        self._names = list(action_names)
        self._plays = [1 + repeats for repeats in repetition_table]
        self._zoom = zoom
        self.policy = ProbabilityBars("policy", self._names, left=0)
        self.repetition = ProbabilityBars("plays", [f"x{plays}" for plays in self._plays], left=self.policy.width)
        bars = self.policy.width + (self.repetition.width if len(self._plays) > 1 else 0)
        longest = max(load_font(20).getlength(f"{name}  x{max(self._plays)}") for name in self._names)
        self._width = max(MIN_WIDTH, MARGIN + max(bars, MARGIN + int(longest)))
        self.width = round(self._width * zoom)

    def draw(self, state: PanelState, height: int) -> Image.Image:
        """Return the panel as an image with a palette, as high as `height`, but at least MIN_HEIGHT, enlarged."""
        image = Image.new("RGB", (self.width, max(height, round(MIN_HEIGHT * self._zoom))), BACKGROUND)
        pen = Pen(image, self._zoom)
        decision = state.decision
        decimals = 0 if state.score == round(state.score) else 2
        _draw_number(pen, MARGIN, "score", f"{state.score:,.{decimals}f}")
        if decision is None:
            pen.text(MARGIN, 56, "before the first decision", LABEL, 13)
            return _quantize(image)
        _draw_number(pen, self._width // 2, "value", f"{decision.value:.2f}")
        self._draw_action(pen, decision, state.play)
        self.policy.draw(pen, decision.policy, decision.action)
        if len(self._plays) > 1:
            self.repetition.draw(pen, decision.repetition, decision.choice)
        return _quantize(image)

    def _draw_action(self, pen: Pen, decision: Decision, play: int) -> None:
        """Draw the action's name, its number of plays, and a progress bar that is filled up to the current `play`."""
        plays = self._plays[decision.choice]
        name = self._names[decision.action]
        if max(self._plays) == 1:
            pen.text(MARGIN, 62, name, ORANGE, 20)
            return
        pen.text(MARGIN, 56, f"{name}  x{plays}", ORANGE, 20)
        width = self._width - 2 * MARGIN
        pen.box(MARGIN, 88, MARGIN + width, 96, BAR_BACKGROUND)
        pen.box(MARGIN, 88, MARGIN + width * play // plays, 96, ORANGE)
        if plays <= width // 6:
            for number in range(1, plays):
                end = MARGIN + width * number // plays
                pen.box(end - 1, 88, end + 1, 96, BACKGROUND)


def _draw_number(pen: Pen, left: int, label: str, text: str) -> None:
    pen.text(left, 8, label, LABEL, 13)
    pen.text(left, 24, text, TEXT, 20)


class ProbabilityBars:
    """Draws a column of bars, the probabilities of `names`, with an arrow at the name that was chosen.

    The column starts `left` pixels from the left edge of the panel.
    """

    def __init__(self, title: str, names: Sequence[str], left: int):
        self._title, self._names, self._left = title, names, left
        longest = max(int(load_font(13).getlength(name)) for name in names)
        self.start = left + 2 * MARGIN + longest + 8  # left end of the bars
        self.width = self.start + BAR_WIDTH + PERCENT_WIDTH - left

    def draw(self, pen: Pen, probabilities: np.ndarray, chosen: int) -> None:
        """Draw the bar of index `chosen` and those of the most probable others, as many as fit."""
        space = int(pen.bottom) - BARS_TOP - MARGIN // 2
        shown = indices_to_show(probabilities, chosen, space // MIN_ROW_HEIGHT)
        total = len(probabilities)
        title = self._title if len(shown) == total else f"{self._title}, {len(shown)} of {total}"
        pen.text(self._left + 2 * MARGIN, BARS_TOP - 20, title, LABEL, 13)
        row = min(MAX_ROW_HEIGHT, space // len(shown))
        for place, number in enumerate(shown):
            middle = BARS_TOP + place * row + row // 2
            self._draw_bar(pen, middle, self._names[number], probabilities[number], number == chosen)

    def _draw_bar(self, pen: Pen, middle: int, name: str, probability: float, chosen: bool) -> None:
        start = self.start
        if chosen:
            pen.arrow(self._left + 19, middle, ORANGE)
        pen.text(self._left + 2 * MARGIN, middle, name, ORANGE if chosen else TEXT, 13, anchor="lm")
        pen.box(start, middle - 4, start + BAR_WIDTH + 1, middle + 5, BAR_BACKGROUND)
        width = round(BAR_WIDTH * probability)
        if width > 0:
            pen.box(start, middle - 4, start + width + 1, middle + 5, ORANGE if chosen else BLUE)
        percent = f"{100 * probability:.0f}%"
        pen.text(start + BAR_WIDTH + PERCENT_WIDTH, middle, percent, LABEL, 12, anchor="rm")


def indices_to_show(probabilities: np.ndarray, chosen: int, count: int) -> list[int]:
    """Return at most `count` indices in ascending order: `chosen` and the most probable others."""
    order = np.argsort(-probabilities, kind="stable").tolist()
    order.remove(chosen)
    return sorted([chosen, *order[: count - 1]])


@cache
def load_font(size: float) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font, `size` pixels high."""
    return ImageFont.load_default(size)  # type: ignore[return-value]


@cache
def _panel_palette() -> Image.Image:
    """Return an image whose palette has the colours of all panels, the background first."""
    weights = np.linspace(0, 1, SHADES)[1:, None, None]
    shades = np.array(BACKGROUND) * (1 - weights) + np.array([TEXT, LABEL, BLUE, ORANGE]) * weights
    colours = [BACKGROUND, BAR_BACKGROUND, *shades.round().astype(int).reshape(-1, 3).tolist()]
    palette_image = Image.new("P", (1, 1))
    palette_image.putpalette([channel for colour in colours for channel in colour])
    return palette_image


def _quantize(panel: Image.Image) -> Image.Image:
    """Give each pixel the nearest colour of the palette that all panels share, so that nothing flickers."""
    return panel.quantize(palette=_panel_palette(), dither=Image.Dither.NONE)


def append_panel(picture: Image.Image, panel: Image.Image) -> Image.Image:
    """Return both images side by side with one palette; the space below the shorter one has the background colour.

    The panel's colours are exact. The picture's are exact unless the two have more than 256 colours together.
    """
    if _num_colours(picture) + _num_colours(panel) > 256:
        picture = picture.convert("RGB").quantize(256 - _num_colours(panel))
    first = _num_colours(picture)  # index of the panel's first colour, the background, after the picture's colours
    indices = np.full((max(picture.height, panel.height), picture.width + panel.width), first, np.uint8)
    indices[: picture.height, : picture.width] = np.asarray(picture)
    indices[: panel.height, picture.width :] = np.asarray(panel) + first
    both = Image.fromarray(indices)
    both.putpalette((picture.getpalette() or [])[: 3 * first] + (panel.getpalette() or [])[: 3 * _num_colours(panel)])
    return both


def _num_colours(picture: Image.Image) -> int:
    """Return the largest palette index in the picture, plus 1."""
    return 1 + int(np.asarray(picture).max())
