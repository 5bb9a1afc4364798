"""The style of all pictures, which suits print and colour-blind readers, and how they are saved."""

import textwrap
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from paac.cli.safe_files import replacing

# Colours of Okabe and Ito 2008 without yellow, which is hard to see on paper; neighbours also differ in brightness.
COLOURS = ("#0072b2", "#e69f00", "#000000", "#cc79a7", "#56b4e9", "#009e73", "#d55e00")
LINES = ("-", "--", "-.", (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v")
HEAT_MAP = "cividis"
BAND_OPACITY = 0.25
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": "medium",
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # the name of a folder may contain dollar signs
    "svg.fonttype": "none",  # write text as text, not as curves
    "svg.hashsalt": "manette",  # the same picture gives the same file
    "savefig.dpi": 200,
}


def styled() -> AbstractContextManager:
    """A context in which pictures are drawn and saved in this style."""
    return matplotlib.rc_context(STYLE)


def curve_style(number: int) -> dict[str, Any]:
    """Colour and line style of curve `number`, counted from 0; the first 28 are all different."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number % len(LINES)]}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; width and height are in inches. It needs no display."""
    return Figure((width, height), layout="constrained")


def wrap(label: str, width: int) -> str:
    """Wrap `label` to lines of about `width` characters; lines only break after commas."""
    unbroken = "\u00a0"  # a no-break space
    return textwrap.fill(label.replace(" ", unbroken).replace(f",{unbroken}", ", "), width).replace(unbroken, " ")


def shorten_numbers(panel: Axes) -> None:
    """Write 2000000 as 2M along the x axis."""
    panel.xaxis.set_major_formatter(EngFormatter(sep=""))


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write NAME.png and NAME.svg to `folder`; returns both files. Raises OSError."""
    files = [folder / f"{name}.png", folder / f"{name}.svg"]
    for file in files:
        metadata = {"Date": None} if file.suffix == ".svg" else None
        with styled(), replacing(file) as opened:
            figure.savefig(opened, format=file.suffix[1:], metadata=metadata)
    return files
