"""What all networks share: layers with the original's initial values, and activations."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

Activation = Callable[[tf.Tensor], tf.Tensor]


def make_activation(name: str, alpha_leaky_relu: float = 0.1) -> Activation:
    """`relu` or `leaky_relu`, the latter with slope `alpha_leaky_relu` below zero."""
    if name == "relu":
        return tf.nn.relu
    if name == "leaky_relu":
        return lambda features: tf.nn.leaky_relu(features, alpha_leaky_relu)
    raise ValueError(f"unknown activation {name!r}")


@contextmanager
def layer_precision(precision: str) -> Iterator[None]:
    """Layers made in here compute in `precision`, float32 or bfloat16; their weights are float32 in any case.

    It is Keras' mixed precision (Micikevicius et al. 2018); bfloat16 has float32's range, so no loss needs scaling.
    """
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"unknown precision {precision!r}")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else "mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class Uniform(keras.initializers.Initializer):
    """Uniform in +-1/sqrt(n), drawn by NumPy: the same start on every device and TensorFlow version."""

    def __init__(self, random: np.random.Generator, n: float):
        self.random = random
        self.bound = 1.0 / np.sqrt(n)

    def __call__(self, shape, dtype=None):
        return tf.constant(self.random.uniform(-self.bound, self.bound, shape), dtype or tf.float32)


class Normal(keras.initializers.Initializer):
    """Normal with mean 0 and deviation 1, drawn by NumPy."""

    def __init__(self, random: np.random.Generator):
        self.random = random

    def __call__(self, shape, dtype=None):
        return tf.constant(self.random.normal(size=shape), dtype or tf.float32)


class Dense(keras.layers.Dense):
    """A dense layer; weights and biases start uniform with n = inputs."""

    def __init__(self, units: int, random: np.random.Generator, **settings):
        super().__init__(units, **settings)
        self.random = random

    def build(self, input_shape):
        self.kernel_initializer = self.bias_initializer = Uniform(self.random, input_shape[-1])
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Inputs [B, inputs] -> outputs [B, units]."""
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        return self.activation(tf.nn.bias_add(inputs @ kernel, bias))


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

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Inputs [B, height, width, channels] -> outputs [B, height, width, filters]; bytes, 0..255, stand for 0..1."""
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        if inputs.dtype == tf.uint8:  # scaling the kernel costs less, and bfloat16 has all whole numbers up to 256
            inputs, kernel = tf.cast(inputs, kernel.dtype), kernel / 255.0
        return self.activation(tf.nn.bias_add(tf.nn.conv2d(inputs, kernel, self.strides, self.padding.upper()), bias))
