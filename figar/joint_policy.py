"""One policy over pairs of an action and a choice of repeats: pi(action, choice | s) = pi(action | s) rho(choice | s).

With one choice rho is 1 and its logarithm, entropy and gradients are exactly 0: plain PAAC, to the last bit.
"""

import tensorflow as tf


def log_probability(
    policy_logits: tf.Tensor, repetition_logits: tf.Tensor, actions: tf.Tensor, choices: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """log pi(action) and log rho(choice), float32 [B] each, from logits [B, A] and [B, R] and int32 [B] numbers."""
    return _log_probability(policy_logits, actions), _log_probability(repetition_logits, choices)


def entropy(logits: tf.Tensor) -> tf.Tensor:
    """Entropy in nats, float32 [B], of the distributions that `logits` [B, n] stand for."""
    log_probabilities = tf.nn.log_softmax(logits)
    return -tf.reduce_sum(tf.exp(log_probabilities) * log_probabilities, axis=-1)


def _log_probability(logits: tf.Tensor, taken: tf.Tensor) -> tf.Tensor:
    return tf.gather(tf.nn.log_softmax(logits), taken, axis=1, batch_dims=1)
