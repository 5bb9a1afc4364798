"""The network of Yuxin Wu's A3C in tensorpack, https://github.com/ppwwyyxx/tensorpack (examples/A3C-Gym)."""

import keras
import numpy as np
import tensorflow as tf

from networks.layers import Activation, Conv, Dense, scale


class PWYX(keras.Model):
    """Four convolutions that keep the size, pooling after the first three, and 512 features."""

    def __init__(self, activation: Activation, random: np.random.Generator):
        super().__init__()
        self.convs = [
            Conv(filters, size, 1, random, padding="same", activation=activation)
            for filters, size in ((32, 5), (32, 5), (64, 4), (64, 3))
        ]
        self.pool = keras.layers.MaxPool2D(2)
        self.flatten = keras.layers.Flatten()
        self.dense = Dense(512, random, activation=activation)

    def call(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> features float32 [B, 512]."""
        features = scale(observations)
        for conv in self.convs[:-1]:
            features = self.pool(conv(features))  # [B, 42, 42, 32], [B, 21, 21, 32], [B, 10, 10, 64]
        features = self.convs[-1](features)  # [B, 10, 10, 64]
        return self.dense(self.flatten(features))
