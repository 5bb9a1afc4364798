"""The layers that all networks share, against numbers of the original Manette."""

import numpy as np
import pytest
import tensorflow as tf

from networks.layers import Conv, Dense, layer_precision, make_activation


def assert_fills(values, n):
    """Uniform in +-1/sqrt(n): nothing outside, both ends reached, mean and spread of a uniform distribution."""
    values = np.asarray(values).ravel()
    bound = 1 / np.sqrt(n)
    assert values.size > 2000, "too few numbers to tell how they are spread"
    assert np.abs(values).max() <= bound * (1 + 1e-6)  # float32 rounds
    assert values.max() > 0.99 * bound
    assert values.min() < -0.99 * bound
    assert abs(values.mean()) < 0.08 * bound
    assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)


def test_bytes_are_seen_as_numbers_from_0_to_1():
    layer = Conv(3, 4, 2, np.random.default_rng(0))
    seen = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 4), np.uint8)
    np.testing.assert_allclose(
        layer(tf.constant(seen)), layer(tf.constant(seen / np.float32(255))), rtol=1e-4, atol=1e-6
    )


def test_relu_cuts_below_zero():
    np.testing.assert_array_equal(make_activation("relu")(tf.constant([-2.0, 0.0, 3.0])), [0, 0, 3])


def test_leaky_relu_has_the_slope_asked_for_below_zero():
    features = tf.constant([-2.0, 0.0, 3.0])
    np.testing.assert_allclose(make_activation("leaky_relu", 0.3)(features), [-0.6, 0, 3], rtol=1e-6)
    np.testing.assert_allclose(make_activation("leaky_relu")(features), [-0.2, 0, 3], rtol=1e-6)


def test_layers_made_in_bfloat16_compute_in_it_and_keep_their_weights_in_float32():
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


def test_an_unknown_activation_is_named():
    with pytest.raises(ValueError, match="'tanhh'"):
        make_activation("tanhh")


def test_dense_weights_and_biases_start_uniform_by_the_inputs():
    layer = Dense(3000, np.random.default_rng(0))
    layer.build((None, 7))
    assert layer.kernel.shape == (7, 3000)
    assert_fills(layer.kernel, 7)
    assert_fills(layer.bias, 7)


def test_convolution_weights_start_by_the_filters_and_biases_by_the_input_channels():
    # Filters and channels far apart: the original takes FILTERS for the weights, where the usual rule takes channels.
    layer = Conv(2500, 3, 1, np.random.default_rng(0))
    layer.build((None, 8, 8, 2))
    assert layer.kernel.shape == (3, 3, 2, 2500)
    assert_fills(layer.kernel, 3 * 3 * 2500)
    assert_fills(layer.bias, 3 * 3 * 2)


def test_weights_are_drawn_by_numpy_in_the_order_of_the_kernel_and_then_the_bias():
    # So that a seed means the same start with every TensorFlow and on every device.
    layer = Conv(16, 8, 4, np.random.default_rng(7))
    layer.build((None, 84, 84, 4))
    random = np.random.default_rng(7)
    np.testing.assert_array_equal(layer.kernel, random.uniform(-1 / 32, 1 / 32, (8, 8, 4, 16)).astype(np.float32))
    np.testing.assert_array_equal(layer.bias, random.uniform(-1 / 16, 1 / 16, 16).astype(np.float32))
