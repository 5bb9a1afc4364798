"""What every torso is: an encoding of each observation, and features made of the newest encodings."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from networks.layers import Activation, make_activation


class TorsoSettings(NamedTuple):
    """What a torso is made with."""

    random: np.random.Generator  # draws the initial values
    activation: str = "relu"  # or leaky_relu
    alpha_leaky_relu: float = 0.1  # its slope below zero
    keep_percentage: float = 0.9  # fraction of the units that dropout keeps

    def make_activation(self) -> Activation:
        """The activation of the hidden layers."""
        return make_activation(self.activation, self.alpha_leaky_relu)


class Torso(keras.Model):
    """Observations -> features, in two stages, so that each observation is encoded once however often it is wanted.

    A torso keeps no state of its own: earlier encodings and random numbers come in as arguments.
    """

    memory = 0  # how many earlier observations of the episode it wants beside the newest
    noise = 0  # how many uniform numbers in [0, 1) it wants for each decision

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> encodings [B, E]."""
        raise NotImplementedError

    def combine(self, encodings: Sequence[tf.Tensor], noise: tf.Tensor) -> tf.Tensor:
        """Encodings, 1 + `memory` of [B, E], oldest first, and noise float32 [B, `noise`] -> features [B, F]."""
        raise NotImplementedError
