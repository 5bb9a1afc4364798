"""Learning curves: one panel per game, and one curve per group of runs, which is the mean over the seeds."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from figures.groups import RunGroup, describe_group_seeds
from figures.runs import AXES, Run
from figures.style import BAND_OPACITY, curve_style, new_figure, shorten_numbers, styled, wrap
from paac.cli.words import counted

MAX_COLUMNS = 3  # of panels
BAND_LABEL = "band: from the lowest to the highest seed, where all seeds have data"


def bin_means(positions: np.ndarray, values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Mean of the `values` in each bin, float64 [bins]; NaN in an empty bin.

    `positions` and `values` are [n]. Bin i contains the positions with edges[i] < position <= edges[i + 1]. The first
    bin also contains smaller positions, and the last bin larger ones.
    """
    bins = np.clip(np.searchsorted(edges, positions) - 1, 0, len(edges) - 2)
    counts = np.bincount(bins, minlength=len(edges) - 1)
    sums = np.bincount(bins, values, minlength=len(edges) - 1)
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def fill_gaps(values: np.ndarray) -> np.ndarray:
    """Replace NaNs between known `values`, float64 [bins], by linear interpolation; NaNs at both ends stay."""
    known = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(len(values)), known, values[known], left=np.nan, right=np.nan)


def learning_curves(runs: Sequence[Run], axis: str, edges: np.ndarray) -> np.ndarray:
    """Mean score of each run in each bin, float64 [runs, bins]; NaN before its first and after its last episode."""
    return np.stack([fill_gaps(bin_means(run.positions(axis), run.scores, edges)) for run in runs])


def draw_curves(groups: Sequence[RunGroup], axis: str = "decisions", bins: int = 100) -> Figure:
    """Draw one panel per game; `axis`, the x axis, is one of AXES.

    A curve is the mean over the seeds, and its band goes from the lowest to the highest seed. Both are drawn where all
    seeds have data: they start after the first episode of each, and stop where the shortest run stops.
    """
    games = sorted({game for group in groups for game in group.games})
    columns = min(MAX_COLUMNS, len(games))
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
            panel.set_ylabel(f"mean score of the\nepisodes in {'each of ' if bins > 1 else ''}{counted(bins, 'bin')}")
        figure.legend(handles=legend, loc="outside upper left")
    return figure


def _draw_game(panel: Axes, game: str, groups: Sequence[RunGroup], axis: str, bins: int) -> None:
    edges = np.linspace(0, max(run.positions(axis)[-1] for group in groups for run in group.runs_of(game)), bins + 1)
    centers = (edges[:-1] + edges[1:]) / 2
    for number, group in enumerate(groups):
        runs = group.runs_of(game)
        if not runs:
            continue
        curves = learning_curves(runs, axis, edges)
        panel.plot(centers, curves.mean(axis=0), linewidth=1.5, **curve_style(number))
        if len(runs) > 1:
            lowest, highest, colour = curves.min(axis=0), curves.max(axis=0), curve_style(number)["color"]
            panel.fill_between(centers, lowest, highest, color=colour, alpha=BAND_OPACITY, linewidth=0)
    panel.set_title(game, loc="left")
    panel.margins(x=0)
    panel.set_xlim(left=0)
    if axis != "hours":
        shorten_numbers(panel)


def _legend(groups: Sequence[RunGroup], width: int) -> list:
    """One entry per group, and one that explains the bands, wrapped after about `width` characters."""
    entries: list = [
        Line2D([], [], label=wrap(f"{group.label} ({describe_group_seeds(group)})", width), **curve_style(number))
        for number, group in enumerate(groups)
    ]
    if any(len(group.runs_of(game)) > 1 for group in groups for game in group.games):
        entries.append(Patch(color="0.5", alpha=BAND_OPACITY, label=wrap(BAND_LABEL, width)))
    return entries
