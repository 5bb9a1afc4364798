"""The network of Yuxin Wu's A3C in tensorpack, https://github.com/tensorpack/tensorpack (examples/A3C-Gym)."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from networks.layers import Conv, Dense
from networks.torso import Torso, TorsoSettings


class PWYX(Torso):
    """Four convolutions with "same" padding, max pooling after the first three, and 512 features."""

    def __init__(self, settings: TorsoSettings):
        super().__init__()
        random, activation = settings.random, settings.make_activation()
        # Attributes and no list: their names are the keys of checkpoints.
        self.conv1 = Conv(32, 5, 1, random, activation, padding="same")
        self.conv2 = Conv(32, 5, 1, random, activation, padding="same")
        self.conv3 = Conv(64, 4, 1, random, activation, padding="same")
        self.conv4 = Conv(64, 3, 1, random, activation, padding="same")
        self.pool = keras.layers.MaxPool2D(2)
        self.flatten = keras.layers.Flatten()
        self.dense = Dense(512, random, activation=activation)

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> [B, 6400]."""
        features = self.pool(self.conv1(observations))  # [B, 42, 42, 32]
        features = self.pool(self.conv2(features))  # [B, 21, 21, 32]
        features = self.pool(self.conv3(features))  # [B, 10, 10, 64]
        features = self.conv4(features)  # [B, 10, 10, 64]
        return self.flatten(features)

    def combine(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> tf.Tensor:
        """One encoding [B, 6400] -> [B, 512]."""
        return self.dense(encodings[-1])
