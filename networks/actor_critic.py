"""A torso with three linear heads: policy, repetition and value (A3C: Mnih et al. 2016; the second policy: FiGAR)."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from networks.layers import Dense
from networks.torso import Torso


class Outputs(NamedTuple):
    """What the network says of B observations, float32."""

    policy_logits: tf.Tensor  # [B, A], temperature applied
    repetition_logits: tf.Tensor  # [B, R], temperature applied
    value: tf.Tensor  # [B]


class ActorCritic(keras.Model):
    """Observations -> Outputs. A higher `softmax_temp` makes both policies more uniform: it divides their logits.

    An observation is encoded once (`encode`); a decision needs the newest encodings, as many as the torso's memory
    and one more (`decide`). Where an episode is shorter than that, a `blank` stands for what was before it.
    """

    def __init__(
        self,
        torso: Torso,
        *,
        num_actions: int,
        nb_choices: int,
        channels: int,
        softmax_temp: float,
        random: np.random.Generator,
    ):
        super().__init__()
        self.torso = torso
        self.channels = channels
        self.softmax_temp = softmax_temp
        self.policy = Dense(num_actions, random)
        self.value = Dense(1, random)
        self.repetition = Dense(nb_choices, random)

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> encodings [B, E]."""
        return self.torso.encode(observations)

    def blank(self, count: int) -> tf.Tensor:
        """Encodings [count, E] of what was before an episode: black images."""
        return tf.repeat(self.encode(tf.zeros([1, 84, 84, self.channels], tf.uint8)), count, axis=0)

    def decide(self, encodings: Sequence[tf.Tensor], noise: tf.Tensor) -> Outputs:
        """Encodings, 1 + memory of [B, E], oldest first, and noise float32 [B, torso.noise]."""
        features = self.torso.combine(encodings, noise)
        return Outputs(
            self.policy(features) / self.softmax_temp,
            self.repetition(features) / self.softmax_temp,
            self.value(features)[:, 0],
        )

    def call(self, observations: tf.Tensor, noise: tf.Tensor | None = None) -> Outputs:
        """What it says of the first observations of episodes; without noise, dropout drops nothing."""
        count = observations.shape[0]
        before = [self.blank(count)] * self.torso.memory
        if noise is None:
            noise = tf.zeros([count, self.torso.noise])
        return self.decide([*before, self.encode(observations)], noise)

    def create_weights(self) -> None:
        """Draw the initial values, each once; the repetition head's come last, so that its size changes no other."""
        self.torso.built = self.built = True  # or Keras would draw some more for a trial of its own
        encodings = [self.blank(1)] * (1 + self.torso.memory)
        features = self.torso.combine(encodings, tf.zeros([1, self.torso.noise]))
        for head in (self.policy, self.value, self.repetition):
            head(features)
