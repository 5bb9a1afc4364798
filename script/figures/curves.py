"""Learning curves: one panel per game, and one curve per group of runs, which is the mean over the seeds."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.groups import RunGroup, game_labels
from figures.runs import AXES, Run
from figures.style import BAND_OPACITY, COLOURS, curve_style, new_figure, shorten_numbers, styled, wrap

MAX_COLUMNS = 2  # of panels, so that they are readable on half a page
PANEL_WIDTH, PANEL_HEIGHT = 4.6, 2.9  # in inches
LEGEND_WIDTH, LEGEND_LINE = 60, 0.17  # a line's width in characters and its height in inches
THIN = 0.9  # width of the line of a single seed, in points
MIN_LOST_FRACTION = 0.02  # of its longest run: a curve that loses more is reported
MIN_BINS, EPISODES_PER_BIN = 10, 5
BAND_LABEL = "bands: lowest to highest seed, where all seeds have data"
ALONE_LABEL = "thin lines: single seeds, where others have ended"


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
    """Mean score of each run in each bin, float64 [runs, bins]; NaN before its first and after its last episode.

    A curve must not go beyond its run: if the last episode lies before the centre of its bin, it counts in the bin
    before that.
    """
    curves = np.full((len(runs), len(edges) - 1), np.nan)
    centres = (edges[:-1] + edges[1:]) / 2
    for curve, run in zip(curves, runs, strict=True):
        positions = run.positions(axis)
        bins = max(1, int(np.count_nonzero(centres <= positions[-1])))
        curve[:bins] = fill_gaps(bin_means(positions, run.scores, edges[: bins + 1]))
    return curves


def draw_curves(groups: Sequence[RunGroup], axis: str = "decisions", bins: int = 100) -> Figure:
    """Draw one panel per game; `axis`, the x axis, is one of AXES.

    A curve is the mean over the seeds, and its band goes from the lowest to the highest seed. Both are drawn where all
    seeds have data: they start after the first episode of each, and stop where the shortest run stops. From there on
    the longer runs are drawn as thin lines. A panel has at most `bins` points per curve, and fewer if there are few
    episodes.
    """
    games = sorted({game for group in groups for game in group.games})
    columns = min(MAX_COLUMNS, len(games))
    rows = math.ceil(len(games) / columns)
    with styled():
        figure = new_figure(max(5.0, PANEL_WIDTH * columns), PANEL_HEIGHT * rows + 0.4)
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        lines = [_draw_game(panel, game, groups, axis, bins) for panel, game in zip(panels, games, strict=False)]
        figure.set_figheight(figure.get_figheight() + max(lines) * LEGEND_LINE * rows)
        for panel in panels[len(games) :]:
            panel.set_visible(False)
        for panel in panels[: len(games) : columns]:
            panel.set_ylabel("mean score")
        has_bands = any(len(group.runs_of(game)) > 1 for group in groups for game in group.games)
        has_thin_lines = any(line.get_linewidth() == THIN for panel in panels for line in panel.lines)
        notes = [BAND_LABEL] * has_bands + [ALONE_LABEL] * has_thin_lines
        figure.supxlabel("\n".join([AXES[axis], *notes]), fontsize="medium")
    return figure


def shortened_curves(groups: Sequence[RunGroup], axis: str) -> list[str]:
    """A message for each curve that ends before its longest run, because the run of another seed is shorter."""
    lines = []
    for group in groups:
        for game in group.games:
            ends = {float(run.positions(axis)[-1]): run for run in group.runs_of(game)}
            if min(ends) < (1 - MIN_LOST_FRACTION) * max(ends):
                digits = 2 if axis == "hours" else 0
                lines.append(
                    f"{game}: the mean of {len(group.runs_of(game))} seeds ends with the shortest run, {ends[min(ends)].folder}, at "
                    f"{min(ends):,.{digits}f} {axis}; {ends[max(ends)].folder} goes on to {max(ends):,.{digits}f}"
                )
    return lines


def _draw_game(panel: Axes, game: str, groups: Sequence[RunGroup], axis: str, bins: int) -> int:
    """Draw the panel of `game`; returns the number of lines of its legend, which is between title and curves."""
    here = [group for group in groups if group.runs_of(game)]
    all_runs = [run for group in here for run in group.runs_of(game)]
    ends = [float(run.positions(axis)[-1]) for run in all_runs]
    # For each run, the number of episodes that it would have at the length of the longest run.
    episodes = min(len(run.scores) * max(ends) / max(end, 1e-9) for run, end in zip(all_runs, ends, strict=True))
    count = bin_count(int(episodes), bins)
    edges = np.linspace(0, max(ends), count + 1)
    centers = (edges[:-1] + edges[1:]) / 2
    for group, label in zip(here, game_labels(here, game), strict=True):
        runs = group.runs_of(game)
        # Each group has the same colour in all panels, unless there are more groups than colours.
        style = curve_style((groups if len(groups) <= len(COLOURS) else here).index(group))
        curves = learning_curves(runs, axis, edges)
        mean = curves.mean(axis=0)
        marker = "o" if np.isfinite(mean).sum() == 1 else None  # one point makes no line
        panel.plot(centers, mean, linewidth=1.8, marker=marker, label=wrap(label, LEGEND_WIDTH), **style)
        if len(runs) > 1:
            lowest, highest = curves.min(axis=0), curves.max(axis=0)
            panel.fill_between(centers, lowest, highest, color=style["color"], alpha=BAND_OPACITY, linewidth=0)
            end = int(np.flatnonzero(np.isfinite(mean)).max(initial=0))
            for curve in curves:
                if np.isfinite(curve[end + 1 :]).any():
                    panel.plot(centers[end:], curve[end:], linewidth=THIN, **style)
    panel.margins(x=0)
    panel.set_xlim(left=0)
    panel.grid(axis="y", color="0.92")
    panel.set_axisbelow(True)
    if axis != "hours":
        shorten_numbers(panel)
    lines = 0
    if len(groups) > 1:
        legend = panel.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), fontsize="small", labelspacing=0.25)
        lines = sum(1 + text.get_text().count("\n") for text in legend.get_texts())
    panel.set_title(game, loc="left", pad=6 + 72 * LEGEND_LINE * lines)
    return lines


def bin_count(episodes: int, bins: int) -> int:
    """The number of bins for a curve of this many `episodes`: at most `bins`, with several episodes in each."""
    return min(bins, max(MIN_BINS, episodes // EPISODES_PER_BIN))
