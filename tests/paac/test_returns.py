"""n-step returns by hand, and against their definition as a discounted sum."""

import numpy as np
import tensorflow as tf

from paac.returns import n_step_returns


def returns_of(rewards, discounts, bootstrap):
    return n_step_returns(*(tf.constant(values, tf.float32) for values in (rewards, discounts, bootstrap)))


def test_returns_by_hand_with_an_episode_that_ends_in_the_middle():
    # Two emulators with gamma 0.5. The episode of the second one ends at its second decision.
    returns = returns_of(
        rewards=[[1, 0], [0, -1], [1, 1]],
        discounts=[[0.5, 0.5], [0.5, 0], [0.5, 0.5]],
        bootstrap=[8, 4],
    )
    np.testing.assert_array_equal(returns, [[2.25, -0.5], [2.5, -1], [5, 3]])
    assert returns.dtype == tf.float32


def test_the_return_of_one_decision_is_its_reward_plus_the_discounted_bootstrap():
    np.testing.assert_array_equal(returns_of([[1, 1, 0]], [[0.5, 0, 0.25]], [4, 4, 4]), [[3, 1, 1]])


def test_no_bootstrap_value_is_added_if_the_episode_ends_at_the_last_decision():
    np.testing.assert_array_equal(returns_of([[0], [1]], [[0.5], [0]], [1000]), [[0.5], [1]])


def test_each_decision_has_its_own_discount():
    # FiGAR with discount per play: gamma is 0.5, and the actions have three, one and two plays.
    returns = returns_of([[1], [2], [4]], [[0.5**3], [0.5], [0.5**2]], [16])
    np.testing.assert_array_equal(returns, [[1 + (2 + (4 + 16 / 4) / 2) / 8], [2 + (4 + 16 / 4) / 2], [4 + 16 / 4]])


def test_returns_are_discounted_sums_of_rewards():
    random = np.random.default_rng(2)
    T, B = 7, 5
    rewards, bootstrap = random.normal(size=(T, B)), random.normal(size=B)
    discounts = 0.97 ** random.integers(1, 12, (T, B)) * (random.random((T, B)) > 0.2)
    expected = np.zeros((T, B))
    for t in range(T):  # each reward is weighted by the product of the discounts before it
        weight = np.ones(B)
        for later in range(t, T):
            expected[t] += weight * rewards[later]
            weight *= discounts[later]
        expected[t] += weight * bootstrap
    np.testing.assert_allclose(returns_of(rewards, discounts, bootstrap), expected, rtol=1e-5, atol=1e-6)
