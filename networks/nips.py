"""The network of Mnih et al. 2013, "Playing Atari with Deep Reinforcement Learning"."""

import keras
import numpy as np
import tensorflow as tf

from networks.layers import Activation, Conv, Dense, scale


class NIPS(keras.Model):
    """Two convolutions and 256 features."""

    def __init__(self, activation: Activation, random: np.random.Generator):
        super().__init__()
        self.conv1 = Conv(16, 8, 4, random, activation=activation)
        self.conv2 = Conv(32, 4, 2, random, activation=activation)
        self.flatten = keras.layers.Flatten()
        self.dense = Dense(256, random, activation=activation)

    def call(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> features float32 [B, 256]."""
        features = scale(observations)
        features = self.conv1(features)  # [B, 20, 20, 16]
        features = self.conv2(features)  # [B, 9, 9, 32]
        return self.dense(self.flatten(features))
