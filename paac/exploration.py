"""How an action, or a choice of repeats, is drawn from a head. The random numbers come in as an argument."""

import tensorflow as tf

DRAWS = 2  # uniform numbers that one head needs for one choice


def sample(logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Draw from the softmax of `logits`.

    Logits float32 [B, n] and uniforms float32 [B, DRAWS], in [0, 1) -> int32 [B].
    """
    cumulative = tf.cumsum(tf.nn.softmax(logits), axis=1)
    # Without the last column, which may fall short of 1 by rounding.
    return tf.reduce_sum(tf.cast(uniforms[:, :1] >= cumulative[:, :-1], tf.int32), axis=1)


def greedy(logits: tf.Tensor) -> tf.Tensor:
    """The most probable, int32 [B]."""
    return tf.argmax(logits, axis=1, output_type=tf.int32)


def epsilon_greedy(logits: tf.Tensor, uniforms: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """With probability `epsilon` any choice, all alike, else the most probable; arguments and result as in `sample`."""
    n = logits.shape[1]
    anything = tf.minimum(tf.cast(uniforms[:, 1] * n, tf.int32), n - 1)
    return tf.where(uniforms[:, 0] < epsilon, anything, greedy(logits))
