"""The benchmark's charts."""

import textwrap
from collections.abc import Mapping

from matplotlib.figure import Figure

from benchmarking.timing import Rate
from figures.style import COLOURS, new_figure, styled

BLUE, GRAY = COLOURS[0], "#999999"
MEASURED_ROWS = ("emulators", "network", "loop", "one emulator")  # with the options of the command line


def draw_rates(tables: Mapping[str, Mapping[str, Rate]], title: str) -> Figure:
    """One panel per table, with a bar of frames per second for each row.

    The rows that measure Manette with the given options are blue, and the rows to compare them with are gray.
    """
    heights = [len(rates) + 1 for rates in tables.values()]
    with styled():
        figure = new_figure(8, 0.4 * sum(heights) + 1)
        figure.suptitle(textwrap.fill(title, 90), fontsize="medium")
        panels = figure.subplots(len(tables), height_ratios=heights, squeeze=False)[:, 0]
        for panel, (name, rates) in zip(panels, tables.items(), strict=True):
            colours = [BLUE if row in MEASURED_ROWS else GRAY for row in rates]
            bars = panel.barh(list(rates), [rate.frames_per_s for rate in rates.values()], color=colours)
            panel.bar_label(bars, fmt="{:,.0f}", padding=3)
            panel.set_title(name, loc="left")
            panel.invert_yaxis()
            panel.margins(x=0.15)
        panels[-1].set_xlabel("frames per second")
    return figure


def draw_scaling(panels: Mapping[str, Mapping[str, float]], title: str) -> Figure:
    """One panel per varied option, with a bar of the whole loop's decisions per second for each setting."""
    widths = [len(rates) + 1 for rates in panels.values()]
    with styled():
        figure = new_figure(0.72 * sum(widths), 3.5)
        figure.suptitle(title)
        axes = figure.subplots(1, len(panels), width_ratios=widths, squeeze=False)[0]
        for panel, (name, rates) in zip(axes, panels.items(), strict=True):
            bars = panel.bar(list(rates), list(rates.values()), color=BLUE)
            panel.bar_label(bars, fmt="{:,.0f}", fontsize="small")
            panel.set_xlabel(name)
            panel.tick_params(axis="x", labelsize="small")
        axes[0].set_ylabel("decisions per second")
    return figure
