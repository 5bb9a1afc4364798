"""NIPS with dropout that is never switched off: a sample of networks (Gal and Ghahramani 2016)."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from networks.layers import Conv, Dense
from networks.torso import Torso, TorsoSettings


class BAYESIAN(Torso):
    """Two convolutions, dropout of what they see, and 256 features."""

    noise = 9 * 9 * 32  # a number for each unit that may be dropped

    def __init__(self, settings: TorsoSettings):
        super().__init__()
        activation, random, self.keep = settings
        self.conv1 = Conv(16, 8, 4, random, activation=activation)
        self.conv2 = Conv(32, 4, 2, random, activation=activation)
        self.flatten = keras.layers.Flatten()
        self.dense = Dense(256, random, activation=activation)

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> [B, 2592]."""
        features = self.conv1(observations)  # [B, 20, 20, 16]
        features = self.conv2(features)  # [B, 9, 9, 32]
        return self.flatten(features)

    def combine(self, encodings: Sequence[tf.Tensor], noise: tf.Tensor) -> tf.Tensor:
        """Encodings one of [B, 2592], noise [B, 2592] -> [B, 256]; a unit is kept where its noise is below `keep`."""
        kept = tf.cast(noise < self.keep, encodings[-1].dtype) / self.keep
        return self.dense(encodings[-1] * kept)
