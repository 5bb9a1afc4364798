"""A torso with three linear heads: policy and value as in A3C (Mnih et al. 2016), and FiGAR's policy over repeats."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from networks.checks import check_rows, check_weights, named, weights_in_collections
from networks.errors import errors_of
from networks.layers import Dense
from networks.torso import Torso


class Outputs(NamedTuple):
    """The outputs of the network for B observations, float32."""

    policy_logits: tf.Tensor  # [B, A], divided by the temperature
    repetition_logits: tf.Tensor  # [B, R], divided by the temperature
    value: tf.Tensor  # [B]


class ActorCritic(keras.Model):
    """A network that maps observations to `Outputs`.

    Each observation is encoded once, by `encode`. `compute_outputs` uses the newest encoding and the
    `torso.history_length` encodings before it. At the start of an episode, `blank_encodings` take their place.
    `softmax_temp` divides the logits of both policies: a higher temperature makes them more uniform.
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
        with errors_of(*named(self.torso)):
            return self.torso.encode(observations)

    def blank_encodings(self, count: int) -> tf.Tensor:
        """Return encodings [count, E] of black images, which stand for the observations before an episode."""
        return tf.repeat(self.encode(tf.zeros([1, 84, 84, self.channels], tf.uint8)), count, axis=0)

    def compute_outputs(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> Outputs:
        """Compute the outputs from 1 + torso.history_length encodings [B, E], oldest first.

        `uniforms`, float32 [B, torso.num_uniforms], are the torso's random numbers, uniform in [0, 1).
        """
        features = self._combine(encodings, uniforms)
        return Outputs(
            self.policy(features) / self.softmax_temp,
            self.repetition(features) / self.softmax_temp,
            self.value(features)[:, 0],
        )

    def call(self, observations: tf.Tensor, uniforms: tf.Tensor | None = None) -> Outputs:
        """Compute the outputs for the first observations of B episodes.

        Without `uniforms`, dropout keeps and scales all units.
        """
        count = observations.shape[0]
        blank = [self.blank_encodings(count)] * self.torso.history_length
        if uniforms is None:
            uniforms = tf.zeros([count, self.torso.num_uniforms])
        return self.compute_outputs([*blank, self.encode(observations)], uniforms)

    def create_weights(self) -> None:
        """Create the weights and draw their initial values, in a trial run that also checks the torso.

        The repetition head is last, so that its size does not change the initial values of the other layers. Raises
        NetworkError if the torso cannot be trained or saved.
        """
        self.torso.built = self.built = True  # otherwise Keras would run a trial call, which draws more numbers
        torso, count = self.torso, 2  # of observations, so that a result with one row for all of them is noticed
        with tf.GradientTape() as tape:
            encodings = self.encode(tf.zeros([count, 84, 84, self.channels], tf.uint8))
            check_rows(torso, "encode", encodings, count)
            uniforms = tf.zeros([count, torso.num_uniforms])
            features = self._combine([encodings] * (1 + torso.history_length), uniforms)
            check_rows(torso, "combine", features, count)
            for head in (self.policy, self.value, self.repetition):
                head(features)
        check_weights(self, tape.watched_variables())
        if unnamed := weights_in_collections(self):
            self.unnamed_weights = unnamed

    def _combine(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> tf.Tensor:
        with errors_of(*named(self.torso)):
            return self.torso.combine(encodings, uniforms)
