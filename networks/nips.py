"""The network of Mnih et al. 2013, "Playing Atari with Deep Reinforcement Learning"."""

import keras
import tensorflow as tf

from networks.layers import Conv, Dense, scale
from networks.torso import Torso, TorsoSettings


class NIPS(Torso):
    """Two convolutions and 256 features."""

    def __init__(self, settings: TorsoSettings):
        super().__init__()
        activation, random, _ = settings
        self.conv1 = Conv(16, 8, 4, random, activation=activation)
        self.conv2 = Conv(32, 4, 2, random, activation=activation)
        self.flatten = keras.layers.Flatten()
        self.dense = Dense(256, random, activation=activation)

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> [B, 256]."""
        features = scale(observations)
        features = self.conv1(features)  # [B, 20, 20, 16]
        features = self.conv2(features)  # [B, 9, 9, 32]
        return self.dense(self.flatten(features))
