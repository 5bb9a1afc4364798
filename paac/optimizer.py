"""RMSProp as in TensorFlow 1, and gradient clipping."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf


def clip_gradients(
    gradients: Sequence[tf.Tensor], clip_norm: float, clip_norm_type: str
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Clip the gradients, and return them with their global norm before clipping.

    `clip_norm_type`: "global" clips by the norm over all gradients, "local" clips each tensor by its own norm, and
    "ignore" does not clip.
    """
    global_norm = tf.linalg.global_norm(gradients)
    if clip_norm_type == "global":
        return tf.clip_by_global_norm(gradients, clip_norm, global_norm)[0], global_norm
    if clip_norm_type == "local":
        return [tf.clip_by_norm(gradient, clip_norm) for gradient in gradients], global_norm
    if clip_norm_type == "ignore":
        return list(gradients), global_norm
    raise ValueError(f"unknown clip_norm_type {clip_norm_type!r}")


class GradientStatistics(NamedTuple):
    """Statistics over all entries of all gradients before clipping, float32 scalars as in `Losses`."""

    mean: Any
    stddev: Any
    max: Any
    min: Any


def gradient_statistics(gradients: Sequence[tf.Tensor]) -> GradientStatistics:
    """Compute the statistics of `gradients`."""
    entries = tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients], axis=0)
    mean, variance = tf.nn.moments(entries, axes=[0])
    return GradientStatistics(mean, tf.sqrt(variance), tf.reduce_max(entries), tf.reduce_min(entries))


class RMSProp(tf.Module):
    """The update ms = decay * ms + (1 - decay) * g^2; w -= lr * g / sqrt(ms + epsilon), where ms starts at 1.

    Keras's RMSProp starts ms at 0, so its first steps are larger. TensorFlow 1's operation, which TensorFlow 2 still
    has, does the update in one pass over memory.
    """

    def __init__(self, variables: Sequence[tf.Variable], decay: float, epsilon: float):
        super().__init__()
        self.decay = decay
        self.epsilon = epsilon
        self.mean_squares = [tf.Variable(tf.ones_like(variable), trainable=False) for variable in variables]
        momentum_slots = [tf.Variable(tf.zeros_like(variable), trainable=False) for variable in variables]
        # The operation needs these slots, but with momentum 0 their values have no effect. The lambda hides them from
        # tf.train.Checkpoint, so that they are not saved.
        self._momentum_slots = lambda: momentum_slots

    def apply(self, gradients: Sequence[tf.Tensor], variables: Sequence[tf.Variable], lr: tf.Tensor) -> tf.Operation:
        """Update `variables` in place with learning rate `lr`."""
        settings = {"lr": lr, "rho": self.decay, "momentum": 0.0, "epsilon": self.epsilon}
        updates = [
            tf.raw_ops.ResourceApplyRMSProp(
                var=variable.handle, ms=mean_square.handle, mom=slot.handle, grad=gradient, **settings
            )
            for variable, mean_square, slot, gradient in zip(
                variables, self.mean_squares, self._momentum_slots(), gradients, strict=True
            )
        ]
        return tf.group(*updates)
