"""The layers that all networks share, with the initial weights of the original Manette."""

import numpy as np
import pytest
import tensorflow as tf

from networks.layers import Conv, Dense, layer_precision


def assert_uniform(values, n):
    """Check that `values` fill [-1/sqrt(n), 1/sqrt(n)] with the mean and deviation of a uniform distribution."""
    values = np.asarray(values).ravel()
    bound = 1 / np.sqrt(n)
    assert values.size > 2000, "too few values to check their distribution"
    assert np.abs(values).max() <= bound * (1 + 1e-6)  # rounding to float32
    assert values.max() > 0.99 * bound
    assert values.min() < -0.99 * bound
    assert abs(values.mean()) < 0.08 * bound
    assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)


def test_a_convolution_divides_bytes_by_255():
    layer = Conv(3, 4, 2, np.random.default_rng(0))
    images = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 4), np.uint8)
    np.testing.assert_allclose(
        layer(tf.constant(images)), layer(tf.constant(images / np.float32(255))), rtol=1e-4, atol=1e-6
    )


def test_layers_of_precision_bfloat16_compute_in_it_but_have_float32_weights():
    with layer_precision("bfloat16"):
        half = Dense(3, np.random.default_rng(0))
    whole = Dense(3, np.random.default_rng(0))
    inputs = tf.constant([[1.0, 2.0]])
    assert half(inputs).dtype == tf.bfloat16 and whole(inputs).dtype == tf.float32
    assert {variable.dtype for variable in half.variables} == {"float32"}
    np.testing.assert_array_equal(half.kernel, whole.kernel)
    np.testing.assert_allclose(tf.cast(half(inputs), tf.float32), whole(inputs), atol=0.02)
    with pytest.raises(ValueError, match="float8"), layer_precision("float8"):
        pass


def test_the_initial_bound_of_a_dense_layer_depends_on_the_number_of_inputs():
    layer = Dense(3000, np.random.default_rng(0))
    layer.build((None, 7))
    assert layer.kernel.shape == (7, 3000)
    assert_uniform(layer.kernel, 7)
    assert_uniform(layer.bias, 7)


def test_the_initial_bound_of_a_convolution_depends_on_filters_for_weights_and_on_input_channels_for_biases():
    # The numbers of filters and channels differ much: the original uses filters where input channels are usual.
    layer = Conv(2500, 3, 1, np.random.default_rng(0))
    layer.build((None, 8, 8, 2))
    assert layer.kernel.shape == (3, 3, 2, 2500)
    assert_uniform(layer.kernel, 3 * 3 * 2500)
    assert_uniform(layer.bias, 3 * 3 * 2)


def test_numpy_draws_the_kernel_first_and_then_the_bias():
    # So a seed gives the same initial weights on every device and with every version of TensorFlow.
    layer = Conv(16, 8, 4, np.random.default_rng(7))
    layer.build((None, 84, 84, 4))
    random = np.random.default_rng(7)
    np.testing.assert_array_equal(layer.kernel, random.uniform(-1 / 32, 1 / 32, (8, 8, 4, 16)).astype(np.float32))
    np.testing.assert_array_equal(layer.bias, random.uniform(-1 / 16, 1 / 16, 16).astype(np.float32))
