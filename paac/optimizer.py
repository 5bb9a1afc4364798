"""RMSProp as TensorFlow 1 did it, and gradient clipping."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf


def clip_gradients(
    gradients: Sequence[tf.Tensor], clip_norm: float, clip_norm_type: str
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """The clipped gradients and their global norm before: all scaled by it, each by its own norm, or left alone."""
    global_norm = tf.linalg.global_norm(gradients)
    if clip_norm_type == "global":
        return tf.clip_by_global_norm(gradients, clip_norm, global_norm)[0], global_norm
    if clip_norm_type == "local":
        return [tf.clip_by_norm(gradient, clip_norm) for gradient in gradients], global_norm
    if clip_norm_type == "ignore":
        return list(gradients), global_norm
    raise ValueError(f"unknown clip_norm_type {clip_norm_type!r}")


class GradientStatistics(NamedTuple):
    """Over all entries of all gradients, before clipping."""

    mean: Any
    stddev: Any
    max: Any
    min: Any


def gradient_statistics(gradients: Sequence[tf.Tensor]) -> GradientStatistics:
    """Float32 scalars over all entries of `gradients`."""
    entries = tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients], axis=0)
    mean, variance = tf.nn.moments(entries, axes=[0])
    return GradientStatistics(mean, tf.sqrt(variance), tf.reduce_max(entries), tf.reduce_min(entries))


class RMSProp(tf.Module):
    """ms = decay ms + (1 - decay) g^2; w -= lr g / sqrt(ms + epsilon), with ms = 1 at first.

    Keras starts the accumulator at 0 and adds its epsilon outside the root; with epsilon = 0.1 that is another
    algorithm. TensorFlow 1's own operation, still there, does it in one pass over the memory.
    """

    def __init__(self, variables: Sequence[tf.Variable], decay: float, epsilon: float):
        super().__init__()
        self.decay = decay
        self.epsilon = epsilon
        self.mean_squares = [tf.Variable(tf.ones_like(variable), trainable=False) for variable in variables]
        steps = [tf.Variable(tf.zeros_like(variable), trainable=False) for variable in variables]
        # The operation writes the momentum slots; with momentum 0 they are never read. A function hides them from
        # tf.train.Checkpoint, so that they are not saved.
        self._steps = lambda: steps

    def apply(self, gradients: Sequence[tf.Tensor], variables: Sequence[tf.Variable], lr: tf.Tensor) -> tf.Operation:
        """Change `variables` in place, one step of size `lr` down `gradients`."""
        slots = zip(gradients, variables, self.mean_squares, self._steps(), strict=True)
        return tf.group(
            *(
                tf.raw_ops.ResourceApplyRMSProp(
                    var=variable.handle,
                    ms=mean_square.handle,
                    mom=step.handle,
                    lr=lr,
                    rho=self.decay,
                    momentum=0.0,
                    epsilon=self.epsilon,
                    grad=gradient,
                )
                for gradient, variable, mean_square, step in slots
            )
        )
