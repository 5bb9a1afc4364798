"""How all pictures look, in print and for those who see fewer colours, and where they go."""

import textwrap
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

# Okabe and Ito 2008, without the yellow that paper swallows; next to each other far apart in brightness too.
COLOURS = ("#0072b2", "#e69f00", "#000000", "#cc79a7", "#56b4e9", "#009e73", "#d55e00")
LINES = ("-", "--", "-.", (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v")
HEAT_MAP = "cividis"
BAND = 0.25  # opacity
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": "medium",
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a folder may have dollars in its name
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "manette",  # the same picture is the same file
    "savefig.dpi": 200,
}


def styled() -> AbstractContextManager:
    """Draw inside this."""
    return matplotlib.rc_context(STYLE)


def line(number: int) -> dict[str, Any]:
    """Colour and dashes of curve `number` from 0; no two of the first 28 are the same."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number % len(LINES)]}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches; it needs no display."""
    return Figure((width, height), layout="constrained")


def wrap(label: str, width: int) -> str:
    """`label` in lines of about `width` characters, broken after commas only."""
    kept = "\u00a0"  # a space that is not broken at
    return textwrap.fill(label.replace(" ", kept).replace(f",{kept}", ", "), width).replace(kept, " ")


def shorten_numbers(panel: Axes) -> None:
    """2M for 2000000 along the x axis."""
    panel.xaxis.set_major_formatter(EngFormatter(sep=""))


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write NAME.png and NAME.svg. Raises OSError."""
    files = [folder / f"{name}.png", folder / f"{name}.svg"]
    with styled():
        figure.savefig(files[0])
        figure.savefig(files[1], metadata={"Date": None})
    return files
