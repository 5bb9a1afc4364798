"""FiGAR's policy over pairs of an action and a choice of repeats: the product pi(action | s) * rho(choice | s).

The factors are independent, so log-probabilities and entropies add up. With one choice, rho is 1, and its logarithm,
entropy and gradients are exactly 0: the loss is plain PAAC's to the last bit.
"""

import tensorflow as tf


def log_probabilities(
    policy_logits: tf.Tensor, repetition_logits: tf.Tensor, actions: tf.Tensor, choices: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return log pi(action) and log rho(choice), float32 [B] each.

    Logits float32 [B, A] and [B, R]; actions and choices, indices into their rows, int32 [B].
    """
    return _log_probability(policy_logits, actions), _log_probability(repetition_logits, choices)


def entropy(logits: tf.Tensor) -> tf.Tensor:
    """Return the entropy in nats, float32 [B], of the softmax distributions with `logits` [B, n]."""
    log_probabilities = tf.nn.log_softmax(logits)
    return -tf.reduce_sum(tf.exp(log_probabilities) * log_probabilities, axis=-1)


def _log_probability(logits: tf.Tensor, taken: tf.Tensor) -> tf.Tensor:
    return tf.gather(tf.nn.log_softmax(logits), taken, axis=1, batch_dims=1)
