"""What an agent thinks, drawn at the right of its film: action, value, score, and the probabilities it chose from.

The colours are of Okabe and Ito's palette, which colour-blind people can tell apart; what was chosen has an arrow too.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from paac.evaluation import Decision
from paac.video.film import Film

PAPER, TRACK, DIM, INK = (20, 21, 26), (48, 50, 58), (150, 154, 164), (238, 238, 238)
BLUE, ORANGE = (86, 180, 233), (240, 170, 30)
SHADES = 6  # of each ink, from paper to full, for smooth letters
MARGIN = 12  # pixels
HIGHEST_ROW, LOWEST_ROW = 20, 14  # pixels of a row of bars
BARS_TOP = 136  # pixels above the first bar
LEAST_HEIGHT = BARS_TOP + 18 * LOWEST_ROW + MARGIN  # a panel has room for all of the Atari's actions
LEAST_WIDTH = 230  # for large scores beside the value
BAR = 70  # pixels of the widest bar
PERCENT = 36  # pixels at its right


class Moment(NamedTuple):
    """What is known when a picture is taken."""

    decision: Decision | None  # None before the first
    play: int  # which of the decision's plays it is in, from 1
    score: float


class AnnotatedFilm(Film):
    """A film with a panel at its right: a `Watcher` of the episode that it films."""

    def __init__(self, action_names: Sequence[str], repetition_table: Sequence[int], frame_skip: int, **film):
        """`frame_skip` screens are one play; `film` are the arguments of `Film`."""
        super().__init__(**film)
        self._panel = Panel(action_names, repetition_table)
        self._frame_skip = frame_skip
        self.moments: list[Moment] = []  # one for each picture
        self._decision: Decision | None = None
        self._frames = 0  # since the decision

    def on_decision(self, decision: Decision) -> None:
        """The screens that follow are of this decision."""
        self._decision, self._frames = decision, 0

    def add(self, screen: np.ndarray) -> None:
        """As `Film.add`."""
        super().add(screen)
        if len(self.moments) < len(self._pictures):
            score = self._decision.score if self._decision else 0.0
            self.moments.append(Moment(self._decision, 1 + self._frames // self._frame_skip, score))
        self._frames += 1

    def on_end(self, score: float) -> None:
        """The last picture shows the `score` of the whole episode, if the film lasts so long."""
        if self.seconds < self._most_seconds:
            self.moments[-1] = self.moments[-1]._replace(score=score)

    def _enlarged(self, number: int, scale: int) -> Image.Image:
        picture = super()._enlarged(number, scale)
        return side_by_side(picture, self._panel.draw(self.moments[number], picture.height))


class Panel:
    """Draws moments, for an agent with these actions and repeats."""

    def __init__(self, action_names: Sequence[str], repetition_table: Sequence[int]):
        self._names = list(action_names)
        self._plays = [1 + repeats for repeats in repetition_table]
        self.policy = Bars("policy", self._names, left=0)
        self.repetition = Bars("plays", [f"x{plays}" for plays in self._plays], left=self.policy.width)
        bars = self.policy.width + (self.repetition.width if len(self._plays) > 1 else 0)
        longest = max(font(20).getlength(f"{name}  x{max(self._plays)}") for name in self._names)
        self.width = max(LEAST_WIDTH, MARGIN + max(bars, MARGIN + int(longest)))

    def draw(self, moment: Moment, height: int) -> Image.Image:
        """The panel with a palette of its own, `width` x `height`, or higher where that has no room for it."""
        image = Image.new("RGB", (self.width, max(height, LEAST_HEIGHT)), PAPER)
        pen = ImageDraw.Draw(image)
        decision = moment.decision
        _figure(pen, MARGIN, "score", f"{moment.score:,.10g}")
        if decision is None:
            pen.text((MARGIN, 56), "before the first decision", DIM, font(13))
            return with_palette(image)
        _figure(pen, self.width // 2, "value", f"{decision.value:.2f}")
        self._action(pen, decision, moment.play)
        self.policy.draw(pen, image.height, decision.policy, decision.action)
        if len(self._plays) > 1:
            self.repetition.draw(pen, image.height, decision.repetition, decision.choice)
        return with_palette(image)

    def _action(self, pen: ImageDraw.ImageDraw, decision: Decision, play: int) -> None:
        """Its name, how often it is played, and a bar with a piece for each play: full for those that began."""
        plays = self._plays[decision.choice]
        name = self._names[decision.action]
        if max(self._plays) == 1:
            pen.text((MARGIN, 62), name, ORANGE, font(20))
            return
        pen.text((MARGIN, 56), f"{name}  x{plays}", ORANGE, font(20))
        width = self.width - 2 * MARGIN
        pen.rectangle((MARGIN, 88, MARGIN + width, 95), TRACK)
        pen.rectangle((MARGIN, 88, MARGIN + width * play // plays, 95), ORANGE)
        if plays <= width // 6:
            for number in range(1, plays):
                pen.line((MARGIN + width * number // plays, 88, MARGIN + width * number // plays, 95), PAPER, 2)


def _figure(pen: ImageDraw.ImageDraw, left: int, label: str, text: str) -> None:
    pen.text((left, 8), label, DIM, font(13))
    pen.text((left, 24), text, INK, font(20))


class Bars:
    """A probability for each of `names`, from `left` on, with an arrow at the one that was chosen."""

    def __init__(self, title: str, names: Sequence[str], left: int):
        self._title, self._names, self._left = title, names, left
        self.start = left + 2 * MARGIN + max(int(font(13).getlength(name)) for name in names) + 8  # of the bars
        self.width = self.start + BAR + PERCENT - left

    def draw(self, pen: ImageDraw.ImageDraw, bottom: int, shares: np.ndarray, chosen: int) -> None:
        """Those that there is room for above row `bottom`: the most probable, and the one that was chosen."""
        space = bottom - BARS_TOP - MARGIN // 2
        shown = most_probable(shares, chosen, space // LOWEST_ROW)
        title = self._title if len(shown) == len(shares) else f"{self._title}, {len(shown)} of {len(shares)}"
        pen.text((self._left + 2 * MARGIN, BARS_TOP - 20), title, DIM, font(13))
        row = min(HIGHEST_ROW, space // len(shown))
        for place, number in enumerate(shown):
            self._bar(pen, BARS_TOP + place * row + row // 2, self._names[number], shares[number], number == chosen)

    def _bar(self, pen: ImageDraw.ImageDraw, middle: int, name: str, share: float, chosen: bool) -> None:
        start, tip = self.start, self._left + 19
        if chosen:
            pen.polygon([(tip - 7, middle - 5), (tip - 7, middle + 5), (tip, middle)], ORANGE)
        pen.text((self._left + 2 * MARGIN, middle), name, ORANGE if chosen else INK, font(13), anchor="lm")
        pen.rectangle((start, middle - 4, start + BAR, middle + 4), TRACK)
        if round(BAR * share) > 0:
            pen.rectangle((start, middle - 4, start + round(BAR * share), middle + 4), ORANGE if chosen else BLUE)
        pen.text((start + BAR + PERCENT, middle), f"{100 * share:.0f}%", DIM, font(12), anchor="rm")


def most_probable(shares: np.ndarray, chosen: int, room: int) -> list[int]:
    """Numbers of the `room` largest of `shares`, `chosen` always among them, in rising order."""
    order = np.argsort(-shares, kind="stable").tolist()
    order.remove(chosen)
    return sorted([chosen, *order[: room - 1]])


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, `size` pixels high."""
    return ImageFont.load_default(size)  # type: ignore[return-value]


