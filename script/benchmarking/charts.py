"""The benchmark's pictures."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

OURS, THEIRS = "#0072b2", "#999999"  # told apart in print, and by those who see fewer colours


def bar_chart(tables: Mapping[str, Mapping[str, float]], title: str, file: Path) -> None:
    """One panel a table: its rows' frames a second, Manette's own in colour."""
    heights = [len(rows) + 1 for rows in tables.values()]
    figure, axes = plt.subplots(
        len(tables), figsize=(8, 0.4 * sum(heights) + 1), height_ratios=heights, squeeze=False, layout="constrained"
    )
    figure.suptitle(textwrap.fill(title, 90), fontsize="medium")
    for panel, (name, rows) in zip(axes[:, 0], tables.items(), strict=True):
        colours = [OURS if row in ("emulators", "network", "loop", "one emulator") else THEIRS for row in rows]
        bars = panel.barh(list(rows), list(rows.values()), color=colours)
        panel.bar_label(bars, fmt="{:,.0f}", padding=3)
        panel.set_title(name, loc="left", fontsize="medium")
        panel.invert_yaxis()
        panel.margins(x=0.15)
        panel.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel("frames a second")
    figure.savefig(file, dpi=120)
    plt.close(figure)


def scaling_chart(panels: Mapping[str, Sequence[tuple[str, float]]], title: str, file: Path) -> None:
    """One panel a question: the whole loop's decisions a second over settings."""
    bars_each = [len(points) + 1 for points in panels.values()]
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(0.72 * sum(bars_each), 3.5),
        width_ratios=bars_each,
        squeeze=False,
        layout="constrained",
    )
    figure.suptitle(title)
    for panel, (name, points) in zip(axes[0], panels.items(), strict=True):
        settings, rates = zip(*points, strict=True)
        bars = panel.bar(settings, rates, color=OURS)
        panel.bar_label(bars, fmt="{:,.0f}", fontsize="small")
        panel.set_xlabel(name)
        panel.tick_params(axis="x", labelsize="small")
        panel.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("decisions a second")
    figure.savefig(file, dpi=120)
    plt.close(figure)
