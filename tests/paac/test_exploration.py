"""How choices are drawn, with the random numbers given."""

import numpy as np
import pytest
import tensorflow as tf

from paac import exploration

JUST_BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


def noise_of(first, second=0.0):
    """Float32 [B, DRAWS] with these two numbers, given once for all or one for each."""
    pairs = np.broadcast_arrays(np.asarray(first, np.float32), np.asarray(second, np.float32))
    return tf.constant(np.stack(np.atleast_1d(*pairs), axis=1))


def sample(logits, first):
    return exploration.sample(tf.constant(logits, tf.float32), noise_of(first)).numpy().tolist()


def eighths(count):
    """Logits of probabilities 1/8, 2/8 and 5/8, a row for each draw."""
    return np.tile(np.log([1, 2, 5]), (count, 1))


def test_a_sample_is_the_first_choice_whose_cumulative_probability_exceeds_the_noise():
    assert sample(eighths(6), [0.0, 0.12, 0.13, 0.37, 0.38, 0.99]) == [0, 0, 1, 1, 2, 2]


def test_noise_on_an_edge_belongs_to_the_choice_above():
    # Four equal logits: the cumulative probabilities 0.25, 0.5, 0.75 are exact in float32.
    edges = [0.0, np.nextafter(np.float32(0.25), np.float32(0)), 0.25, 0.5, 0.75, JUST_BELOW_ONE]
    assert sample(np.zeros((6, 4)), edges) == [0, 0, 1, 2, 3, 3]


def test_a_choice_of_probability_zero_is_never_drawn():
    assert sample([[-2000, 0], [0, -2000], [0, -2000]], [0.0, 0.5, JUST_BELOW_ONE]) == [1, 0, 0]


def test_noise_just_below_one_stays_in_range():
    # In float32 the probabilities often add up to less than the largest noise.
    logits = np.random.default_rng(0).normal(size=(5000, 18)).astype(np.float32)
    sums = tf.cumsum(tf.nn.softmax(logits), axis=1)[:, -1]
    assert np.any(sums <= JUST_BELOW_ONE), "the rounding that this test is about does not happen"
    assert max(sample(logits, np.full(5000, JUST_BELOW_ONE))) <= 17


def test_samples_over_a_grid_of_noise_are_as_frequent_as_the_softmax_says():
    count = 4000
    logits = np.random.default_rng(3).normal(size=7) * 2
    drawn = sample(np.tile(logits, (count, 1)), (np.arange(count) + 0.5) / count)
    frequencies = np.bincount(drawn, minlength=7) / count
    np.testing.assert_allclose(frequencies, np.exp(logits) / np.exp(logits).sum(), atol=1.5 / count)


def test_each_row_is_drawn_from_its_own_distribution():
    assert sample([[0, 50, 0], [50, 0, 0], [0, 0, 50]], [0.5, 0.5, 0.5]) == [1, 0, 2]


def test_greedy_takes_the_most_probable():
    chosen = exploration.greedy(tf.constant([[0.0, 2.0, 1.0], [-3.0, -4.0, -5.0]]))
    assert chosen.numpy().tolist() == [1, 0]
    assert chosen.dtype == tf.int32


def epsilon_greedy(logits, first, second, epsilon):
    drawn = exploration.epsilon_greedy(
        tf.constant(logits, tf.float32), noise_of(first, second), tf.constant(epsilon, tf.float32)
    )
    assert drawn.dtype == tf.int32
    return drawn.numpy().tolist()


def test_with_epsilon_zero_the_most_probable_is_always_taken():
    second = [0.0, 0.5, JUST_BELOW_ONE]
    assert epsilon_greedy(eighths(3), [0.0, 0.5, JUST_BELOW_ONE], second, 0.0) == [2, 2, 2]


def test_with_epsilon_one_every_choice_is_taken_alike():
    second = (np.arange(300) + 0.5) / 300
    for first in (0.0, JUST_BELOW_ONE):
        assert np.bincount(epsilon_greedy(eighths(300), first, second, 1.0)).tolist() == [100, 100, 100]


def test_epsilon_is_the_share_of_draws_made_at_random():
    first = (np.arange(1000) + 0.5) / 1000
    assert epsilon_greedy(eighths(1000), first, 0.0, 0.05).count(0) == 50


def test_a_random_choice_stays_in_range_at_both_ends():
    assert epsilon_greedy(np.zeros((2, 18)), 0.0, [0.0, JUST_BELOW_ONE], 1.0) == [0, 17]


@pytest.mark.parametrize("first", [0.0, 0.5, JUST_BELOW_ONE])
def test_with_one_choice_it_is_always_that_one(first):
    logits = tf.constant([[3.7], [-900.0]])
    noise = noise_of([first, first], JUST_BELOW_ONE)
    assert exploration.sample(logits, noise).numpy().tolist() == [0, 0]
    assert exploration.greedy(logits).numpy().tolist() == [0, 0]
    for epsilon in (0.0, 0.5, 1.0):
        assert exploration.epsilon_greedy(logits, noise, tf.constant(epsilon)).numpy().tolist() == [0, 0]


def test_a_sample_is_an_int32():
    assert exploration.sample(tf.zeros([2, 3]), noise_of([0.1, 0.9])).dtype == tf.int32
