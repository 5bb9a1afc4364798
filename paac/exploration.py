"""How an action or a number of repeats is selected from the logits of a head.

Each function takes logits float32 [B, n] and random numbers float32 [B, UNIFORMS_PER_SELECTION], uniform in [0, 1), and
returns an index for each row, int32 [B].
"""

import tensorflow as tf

UNIFORMS_PER_SELECTION = 2  # epsilon-greedy needs one to choose whether to explore, and one to choose the index


def sample(logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Draw an index from the softmax of `logits`."""
    cumulative = tf.cumsum(tf.nn.softmax(logits), axis=1)
    # The last column is left out: rounding may make it less than 1.
    return tf.reduce_sum(tf.cast(uniforms[:, :1] >= cumulative[:, :-1], tf.int32), axis=1)


def epsilon_greedy(logits: tf.Tensor, uniforms: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """Return a uniformly random index with probability `epsilon`, else the most probable one."""
    n = logits.shape[1]
    random_index = tf.cast(uniforms[:, 1] * n, tf.int32)  # less than n, also after rounding
    return tf.where(uniforms[:, 0] < epsilon, random_index, tf.argmax(logits, axis=1, output_type=tf.int32))
