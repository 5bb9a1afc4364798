"""The network of Mnih et al. 2015, "Human-level control through deep reinforcement learning", in Nature."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from networks.layers import Conv, Dense
from networks.torso import Torso, TorsoSettings


class NATURE(Torso):
    """Three convolutions and 512 features."""

    def __init__(self, settings: TorsoSettings):
        super().__init__()
        random, activation = settings.random, settings.make_activation()
        self.conv1 = Conv(32, 8, 4, random, activation=activation)
        self.conv2 = Conv(64, 4, 2, random, activation=activation)
        self.conv3 = Conv(64, 3, 1, random, activation=activation)
        self.flatten = keras.layers.Flatten()
        self.dense = Dense(512, random, activation=activation)

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> [B, 3136]."""
        features = self.conv1(observations)  # [B, 20, 20, 32]
        features = self.conv2(features)  # [B, 9, 9, 64]
        features = self.conv3(features)  # [B, 7, 7, 64]
        return self.flatten(features)

    def combine(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> tf.Tensor:
        """One encoding [B, 3136] -> [B, 512]."""
        return self.dense(encodings[-1])
