"""Log-probability and entropy of the policy over pairs of an action and a choice of repeats."""

import numpy as np
import tensorflow as tf

from figar import joint_policy

# Logits with known probabilities: multiples of 1/8 and of 1/3.
ACTIONS = np.log(np.array([[1, 2, 5], [4, 2, 2]], np.float32))
CHOICES = np.log(np.array([[2, 1], [1, 2]], np.float32)) + 7  # adding a constant does not change the probabilities


def test_log_probabilities_are_those_of_the_actions_and_choices():
    log_action, log_choice = joint_policy.log_probabilities(
        tf.constant(ACTIONS), tf.constant(CHOICES), tf.constant([2, 0]), tf.constant([1, 1])
    )
    np.testing.assert_allclose(log_action, np.log([5 / 8, 4 / 8]), rtol=1e-5)
    np.testing.assert_allclose(log_choice, np.log([1 / 3, 2 / 3]), rtol=1e-5)
    assert log_action.dtype == log_choice.dtype == tf.float32


def test_entropy_follows_its_definition():
    expected = [
        -sum(p * np.log(p) for p in (1 / 8, 2 / 8, 5 / 8)),
        -sum(p * np.log(p) for p in (4 / 8, 2 / 8, 2 / 8)),
    ]
    np.testing.assert_allclose(joint_policy.entropy(tf.constant(ACTIONS)), expected, rtol=1e-5)


def test_entropy_of_a_uniform_policy_is_the_logarithm_of_the_number_of_choices():
    np.testing.assert_allclose(joint_policy.entropy(tf.fill([3, 11], -4.0)), np.full(3, np.log(11)), rtol=1e-6)


def test_a_deterministic_policy_gives_no_nan():
    logits = tf.constant([[0.0, 2000.0, -2000.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        entropy = joint_policy.entropy(logits)
    np.testing.assert_array_equal(entropy, [0])
    np.testing.assert_array_equal(tape.gradient(entropy, logits), np.zeros((1, 3)))


def test_one_choice_adds_exactly_zero():
    # Plain PAAC to the last bit: the second head must not even add a rounding error.
    actions, choices = tf.constant(ACTIONS), tf.constant([[0.3], [-71.7]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(choices)
        log_choice = joint_policy.log_probabilities(actions, choices, tf.constant([1, 2]), tf.constant([0, 0]))[1]
        entropy = joint_policy.entropy(choices)
    for values in (log_choice, entropy, tape.gradient(log_choice, choices), tape.gradient(entropy, choices)):
        assert not np.any(values), values


def test_gradient_of_the_log_probability_is_the_indicator_minus_the_probability():
    logits = tf.constant(ACTIONS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        log_action = joint_policy.log_probabilities(
            logits, tf.constant(CHOICES), tf.constant([0, 1]), tf.constant([0, 0])
        )[0]
    expected = np.array([[1, 0, 0], [0, 1, 0]]) - np.array([[1, 2, 5], [4, 2, 2]]) / 8
    np.testing.assert_allclose(tape.gradient(log_action, logits), expected, atol=1e-6)