@cache
def _palette() -> Image.Image:
    """A picture that holds the colours of panels, paper first."""
    parts = np.linspace(0, 1, SHADES)[1:, None, None]
    shades = np.array(PAPER) * (1 - parts) + np.array([INK, DIM, BLUE, ORANGE]) * parts
    colours = [PAPER, TRACK, *shades.round().astype(int).reshape(-1, 3).tolist()]
    holder = Image.new("P", (1, 1))
    holder.putpalette([channel for colour in colours for channel in colour])
    return holder


def with_palette(panel: Image.Image) -> Image.Image:
    """Each pixel in the nearest of the panels' colours, the same for all pictures, so that nothing flickers."""
    return panel.quantize(palette=_palette(), dither=Image.Dither.NONE)


def side_by_side(picture: Image.Image, panel: Image.Image) -> Image.Image:
    """Both in one picture with one palette, paper below the lower one.

    The panel's colours are exact; so are the picture's, unless both have more than 256 together.
    """
    if _colours(picture) + _colours(panel) > 256:
        picture = picture.convert("RGB").quantize(256 - _colours(panel))
    paper = _colours(picture)  # the panel's first colour comes after the picture's last
    joined = np.full((max(picture.height, panel.height), picture.width + panel.width), paper, np.uint8)
    joined[: picture.height, : picture.width] = np.asarray(picture)
    joined[: panel.height, picture.width :] = np.asarray(panel) + paper
    both = Image.fromarray(joined)
    both.putpalette((picture.getpalette() or [])[: 3 * paper] + (panel.getpalette() or [])[: 3 * _colours(panel)])
    return both


def _colours(picture: Image.Image) -> int:
    """How many colours of its palette a picture uses, counted from the first."""
    return 1 + int(np.asarray(picture).max())
