"""The comparison of algorithms, drawn and as a table."""

from matplotlib.figure import Figure

from figures.groups import seeds
from figures.scores import CONFIDENCE, FINAL_FRACTION, MEASURES, Comparison, Interval, Row
from figures.style import COLOURS, MARKERS, new_figure, styled, wrap

INTERVAL = f"{CONFIDENCE:.0%} interval of a bootstrap over seeds, stratified by game"


def draw_comparison(comparison: Comparison) -> Figure:
    """A panel a measure, a row an algorithm: points, with lines for the intervals where there are any."""
    rows = comparison.rows
    labels = [wrap(row.label, 28) for row in rows]
    height = sum(max(2, label.count("\n") + 1) for label in labels) * 0.22
    with styled():
        figure = new_figure(8, height + 1.5)
        panels = figure.subplots(1, len(MEASURES), sharex=True, sharey=True)
        for panel, name in zip(panels, MEASURES, strict=True):
            for number, row in enumerate(rows):
                measure = row.measures[name]
                colour = COLOURS[number % len(COLOURS)]
                if measure.low is not None:
                    panel.hlines(number, measure.low, measure.high, color=colour, linewidth=4, alpha=0.4)
                panel.plot([measure.value], [number], MARKERS[number % len(MARKERS)], color=colour, markersize=6)
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
    counts = seeds([count for row in comparison.rows for count in row.counts])
    some = any(interval.low is not None for row in comparison.rows for interval in row.measures.values())
    lines.append(f"{games}, {counts} a game; " + (f"lines: {INTERVAL}" if some else "no interval from one seed"))
    return "\n".join(lines)


def comparison_table(comparison: Comparison) -> str:
    """The same in Markdown, and what it is."""
    head = ["algorithm", "seeds a game", *MEASURES]
    cells = [head, ["---"] * len(head), *(_cells(row) for row in comparison.rows)]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join(
        [*lines, "", f"Games: {', '.join(comparison.games)}.", _axis_label(comparison).replace("\n", "; ") + "."]
    )


def _cells(row: Row) -> list[str]:
    return [row.label, seeds(row.counts).split(" seed")[0], *(_number(row.measures[name]) for name in MEASURES)]


def _number(interval: Interval) -> str:
    if interval.low is None:
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"
