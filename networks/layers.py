"""Layers that all networks share, with the weight initialisation of the original Manette."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@contextmanager
def layer_precision(precision: str) -> Iterator[None]:
    """Make the layers created in this context compute in `precision`, float32 or bfloat16; weights stay float32.

    This is Keras's mixed precision (Micikevicius et al. 2018). bfloat16 has the range of float32, so the loss needs no
    scaling.
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
    """Draws uniformly from [-1/sqrt(n), 1/sqrt(n)].

    NumPy draws the numbers, so a seed gives the same weights on every device and with every version of TensorFlow.
    """

    def __init__(self, random: np.random.Generator, n: float):
        self.random = random
        self.bound = 1.0 / np.sqrt(n)

    def __call__(self, shape, dtype=None):
        return tf.constant(self.random.uniform(-self.bound, self.bound, shape), dtype or tf.float32)


class Normal(keras.initializers.Initializer):
    """Draws from the normal distribution with mean 0 and standard deviation 1, with NumPy like `Uniform`."""

    def __init__(self, random: np.random.Generator):
        self.random = random

    def __call__(self, shape, dtype=None):
        return tf.constant(self.random.normal(size=shape), dtype or tf.float32)


class Dense(keras.layers.Dense):
    """A dense layer whose weights and biases are initialised by `Uniform` with n = fan-in, the number of inputs.

    Keras's own `call` adds the bias with a general broadcasting addition; `bias_add` is cheaper.
    """

    def __init__(self, units: int, random: np.random.Generator, activation: Any = None):
        super().__init__(units, activation)
        self.random = random

    def build(self, input_shape):
        self.kernel_initializer = self.bias_initializer = Uniform(self.random, input_shape[-1])
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Inputs [B, inputs] -> outputs [B, units]."""
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        return self.activation(tf.nn.bias_add(inputs @ kernel, bias))


class Conv(keras.layers.Conv2D):
    """A convolution with a square kernel, for float or uint8 images.

    The biases are initialised by `Uniform` with n = fan-in, size * size * input channels. The weights use n = size *
    size * filters instead, which is unusual, but what the original Manette does.
    """

    def __init__(
        self,
        filters: int,
        size: int,
        stride: int,
        random: np.random.Generator,
        activation: Any = None,
        padding: str = "valid",
    ):
        super().__init__(filters, size, stride, padding, activation=activation)
        self.random = random

    def build(self, input_shape):
        area = self.kernel_size[0] * self.kernel_size[1]
        self.kernel_initializer = Uniform(self.random, area * self.filters)
        self.bias_initializer = Uniform(self.random, area * input_shape[-1])
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Inputs [B, height, width, channels] -> [B, height, width, filters]; uint8 inputs are divided by 255."""
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        if inputs.dtype == tf.uint8:  # dividing the kernel costs less, and bfloat16 is exact for integers up to 256
            inputs, kernel = tf.cast(inputs, kernel.dtype), kernel / 255.0
        return self.activation(tf.nn.bias_add(tf.nn.conv2d(inputs, kernel, self.strides, self.padding.upper()), bias))
