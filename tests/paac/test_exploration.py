"""Selection of indices from logits, with given random numbers."""

import numpy as np
import pytest
import tensorflow as tf

from paac import exploration

JUST_BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


def uniforms_of(first, second=0.0):
    """Return float32 [B, UNIFORMS_PER_SELECTION]; each argument is one number for all rows, or one for each row."""
    pairs = np.broadcast_arrays(np.asarray(first, np.float32), np.asarray(second, np.float32))
    return tf.constant(np.stack(np.atleast_1d(*pairs), axis=1))


def sample(logits, first):
    return exploration.sample(tf.constant(logits, tf.float32), uniforms_of(first)).numpy().tolist()


def eighths(count):
    """Return `count` rows of logits with the probabilities 1/8, 2/8 and 5/8."""
    return np.tile(np.log([1, 2, 5]), (count, 1))


def test_a_sample_is_the_first_index_whose_cumulative_probability_exceeds_the_random_number():
    assert sample(eighths(6), [0.0, 0.12, 0.13, 0.37, 0.38, 0.99]) == [0, 0, 1, 1, 2, 2]


def test_a_random_number_equal_to_a_cumulative_probability_selects_the_next_index():
    # Four equal logits: the cumulative probabilities 0.25, 0.5, 0.75 are exact in float32.
    edges = [0.0, np.nextafter(np.float32(0.25), np.float32(0)), 0.25, 0.5, 0.75, JUST_BELOW_ONE]
    assert sample(np.zeros((6, 4)), edges) == [0, 0, 1, 2, 3, 3]


def test_an_index_of_probability_zero_is_never_drawn():
    assert sample([[-2000, 0], [0, -2000], [0, -2000]], [0.0, 0.5, JUST_BELOW_ONE]) == [1, 0, 0]


def test_a_random_number_just_below_one_gives_a_valid_index():
    # In float32 the probabilities often add up to less than the largest random number.
    logits = np.random.default_rng(0).normal(size=(5000, 18)).astype(np.float32)
    sums = tf.cumsum(tf.nn.softmax(logits), axis=1)[:, -1]
    assert np.any(sums <= JUST_BELOW_ONE), "the rounding error that this test needs does not occur"
    assert max(sample(logits, np.full(5000, JUST_BELOW_ONE))) <= 17


def test_frequencies_over_a_grid_of_random_numbers_equal_the_softmax():
    count = 4000
    logits = np.random.default_rng(3).normal(size=7) * 2
    drawn = sample(np.tile(logits, (count, 1)), (np.arange(count) + 0.5) / count)
    frequencies = np.bincount(drawn, minlength=7) / count
    np.testing.assert_allclose(frequencies, np.exp(logits) / np.exp(logits).sum(), atol=1.5 / count)


def test_each_row_is_drawn_from_its_own_distribution():
    assert sample([[0, 50, 0], [50, 0, 0], [0, 0, 50]], [0.5, 0.5, 0.5]) == [1, 0, 2]


def epsilon_greedy(logits, first, second, epsilon):
    drawn = exploration.epsilon_greedy(
        tf.constant(logits, tf.float32), uniforms_of(first, second), tf.constant(epsilon, tf.float32)
    )
    assert drawn.dtype == tf.int32
    return drawn.numpy().tolist()


def test_with_epsilon_zero_the_most_probable_index_is_always_selected():
    second = [0.0, 0.5, JUST_BELOW_ONE]
    assert epsilon_greedy(eighths(3), [0.0, 0.5, JUST_BELOW_ONE], second, 0.0) == [2, 2, 2]
    assert epsilon_greedy([[0.0, 2.0, 1.0], [-3.0, -4.0, -5.0]], 0.0, [0.5, 0.5], 0.0) == [1, 0]


def test_with_epsilon_one_all_indices_are_equally_frequent():
    second = (np.arange(300) + 0.5) / 300
    for first in (0.0, JUST_BELOW_ONE):
        assert np.bincount(epsilon_greedy(eighths(300), first, second, 1.0)).tolist() == [100, 100, 100]


def test_epsilon_is_the_fraction_of_random_selections():
    first = (np.arange(1000) + 0.5) / 1000
    assert epsilon_greedy(eighths(1000), first, 0.0, 0.05).count(0) == 50


def test_a_random_index_is_valid_at_both_ends_of_the_range():
    assert epsilon_greedy(np.zeros((2, 18)), 0.0, [0.0, JUST_BELOW_ONE], 1.0) == [0, 17]


@pytest.mark.parametrize("first", [0.0, 0.5, JUST_BELOW_ONE])
def test_with_one_choice_the_index_is_always_zero(first):
    logits = tf.constant([[3.7], [-900.0]])
    uniforms = uniforms_of([first, first], JUST_BELOW_ONE)
    assert exploration.sample(logits, uniforms).numpy().tolist() == [0, 0]
    for epsilon in (0.0, 0.5, 1.0):
        assert exploration.epsilon_greedy(logits, uniforms, tf.constant(epsilon)).numpy().tolist() == [0, 0]


def test_a_sample_is_an_int32():
    assert exploration.sample(tf.zeros([2, 3]), uniforms_of([0.1, 0.9])).dtype == tf.int32
