"""The comparison of algorithms as a figure and as a table."""

from matplotlib.figure import Figure

from figures.groups import describe_seeds
from figures.scores import AGGREGATES, CONFIDENCE, FINAL_FRACTION, Comparison, ComparisonRow, Interval
from figures.style import COLOURS, MARKERS, new_figure, styled, wrap

INTERVAL = f"{CONFIDENCE:.0%} bootstrap confidence intervals over seeds, stratified by game"


def draw_comparison(comparison: Comparison) -> Figure:
    """Draw one panel per aggregate with one row per algorithm: a point, and a line for its interval if it has one."""
    rows = comparison.rows
    labels = [wrap(row.label, 28) for row in rows]
    height = sum(max(2, label.count("\n") + 1) for label in labels) * 0.22
    with styled():
        figure = new_figure(8, height + 1.7)
        panels = figure.subplots(1, len(AGGREGATES), sharex=True, sharey=True)
        for panel, name in zip(panels, AGGREGATES, strict=True):
            for number, row in enumerate(rows):
                interval = row.aggregates[name]
                colour = COLOURS[number % len(COLOURS)]
                if interval.low is not None:
                    panel.hlines(number, interval.low, interval.high, color=colour, linewidth=4, alpha=0.4)
                panel.plot([interval.value], [number], MARKERS[number % len(MARKERS)], color=colour, markersize=6)
            panel.set_title(name, loc="left")
            panel.grid(axis="x", color="0.9")
            panel.set_axisbelow(True)
            panel.margins(x=0.15)
            panel.tick_params(axis="y", length=0)
            panel.spines["left"].set_visible(False)
        panels[0].set_yticks(range(len(rows)), labels)
        panels[0].set_ylim(len(rows) - 0.5, -0.5)
        figure.supxlabel(_axis_label(comparison), fontsize="medium")
    return figure


def _axis_label(comparison: Comparison) -> str:
    lines = [
        f"score of the episodes in the last {FINAL_FRACTION:.0%} of each run (0: random play, 1: {comparison.reference})"
    ]
    games = f"{len(comparison.games)} game{'s' if len(comparison.games) > 1 else ''}"
    seeds = describe_seeds([count for row in comparison.rows for count in row.seed_counts])
    has_intervals = any(interval.low is not None for row in comparison.rows for interval in row.aggregates.values())
    intervals = f"lines: {INTERVAL}" if has_intervals else "one seed gives no confidence interval"
    lines += [f"{games}, {seeds} per game", intervals]
    return "\n".join(lines)


def comparison_table(comparison: Comparison) -> str:
    """The comparison as a Markdown table, with a description below it."""
    head = ["algorithm", "seeds per game", *AGGREGATES]
    cells = [head, ["---"] * len(head), *(_cells(row) for row in comparison.rows)]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join(
        [*lines, "", f"Games: {', '.join(comparison.games)}.", _axis_label(comparison).replace("\n", "; ") + "."]
    )


def _cells(row: ComparisonRow) -> list[str]:
    seeds = describe_seeds(row.seed_counts).split(" seed")[0]
    label = row.label.replace("|", "\\|").replace("<", "&lt;")  # it may contain any option's value
    return [label, seeds, *(_format_interval(row.aggregates[name]) for name in AGGREGATES)]


def _format_interval(interval: Interval) -> str:
    if interval.low is None:
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"
