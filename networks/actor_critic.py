"""A torso with three linear heads: policy, repetition and value (A3C: Mnih et al. 2016; the second policy: FiGAR)."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from networks.layers import Dense


class Outputs(NamedTuple):
    """What the network says of B observations, float32."""

    policy_logits: tf.Tensor  # [B, A], temperature applied
    repetition_logits: tf.Tensor  # [B, R], temperature applied
    value: tf.Tensor  # [B]


class ActorCritic(keras.Model):
    """Observations -> Outputs. A higher `softmax_temp` makes both policies more uniform: it divides their logits."""

    def __init__(
        self,
        torso: keras.Model,
        *,
        num_actions: int,
        nb_choices: int,
        softmax_temp: float,
        random: np.random.Generator,
    ):
        super().__init__()
        self.torso = torso
        self.softmax_temp = softmax_temp
        self.policy = Dense(num_actions, random)
        self.value = Dense(1, random)
        self.repetition = Dense(nb_choices, random)

    def call(self, observations: tf.Tensor) -> Outputs:
        """Observations uint8 [B, 84, 84, channels]."""
        features = self.torso(observations)
        return Outputs(
            self.policy(features) / self.softmax_temp,
            self.repetition(features) / self.softmax_temp,
            self.value(features)[:, 0],
        )

    def create_weights(self, channels: int) -> None:
        """Draw the initial values, each once; the repetition head's come last, so that its size changes no other."""
        self.torso.built = self.built = True  # or Keras would draw some more for a trial of its own
        features = self.torso(tf.zeros([1, 84, 84, channels], tf.uint8))
        for head in (self.policy, self.value, self.repetition):
            head(features)
