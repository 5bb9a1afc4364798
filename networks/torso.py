"""The base class of all torsos: they encode each observation, and combine the newest encodings into features."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

Activation = Callable[[tf.Tensor], tf.Tensor]


class TorsoSettings(NamedTuple):
    """The settings that a torso is made with."""

    random: np.random.Generator  # draws the initial weights
    activation: str = "relu"  # or "leaky_relu"
    alpha_leaky_relu: float = 0.1  # slope of leaky_relu below zero
    keep_percentage: float = 0.9  # fraction of the units that dropout keeps

    def make_activation(self) -> Activation:
        """Return the activation of the hidden layers. Raises ValueError for an unknown name."""
        if self.activation == "relu":
            return tf.nn.relu
        if self.activation == "leaky_relu":
            return lambda features: tf.nn.leaky_relu(features, self.alpha_leaky_relu)
        raise ValueError(f"unknown activation {self.activation!r}")


class Torso(keras.Model):
    """A network from observations to features, in two stages, so that each observation is encoded only once.

    A torso has no state except its weights: earlier encodings and random numbers are arguments.
    """

    history_length = 0  # number of earlier observations that a decision uses in addition to the newest
    num_uniforms = 0  # number of random numbers, uniform in [0, 1), that a decision uses

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> encodings [B, E]."""
        raise NotImplementedError

    def combine(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> tf.Tensor:
        """1 + `history_length` encodings [B, E], oldest first, and random numbers -> features [B, F].

        `uniforms` are float32 [B, num_uniforms].
        """
        raise NotImplementedError
