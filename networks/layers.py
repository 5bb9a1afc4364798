"""What all networks share: scaling of observations, layers with the original's initial values, activations."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

Activation = Callable[[tf.Tensor], tf.Tensor]


def scale(observations: tf.Tensor) -> tf.Tensor:
    """uint8 0..255 -> float32 0..1, same shape."""
    return tf.cast(observations, tf.float32) / 255.0


def make_activation(name: str, alpha_leaky_relu: float = 0.1) -> Activation:
    """`relu` or `leaky_relu`, the latter with slope `alpha_leaky_relu` below zero."""
    if name == "relu":
        return tf.nn.relu
    if name == "leaky_relu":
        return lambda features: tf.nn.leaky_relu(features, alpha_leaky_relu)
    raise ValueError(f"unknown activation {name!r}")


class Uniform(keras.initializers.Initializer):
    """Uniform in +-1/sqrt(n), drawn by NumPy: the same start on every device and TensorFlow version."""

    def __init__(self, random: np.random.Generator, n: int):
        self.random = random
        self.bound = 1.0 / np.sqrt(n)

    def __call__(self, shape, dtype=None):
        return tf.constant(self.random.uniform(-self.bound, self.bound, shape), dtype or tf.float32)


class Dense(keras.layers.Dense):
    """A dense layer; weights and biases start uniform with n = inputs."""

    def __init__(self, units: int, random: np.random.Generator, **settings):
        super().__init__(units, **settings)
        self.random = random

    def build(self, input_shape):
        self.kernel_initializer = self.bias_initializer = Uniform(self.random, input_shape[-1])
        super().build(input_shape)


class Conv(keras.layers.Conv2D):
    """A convolution with a square kernel; biases start uniform with n = size * size * input channels.

    Weights take n = size * size * FILTERS, the original Manette's own choice.
    """

    def __init__(self, filters: int, size: int, stride: int, random: np.random.Generator, **settings):
        super().__init__(filters, size, stride, **settings)
        self.random = random

    def build(self, input_shape):
        area = self.kernel_size[0] * self.kernel_size[1]
        self.kernel_initializer = Uniform(self.random, area * self.filters)
        self.bias_initializer = Uniform(self.random, area * input_shape[-1])
        super().build(input_shape)
