"""The residual network of IMPALA (Espeholt et al. 2018, figure 3, right), without the LSTM."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from networks.layers import Conv, Dense
from networks.torso import Torso, TorsoSettings


class IMPALA(Torso):
    """Three sections with five convolutions each, and 256 features."""

    def __init__(self, settings: TorsoSettings):
        super().__init__()
        self.activation = settings.make_activation()
        self.section1 = Section(16, settings)
        self.section2 = Section(32, settings)
        self.section3 = Section(32, settings)
        self.flatten = keras.layers.Flatten()
        self.dense = Dense(256, settings.random, activation=settings.make_activation())

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> [B, 3872]."""
        features = self.section1(observations)  # [B, 42, 42, 16]
        features = self.section2(features)  # [B, 21, 21, 32]
        features = self.section3(features)  # [B, 11, 11, 32]
        return self.flatten(self.activation(features))

    def combine(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> tf.Tensor:
        """One encoding [B, 3872] -> [B, 256]."""
        return self.dense(encodings[-1])


class Section(keras.layers.Layer):
    """A convolution, max pooling to half the size, and two residual blocks."""

    def __init__(self, filters: int, settings: TorsoSettings):
        super().__init__()
        self.activation = settings.make_activation()
        self.conv = Conv(filters, 3, 1, settings.random, padding="same")
        self.pool = keras.layers.MaxPool2D(3, 2, padding="same")
        self.conv1 = Conv(filters, 3, 1, settings.random, padding="same")
        self.conv2 = Conv(filters, 3, 1, settings.random, padding="same")
        self.conv3 = Conv(filters, 3, 1, settings.random, padding="same")
        self.conv4 = Conv(filters, 3, 1, settings.random, padding="same")

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """[B, height, width, channels] -> [B, ceil(height / 2), ceil(width / 2), filters]."""
        features = self.pool(self.conv(features))
        for first, second in ((self.conv1, self.conv2), (self.conv3, self.conv4)):
            features += second(self.activation(first(self.activation(features))))
        return features
