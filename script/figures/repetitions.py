"""How often a FiGAR agent holds its actions for how many plays, over its training."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from figures.runs import AXES, Run
from figures.style import HEAT_MAP, new_figure, shorten_numbers, styled
from paac.training.run_folder import RunFolder

TAG = "repetitions"
MAX_ROW_LABELS = 12


class Repetitions(NamedTuple):
    """How many of the decisions up to each step, since the step before, were held for how many plays."""

    steps: np.ndarray  # int64 [points], rising
    plays: np.ndarray  # int64 [R], 1 + repeats, rising
    counts: np.ndarray  # float64 [points, R]


def is_figar(run: Run) -> bool:
    """Whether the run's agent has numbers of repeats to choose from."""
    return run.options.nb_choices > 1


def read_repetitions(run: Run) -> Repetitions:
    """From all event files of the run; there may be no point yet.

    TensorBoard reads with TensorFlow, which greets unless `paac.training.tensorflow_setup.start_tensorflow` was called before.
    """
    plays = 1 + np.array(run.options.repetition_table)
    points = [point for file in RunFolder(run.folder).event_files() for point in _histograms(file)]
    points.sort(key=lambda point: point[0])
    counts = [count_plays(buckets, plays) for _, buckets in points]
    steps = np.array([step for step, _ in points], np.int64)
    return Repetitions(steps, plays, np.array(counts).reshape(len(steps), len(plays)))


def _histograms(file: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Step and buckets, float64 [30, 3], of every point of the histogram in an event file."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    for event in EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            if value.tag == TAG:
                yield event.step, make_ndarray(value.tensor)


def count_plays(buckets: np.ndarray, plays: np.ndarray) -> np.ndarray:
    """How often each of `plays` [R] is in a histogram of TensorBoard, float64 [R].

    `buckets` [k, 3] are left edge, right edge and count. Up to 30 choices fall into buckets of their own; of more,
    those in the same bucket get equal parts of its count.
    """
    low, high = buckets[0, 0], buckets[-1, 1]
    inside = (plays >= low) & (plays <= high)
    # To the last bit as tf.summary.histogram does: what lies on an edge must go the same way.
    width = (high - low) / len(buckets) or 1.0
    places = np.minimum(np.floor((plays[inside] - low) / width).astype(int), len(buckets) - 1)
    if low == high:
        places[:] = len(buckets) - 1
    sharing = np.bincount(places, minlength=len(buckets))
    counts = np.zeros(len(plays))
    counts[inside] = buckets[places, 2] / sharing[places]
    return counts


def fractions_in_bins(repetitions: Repetitions, edges: np.ndarray) -> np.ndarray:
    """Fraction of each number of plays among the decisions in each bin, float64 [bins, R]; NaN in a bin without any.

    Bin i is above `edges[i]` up to and with `edges[i + 1]`.
    """
    bins = np.searchsorted(edges, repetitions.steps) - 1
    sums = np.zeros((len(edges) - 1, len(repetitions.plays)))
    np.add.at(sums, bins, repetitions.counts)
    totals = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, totals, out=np.full(sums.shape, np.nan), where=totals > 0)


def draw_repetitions(repetitions: Repetitions, title: str, bins: int = 100) -> Figure:
    """A heat map: training from left to right, plays from below up, the fraction of decisions as brightness.

    There are at most `bins` columns, fewer where there are fewer points. `repetitions` must have a point.
    """
    count = min(bins, len(repetitions.steps))
    edges = np.linspace(0, repetitions.steps[-1], count + 1)
    fractions = fractions_in_bins(repetitions, edges)
    rows = len(repetitions.plays)
    with styled():
        figure = new_figure(5, 3.2)
        panel = figure.subplots()
        panel.set_facecolor("0.85")  # no decision was recorded there
        heat = panel.pcolormesh(
            edges, np.arange(rows + 1) - 0.5, np.ma.masked_invalid(fractions.T), cmap=HEAT_MAP, vmin=0, rasterized=True
        )
        shown = np.arange(0, rows, math.ceil(rows / MAX_ROW_LABELS))
        panel.set_yticks(shown, repetitions.plays[shown])
        panel.set_title(title, loc="left")
        panel.set_xlabel(f"{AXES['decisions']} (in {count} bins)")
        panel.set_ylabel("plays of an action (1 + repeats)")
        shorten_numbers(panel)
        bar = figure.colorbar(heat, label="share of the decisions")
        bar.outline.set_visible(False)
    return figure
