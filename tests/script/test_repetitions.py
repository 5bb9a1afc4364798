"""Tests how often FiGAR's numbers of plays were chosen, as read from TensorBoard's histograms."""

import numpy as np
import pytest

from figures.repetitions import Repetitions, count_plays, draw_repetitions, fractions_in_bins


def histogram(plays):
    """The buckets that tf.summary.histogram writes for `plays`."""
    from tensorboard.plugins.histogram.summary_v2 import _buckets

    return _buckets(np.array(plays)).numpy()


@pytest.mark.parametrize("choices", range(2, 31))
def test_counts_are_recovered_from_a_histogram(choices):
    plays = 1 + 3 * np.arange(choices)
    counts = np.random.default_rng(choices).integers(0, 4, choices)
    counts[choices // 2] += 1
    assert count_plays(histogram(np.repeat(plays, counts)), plays).tolist() == counts.tolist()


def test_counts_are_recovered_from_a_histogram_of_tensorflow_1():
    """Its buckets grow by a tenth, and empty ones are merged; TensorBoard puts the extremes at both ends."""
    edges = np.concatenate([[0], 1e-12 * 1.1 ** np.arange(400)])
    counts = np.array([100, 80, 60, 0, 20, 10, 5, 5, 10, 20, 150])
    plays = np.arange(1, 12)
    in_buckets = np.bincount(np.searchsorted(edges, plays, side="right"), counts, len(edges) + 1)
    limits, merged = [], []
    for edge, count in zip(edges, in_buckets, strict=False):
        if count == 0 and merged and merged[-1] == 0:
            limits[-1] = edge
        else:
            limits, merged = [*limits, edge], [*merged, count]
    limits, merged = limits[:-1], merged[:-1]  # nothing is above the last play
    buckets = np.stack([[1, *limits[:-1]], [*limits[:-1], 11], merged], axis=1)
    assert count_plays(buckets, plays).tolist() == counts.tolist()


def test_the_count_of_a_bucket_is_divided_among_its_plays():
    plays = np.arange(1, 62)  # 29 buckets contain two of them, the last contains three
    counts = count_plays(histogram([1, 1, 1, 1, 61, 61, 61]), plays)
    assert counts[:2].tolist() == [2, 2] and counts[-3:].tolist() == [1, 1, 1] and counts.sum() == 7


def test_fractions_weight_points_by_their_decisions():
    repetitions = Repetitions(np.array([10, 20, 40]), np.array([1, 3]), np.array([[1, 3], [4, 0], [0, 2.0]]))
    fractions = fractions_in_bins(repetitions, np.array([0, 20, 30, 40]))
    np.testing.assert_array_equal(fractions, [[5 / 8, 3 / 8], [np.nan, np.nan], [0, 1]])


def test_the_heat_map_has_a_row_for_each_number_of_plays():
    repetitions = Repetitions(np.array([20, 40]), np.array([1, 3, 11]), np.array([[1, 1, 2], [4, 0, 0.0]]))
    panel, bar = draw_repetitions(repetitions, "a run").axes
    assert panel.collections[0].get_array().tolist() == [[0.25, 1], [0.25, 0], [0.5, 0]]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["1", "3", "11"]
    assert bar.get_ylabel() == "fraction of decisions"
