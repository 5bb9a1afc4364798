"""Learning curves: a panel a game, a curve a group of runs, the mean of its seeds."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from figures.groups import RunGroup, seeds_of
from figures.runs import AXES, Run
from figures.style import BAND, line, new_figure, shorten_numbers, styled, wrap

COLUMNS = 3  # of panels, at most
BAND_LABEL = "band: least to greatest of the seeds, as far as all of them have got"


def bin_means(positions: np.ndarray, values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Mean of the `values` in each bin, float64 [bins]; NaN in an empty one.

    Bin i takes positions above `edges[i]` up to and with `edges[i + 1]`, the first and the last also those beyond;
    `positions` and `values` are [n].
    """
    bins = np.clip(np.searchsorted(edges, positions) - 1, 0, len(edges) - 2)
    counts = np.bincount(bins, minlength=len(edges) - 1)
    sums = np.bincount(bins, values, minlength=len(edges) - 1)
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def fill_gaps(values: np.ndarray) -> np.ndarray:
    """`values` [bins] with straight lines over the NaNs between others; those at the ends stay."""
    known = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(len(values)), known, values[known], left=np.nan, right=np.nan)


def learning_curves(runs: Sequence[Run], axis: str, edges: np.ndarray) -> np.ndarray:
    """Mean score of each run in each bin, float64 [runs, bins]; NaN before its first and after its last."""
    return np.stack([fill_gaps(bin_means(run.at(axis), run.scores, edges)) for run in runs])


def draw_curves(groups: Sequence[RunGroup], axis: str = "decisions", bins: int = 100) -> Figure:
    """One panel for each game of the groups.

    A curve is the mean of its seeds, from where all have ended an episode to where the first of them stops; the band
    goes from the least of them to the greatest. `axis` is one of AXES.
    """
    games = sorted({game for group in groups for game in group.games})
    columns = min(COLUMNS, len(games))
    rows = math.ceil(len(games) / columns)
    width, height = (5, 3.2) if columns == 1 else (3.1 * columns, 2.5 * rows)
    legend = _legend(groups, int(8 * width))
    with styled():
        figure = new_figure(width, height + 0.2 * sum(1 + entry.get_label().count("\n") for entry in legend) + 0.3)
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for panel, game in zip(panels, games, strict=False):
            _draw_game(panel, game, groups, axis, bins)
        for panel in panels[len(games) :]:
            panel.set_visible(False)
        figure.supxlabel(AXES[axis], fontsize="medium")
        for panel in panels[: len(games) : columns]:
            panel.set_ylabel(f"score: mean of the\nepisodes in each of {bins} bins")
        figure.legend(handles=legend, loc="outside upper left")
    return figure


def _draw_game(panel: Axes, game: str, groups: Sequence[RunGroup], axis: str, bins: int) -> None:
    edges = np.linspace(0, max(run.at(axis)[-1] for group in groups for run in group.of(game)), bins + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    for number, group in enumerate(groups):
        runs = group.of(game)
        if not runs:
            continue
        curves = learning_curves(runs, axis, edges)
        panel.plot(middles, curves.mean(axis=0), linewidth=1.5, **line(number))
        if len(runs) > 1:
            colour = line(number)["color"]
            panel.fill_between(middles, curves.min(axis=0), curves.max(axis=0), color=colour, alpha=BAND, linewidth=0)
    panel.set_title(game, loc="left")
    panel.margins(x=0)
    panel.set_xlim(left=0)
    if axis != "hours":
        shorten_numbers(panel)


def _legend(groups: Sequence[RunGroup], width: int) -> list:
    """An entry a group, and what the bands are, in lines of about `width` characters."""
    entries: list = [
        Line2D([], [], label=wrap(f"{group.label} ({seeds_of(group)})", width), **line(number))
        for number, group in enumerate(groups)
    ]
    if any(len(group.of(game)) > 1 for group in groups for game in group.games):
        entries.append(Patch(color="0.5", alpha=BAND, label=wrap(BAND_LABEL, width)))
    return entries
