"""The original Manette's own recurrent network: an LSTM over what PWYX's convolutions see of the last observations."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from networks.layers import Dense, Normal, Uniform
from networks.pwyx import PWYX
from networks.torso import TorsoSettings


class LSTM(PWYX):
    """PWYX's convolutions on each of 5 observations, an LSTM of 32 units, a linear layer of 32, and 128 features."""

    memory = 4

    def __init__(self, settings: TorsoSettings):
        super().__init__(settings)
        self.recurrent = Recurrent(10 * 10 * 64, 32, settings.random)
        normal = Normal(settings.random)
        self.linear = keras.layers.Dense(32, kernel_initializer=normal, bias_initializer=normal)
        self.dense = Dense(128, settings.random, activation=settings.make_activation())

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> what they add to the LSTM's gates, float32 [B, 128]."""
        return self.recurrent.project(super().encode(observations))

    def combine(self, encodings: Sequence[tf.Tensor], noise: tf.Tensor) -> tf.Tensor:
        """Encodings five of [B, 128], oldest first -> [B, 128]."""
        return self.dense(self.linear(self.recurrent.run(encodings)))


class Recurrent(keras.layers.Layer):
    """An LSTM from a fresh start over a few inputs, all in float32 (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

    One kernel [inputs + units, 4 * units], Glorot uniform over the whole, for the gates in the order of TensorFlow 1:
    input, candidate, forget, output. Biases start at 0, and 1 is added to the forget gate.
    """

    def __init__(self, inputs: int, units: int, random: np.random.Generator):
        super().__init__(dtype="float32")
        self.inputs = inputs
        self.units = units
        shape = (inputs + units, 4 * units)
        self.kernel = self.add_weight(shape, initializer=Uniform(random, sum(shape) / 6), name="kernel")
        self.bias = self.add_weight((4 * units,), initializer="zeros", name="bias")

    def project(self, features: tf.Tensor) -> tf.Tensor:
        """What an input [B, inputs] adds to the gates, [B, 4 * units]; it does not hang on the steps before."""
        return tf.cast(features, tf.float32) @ self.kernel[: self.inputs] + self.bias

    def run(self, projections: Sequence[tf.Tensor]) -> tf.Tensor:
        """The output after the last of some steps, [B, units]."""
        state = output = tf.zeros_like(projections[0][:, : self.units])
        for projection in projections:
            gates = projection + output @ self.kernel[self.inputs :]
            enter, candidate, forget, leave = tf.split(gates, 4, axis=1)
            state = state * tf.sigmoid(forget + 1.0) + tf.sigmoid(enter) * tf.tanh(candidate)
            output = tf.sigmoid(leave) * tf.tanh(state)
        return output
