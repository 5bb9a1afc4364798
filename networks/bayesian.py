"""The NIPS network with dropout that stays on after training, as an approximate Bayesian network.

Source: Gal and Ghahramani 2016, "Dropout as a Bayesian Approximation".
"""

from collections.abc import Sequence

import tensorflow as tf

from networks.layers import Dense
from networks.nips import NIPS
from networks.torso import TorsoSettings


class BAYESIAN(NIPS):
    """The whole of NIPS, dropout of its 256 features, and a second dense layer of 256 features."""

    num_uniforms = 256  # one for each feature of NIPS

    def __init__(self, settings: TorsoSettings):
        super().__init__(settings)
        self.keep_probability = settings.keep_percentage
        self.dense2 = Dense(256, settings.random, activation=settings.make_activation())

    def combine(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> tf.Tensor:
        """One encoding [B, 2592] and uniforms [B, 256] -> [B, 256].

        Features whose uniform number is below `keep_probability` are kept, and scaled by 1 / `keep_probability`.
        """
        features = super().combine(encodings, uniforms)
        mask = tf.cast(uniforms < self.keep_probability, features.dtype) / self.keep_probability
        return self.dense2(features * mask)
