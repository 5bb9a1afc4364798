"""The network of Mnih et al. 2013, "Playing Atari with Deep Reinforcement Learning"."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from networks.layers import Conv, Dense
from networks.torso import Torso, TorsoSettings


class NIPS(Torso):
    """Two convolutions and 256 features."""

    def __init__(self, settings: TorsoSettings):
        super().__init__()
        random, activation = settings.random, settings.make_activation()
        self.conv1 = Conv(16, 8, 4, random, activation=activation)
        self.conv2 = Conv(32, 4, 2, random, activation=activation)
        self.flatten = keras.layers.Flatten()
        self.dense = Dense(256, random, activation=activation)

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> [B, 2592]."""
        features = self.conv1(observations)  # [B, 20, 20, 16]
        features = self.conv2(features)  # [B, 9, 9, 32]
        return self.flatten(features)

    def combine(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> tf.Tensor:
        """One encoding [B, 2592] -> [B, 256]."""
        return self.dense(encodings[-1])
