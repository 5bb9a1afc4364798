"""The activations that a torso's settings name."""

import numpy as np
import pytest
import tensorflow as tf

from networks.torso import TorsoSettings

FEATURES = [-2.0, 0.0, 3.0]


def activate(**settings):
    activation = TorsoSettings(np.random.default_rng(0), **settings).make_activation()
    return activation(tf.constant(FEATURES))


def test_relu_is_zero_below_zero():
    np.testing.assert_array_equal(activate(activation="relu"), [0, 0, 3])


def test_leaky_relu_has_the_given_slope_below_zero():
    np.testing.assert_allclose(activate(activation="leaky_relu", alpha_leaky_relu=0.3), [-0.6, 0, 3], rtol=1e-6)
    np.testing.assert_allclose(activate(activation="leaky_relu"), [-0.2, 0, 3], rtol=1e-6)


def test_the_error_for_an_unknown_activation_names_it():
    with pytest.raises(ValueError, match="'tanhh'"):
        activate(activation="tanhh")
