"""The benchmark's charts."""

import textwrap
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmarking.timing import Rate
from figures.style import COLOURS, new_figure, styled

MEASURED, COMPARED = COLOURS[0], COLOURS[1]
MEASURED_ROWS = ("emulators", "network", "loop", "one emulator")  # with the options of the command line
WIDTH = 9.2  # inches, as the learning curves of two games: two panels beside each other, or a wide one
PANEL_HEIGHT = 2.9
TITLE_CHARACTERS = 95  # in a line


def draw_rates(tables: Mapping[str, Mapping[str, Rate]], title: str) -> Figure:
    """One panel per table, with a bar of frames per second for each row.

    The rows that measure Manette with the given options have another colour than the rows to compare them with.
    """
    heights = [len(rates) + 1 for rates in tables.values()]
    with styled():
        figure = new_figure(WIDTH, 0.34 * sum(heights) + 1)
        figure.suptitle(textwrap.fill(title, TITLE_CHARACTERS), fontsize="medium")
        panels = figure.subplots(len(tables), height_ratios=heights, squeeze=False)[:, 0]
        for panel, (name, rates) in zip(panels, tables.items(), strict=True):
            colours = [MEASURED if row in MEASURED_ROWS else COMPARED for row in rates]
            bars = panel.barh(list(rates), [rate.frames_per_s for rate in rates.values()], color=colours)
            panel.bar_label(bars, fmt="{:,.0f}", padding=3)
            panel.set_title(name, loc="left")
            panel.invert_yaxis()
            panel.set_xlim(right=1.12 * max(rate.frames_per_s for rate in rates.values()))
            panel.xaxis.set_major_formatter("{x:,.0f}")
            panel.tick_params(axis="y", length=0)
            _show_grid(panel, "x")
        panels[-1].set_xlabel("frames per second")
        names = {"Manette with these options": MEASURED, "for comparison": COMPARED}
        _add_legend(panels[0], handles=[Patch(color=colour, label=label) for label, colour in names.items()])
    return figure


def draw_scaling(panels: Mapping[str, Mapping[str, float]], title: str) -> Figure:
    """One panel per varied option, with a bar of the whole loop's decisions per second for each setting.

    A setting of two lines is a group and a series of bars, which has a colour of its own and a row in the legend.
    """
    with styled():
        figure = new_figure(WIDTH, PANEL_HEIGHT * ((1 + len(panels)) // 2) + 0.4)
        figure.suptitle(title, fontsize="medium")
        rows = figure.subplot_mosaic(_mosaic(list(panels)))
        for name, rates in panels.items():
            _draw_series(rows[name], rates)
            rows[name].set_xlabel(name)
    return figure


def _mosaic(names: list[str]) -> list[Any]:
    """Two panels in a row; the last one is alone in its row if their number is odd."""
    pairs = [names[start : start + 2] for start in range(0, len(names), 2)]
    return [pair * (2 // len(pair)) for pair in pairs]


def _draw_series(panel: Axes, rates: Mapping[str, float]) -> None:
    settings = [label.split("\n") for label in rates]
    groups = list(dict.fromkeys(label[0] for label in settings))
    series = list(dict.fromkeys(label[1] for label in settings if len(label) > 1)) or [""]
    width = 0.8 / len(series)
    for number, (label, colour) in enumerate(zip(series, COLOURS, strict=False)):
        values = [rates[f"{group}\n{label}" if label else group] for group in groups]
        positions = np.arange(len(groups)) + (number - (len(series) - 1) / 2) * width
        bars = panel.bar(positions, values, 0.94 * width, color=colour, label=label)
        panel.bar_label(bars, fmt="{:,.0f}", fontsize="small", padding=2)
    panel.set_xticks(range(len(groups)), groups)
    panel.tick_params(axis="x", length=0)
    panel.set_ylim(top=1.1 * max(rates.values()))
    panel.yaxis.set_major_formatter("{x:,.0f}")
    panel.set_ylabel("decisions per second")
    _show_grid(panel, "y")
    if len(series) > 1:
        _add_legend(panel)


def _add_legend(panel: Axes, **contents: Any) -> None:
    """Add a legend on the line of the panel's title, where no bar reaches it."""
    panel.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, **contents)


def _show_grid(panel: Axes, axis: Literal["x", "y"]) -> None:
    panel.grid(axis=axis, color="0.92")
    panel.set_axisbelow(True)
