"""How often FiGAR repeats actions during training: a heat map of the number of plays per decision."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from figures.runs import AXES, Run
from figures.style import HEAT_MAP, new_figure, shorten_numbers, styled
from paac.cli.errors import UserError
from paac.cli.words import counted
from paac.training.run_folder import RunFolder

TAG = "repetitions"
MAX_ROW_LABELS = 12


class Repetitions(NamedTuple):
    """Numbers of decisions, by the number of plays for which their action was held.

    counts[i, r] counts the decisions after steps[i - 1] up to steps[i] whose actions were held for plays[r] plays.
    """

    steps: np.ndarray  # int64 [points], increasing
    plays: np.ndarray  # int64 [R], 1 + repeats, increasing
    counts: np.ndarray  # float64 [points, R]


def uses_figar(run: Run) -> bool:
    """Whether the run's agent can choose the number of repeats."""
    return run.options.nb_choices > 1


def read_repetitions(run: Run) -> Repetitions:
    """Read the repetitions from all event files of the run; they may have no points yet. Raises UserError.

    TensorBoard reads the files with TensorFlow. Call `paac.training.tensorflow_setup.start_tensorflow` first:
    otherwise TensorFlow prints messages.
    """
    plays = 1 + np.array(run.options.repetition_table)
    points = [point for file in RunFolder(run.folder).event_files() for point in _counts_in(file, plays)]
    points.sort(key=lambda point: point[0])
    counts = [counts for _, counts in points]
    steps = np.array([step for step, _ in points], np.int64)
    return Repetitions(steps, plays, np.array(counts).reshape(len(steps), len(plays)))


def _counts_in(file: Path, plays: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Return the step and the numbers of decisions, float64 [R], of each histogram. Raises UserError."""
    try:
        return [(step, count_plays(buckets, plays)) for step, buckets in _histograms(file)]
    except Exception as error:  # TensorBoard raises errors of many kinds if a file is malformed
        raise UserError(f"{file} cannot be read ({str(error)[:200]}): move it away") from None


def _histograms(file: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the step and the buckets, float64 [30, 3], of each histogram in an event file."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    for event in EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            if value.tag == TAG:
                yield event.step, make_ndarray(value.tensor)


def count_plays(buckets: np.ndarray, plays: np.ndarray) -> np.ndarray:
    """Number of decisions for each of `plays` [R] in a histogram of TensorBoard, float64 [R].

    `buckets` [k, 3] are left edge, right edge and count. With up to 30 choices, each has its own bucket; with more, the
    choices in the same bucket get equal parts of its count.
    """
    low, high = buckets[0, 0], buckets[-1, 1]
    inside = (plays >= low) & (plays <= high)
    width = (high - low) / len(buckets)
    if width == 0:
        indices = np.full(inside.sum(), len(buckets) - 1)
    elif np.allclose(buckets[:, 1] - buckets[:, 0], width):
        # The same arithmetic as in tf.summary.histogram, so that values on an edge fall into the same bucket.
        indices = np.floor((plays[inside] - low) / width).astype(int)
    else:  # TensorFlow 1, in which the original Manette was written, has wider buckets for larger values
        indices = np.searchsorted(buckets[:, 1], plays[inside], side="right")
    indices = np.minimum(indices, len(buckets) - 1)
    choices_per_bucket = np.bincount(indices, minlength=len(buckets))
    counts = np.zeros(len(plays))
    counts[inside] = buckets[indices, 2] / choices_per_bucket[indices]
    return counts


def fractions_in_bins(repetitions: Repetitions, edges: np.ndarray) -> np.ndarray:
    """Fraction of the decisions in each bin with each number of plays, float64 [bins, R]; NaN in an empty bin.

    Bin i contains the steps with edges[i] < step <= edges[i + 1].
    """
    bins = np.searchsorted(edges, repetitions.steps) - 1
    sums = np.zeros((len(edges) - 1, len(repetitions.plays)))
    np.add.at(sums, bins, repetitions.counts)
    totals = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, totals, out=np.full(sums.shape, np.nan), where=totals > 0)


def draw_repetitions(repetitions: Repetitions, title: str, bins: int = 100) -> Figure:
    """Draw a heat map: decisions of the run along x, plays along y, and the fraction of decisions as the colour.

    It has `bins` columns, or one per point if there are fewer points. `repetitions` must have at least one point.
    """
    count = min(bins, len(repetitions.steps))
    edges = np.linspace(0, repetitions.steps[-1], count + 1)
    fractions = fractions_in_bins(repetitions, edges)
    rows = len(repetitions.plays)
    with styled():
        figure = new_figure(5, 3.2)
        panel = figure.subplots()
        panel.set_facecolor("0.85")  # gray where no decision was recorded
        heat = panel.pcolormesh(
            edges, np.arange(rows + 1) - 0.5, np.ma.masked_invalid(fractions.T), cmap=HEAT_MAP, vmin=0, rasterized=True
        )
        labelled_rows = np.arange(0, rows, math.ceil(rows / MAX_ROW_LABELS))
        panel.set_yticks(labelled_rows, repetitions.plays[labelled_rows])
        panel.set_title(title, loc="left")
        panel.set_xlabel(f"{AXES['decisions']} (in {counted(count, 'bin')})")
        panel.set_ylabel("plays of an action (1 + repeats)")
        shorten_numbers(panel)
        bar = figure.colorbar(heat, label="fraction of decisions")
        bar.outline.set_visible(False)
    return figure
