"""The recurrent network of the original Manette: PWYX's convolutions on each of the last observations, and an LSTM."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from networks.layers import Dense, Normal, Uniform
from networks.pwyx import PWYX
from networks.torso import TorsoSettings


class LSTM(PWYX):
    """PWYX's convolutions on each of 5 observations, an LSTM (32 units), a linear layer (32 units), 128 features."""

    history_length = 4

    def __init__(self, settings: TorsoSettings):
        super().__init__(settings)
        self.recurrent = Recurrent(10 * 10 * 64, 32, settings.random)
        normal = Normal(settings.random)
        self.linear = keras.layers.Dense(32, kernel_initializer=normal, bias_initializer=normal)
        self.dense = Dense(128, settings.random, activation=settings.make_activation())

    def encode(self, observations: tf.Tensor) -> tf.Tensor:
        """Observations uint8 [B, 84, 84, channels] -> their projections for the LSTM's gates, float32 [B, 128]."""
        return self.recurrent.project(super().encode(observations))

    def combine(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> tf.Tensor:
        """Five encodings [B, 128], oldest first -> [B, 128]."""
        return self.dense(self.linear(self.recurrent.run(encodings)))


class Recurrent(keras.layers.Layer):
    """An LSTM in float32 that starts each sequence at zero state (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

    As in TensorFlow 1, one kernel [inputs + units, 4 * units] holds the gates in the order input, candidate, forget,
    output, and is initialised as a whole by Glorot's uniform distribution. The biases are initialised to 0, and 1 is
    added to the forget gate.
    """

    def __init__(self, inputs: int, units: int, random: np.random.Generator):
        super().__init__(dtype="float32")
        self.inputs = inputs
        self.units = units
        shape = (inputs + units, 4 * units)
        glorot = Uniform(random, sum(shape) / 6)  # its bound is Glorot's, sqrt(6 / (rows + columns))
        self.kernel = self.add_weight(shape, initializer=glorot, name="kernel")
        self.bias = self.add_weight((4 * units,), initializer="zeros", name="bias")

    def project(self, features: tf.Tensor) -> tf.Tensor:
        """Project features [B, inputs] to the part of the gates [B, 4 * units] that is independent of earlier steps."""
        return tf.cast(features, tf.float32) @ self.kernel[: self.inputs] + self.bias

    def run(self, projections: Sequence[tf.Tensor]) -> tf.Tensor:
        """Run the LSTM over `projections`, one [B, 4 * units] per step; return the last output, [B, units]."""
        state = output = tf.zeros_like(projections[0][:, : self.units])
        for projection in projections:
            gates = projection + output @ self.kernel[self.inputs :]
            input_gate, candidate, forget_gate, output_gate = tf.split(gates, 4, axis=1)
            state = state * tf.sigmoid(forget_gate + 1.0) + tf.sigmoid(input_gate) * tf.tanh(candidate)
            output = tf.sigmoid(output_gate) * tf.tanh(state)
        return output
