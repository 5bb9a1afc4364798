"""The benchmark's charts."""

import textwrap
from collections.abc import Mapping

from matplotlib.figure import Figure

from benchmarking.timing import Rate
from figures.style import COLOURS, new_figure, styled

OURS, THEIRS = COLOURS[0], "#999999"


def draw_rates(tables: Mapping[str, Mapping[str, Rate]], title: str) -> Figure:
    """One panel per table, with one bar of frames per second per row; Manette's own bars are blue, the others gray."""
    heights = [len(rates) + 1 for rates in tables.values()]
    with styled():
        figure = new_figure(8, 0.4 * sum(heights) + 1)
        figure.suptitle(textwrap.fill(title, 90), fontsize="medium")
        panels = figure.subplots(len(tables), height_ratios=heights, squeeze=False)[:, 0]
        for panel, (name, rates) in zip(panels, tables.items(), strict=True):
            colours = [OURS if row in ("emulators", "network", "loop", "one emulator") else THEIRS for row in rates]
            bars = panel.barh(list(rates), [rate.frames_per_s for rate in rates.values()], color=colours)
            panel.bar_label(bars, fmt="{:,.0f}", padding=3)
            panel.set_title(name, loc="left")
            panel.invert_yaxis()
            panel.margins(x=0.15)
        panels[-1].set_xlabel("frames per second")
    return figure


def draw_scaling(panels: Mapping[str, Mapping[str, float]], title: str) -> Figure:
    """One panel per varied option, with one bar per setting: the whole loop's decisions per second."""
    widths = [len(rates) + 1 for rates in panels.values()]
    with styled():
        figure = new_figure(0.72 * sum(widths), 3.5)
        figure.suptitle(title)
        axes = figure.subplots(1, len(panels), width_ratios=widths, squeeze=False)[0]
        for panel, (name, rates) in zip(axes, panels.items(), strict=True):
            bars = panel.bar(list(rates), list(rates.values()), color=OURS)
            panel.bar_label(bars, fmt="{:,.0f}", fontsize="small")
            panel.set_xlabel(name)
            panel.tick_params(axis="x", labelsize="small")
        axes[0].set_ylabel("decisions per second")
    return figure
