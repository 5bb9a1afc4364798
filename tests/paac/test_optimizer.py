"""RMSProp and gradient clipping against their formulas, and RMSProp against that of TensorFlow 1."""

import numpy as np
import pytest
import tensorflow as tf

from paac.optimizer import RMSProp, clip_gradients

SHAPES = [(3, 2), (4,), ()]
ALPHA, E = 0.99, 0.1


def initial_weights():
    random = np.random.default_rng(1)
    return [random.normal(size=shape).astype(np.float32) for shape in SHAPES]


def steps(count=6):
    """Yield gradients of very different sizes, and a decreasing learning rate."""
    random = np.random.default_rng(2)
    for i in range(count):
        scales = 10.0 ** random.integers(-3, 2, len(SHAPES))
        gradients = [scale * random.normal(size=shape) for scale, shape in zip(scales, SHAPES, strict=True)]
        yield [np.asarray(gradient, np.float32) for gradient in gradients], 0.02 * (1 - i / count)


def final_weights():
    variables = [tf.Variable(values) for values in initial_weights()]
    optimizer = RMSProp(variables, ALPHA, E)
    for gradients, lr in steps():
        optimizer.apply([tf.constant(gradient) for gradient in gradients], variables, tf.constant(lr, tf.float32))
    return [variable.numpy() for variable in variables]


def test_the_first_update_by_hand():
    # ms = 0.99 * 1 + 0.01 * 2^2 = 1.03; epsilon inside the root, so 0.5 * 2 / sqrt(1.13).
    variable = tf.Variable([10.0])
    optimizer = RMSProp([variable], 0.99, 0.1)
    optimizer.apply([tf.constant([2.0])], [variable], tf.constant(0.5))
    assert variable.numpy() == pytest.approx(10 - 1 / np.sqrt(1.13), rel=1e-6)
    assert optimizer.mean_squares[0].numpy() == pytest.approx(1.03, rel=1e-6)


def test_several_updates_follow_the_formula():
    weights = [values.astype(np.float64) for values in initial_weights()]
    mean_squares = [np.ones_like(weight) for weight in weights]
    for gradients, lr in steps():
        for i, gradient in enumerate(gradients):
            mean_squares[i] = ALPHA * mean_squares[i] + (1 - ALPHA) * np.square(gradient, dtype=np.float64)
            weights[i] = weights[i] - lr * gradient / np.sqrt(mean_squares[i] + E)
    for weight, expected in zip(final_weights(), weights, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6)


def test_it_equals_the_optimizer_of_tensorflow_1():
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        rate = v1.placeholder(tf.float32, [])
        fed = [v1.placeholder(tf.float32, shape) for shape in SHAPES]
        variables = [v1.get_variable(f"w{i}", initializer=values) for i, values in enumerate(initial_weights())]
        optimizer = v1.train.RMSPropOptimizer(rate, decay=ALPHA, momentum=0.0, epsilon=E)
        step = optimizer.apply_gradients(list(zip(fed, variables, strict=True)))
        session.run(v1.global_variables_initializer())
        for gradients, lr in steps():
            session.run(step, {rate: lr, **dict(zip(fed, gradients, strict=True))})
        expected = session.run(variables)
    for weight, referee in zip(final_weights(), expected, strict=True):
        np.testing.assert_allclose(weight, referee, rtol=1e-5, atol=1e-6)


def test_a_learning_rate_of_zero_changes_only_the_mean_squares():
    variable = tf.Variable([1.0, 2.0])
    optimizer = RMSProp([variable], ALPHA, E)
    optimizer.apply([tf.constant([3.0, 4.0])], [variable], tf.constant(0.0))
    np.testing.assert_array_equal(variable, [1, 2])
    np.testing.assert_allclose(optimizer.mean_squares[0], [1.08, 1.15], rtol=1e-6)


def test_the_mean_squares_are_not_trainable():
    assert RMSProp([tf.Variable([1.0])], ALPHA, E).trainable_variables == ()


# The norms of these gradients are 5 and 12; the global norm is 13.
GRADIENTS = [[[3.0, 4.0]], [12.0]]


def clipped(clip_norm, clip_norm_type, gradients=GRADIENTS):
    tensors, norm = clip_gradients([tf.constant(gradient) for gradient in gradients], clip_norm, clip_norm_type)
    return [tensor.numpy() for tensor in tensors], norm.numpy()


def test_global_clipping_scales_all_gradients_by_their_global_norm():
    gradients, _ = clipped(6.5, "global")
    np.testing.assert_allclose(gradients[0], [[1.5, 2.0]], rtol=1e-6)
    np.testing.assert_allclose(gradients[1], [6.0], rtol=1e-6)


def test_local_clipping_scales_each_gradient_by_its_own_norm():
    gradients, _ = clipped(6.0, "local")
    np.testing.assert_allclose(gradients[0], [[3.0, 4.0]], rtol=1e-6)  # 5 is below 6
    np.testing.assert_allclose(gradients[1], [6.0], rtol=1e-6)


def test_ignore_changes_no_gradient():
    gradients, _ = clipped(0.001, "ignore")
    np.testing.assert_array_equal(gradients[0], [[3.0, 4.0]])
    np.testing.assert_array_equal(gradients[1], [12.0])


@pytest.mark.parametrize("clip_norm_type", ["global", "local"])
def test_gradients_below_the_limit_do_not_change(clip_norm_type):
    gradients, _ = clipped(13.1, clip_norm_type)
    np.testing.assert_allclose(gradients[0], [[3.0, 4.0]], rtol=1e-6)
    np.testing.assert_allclose(gradients[1], [12.0], rtol=1e-6)


@pytest.mark.parametrize("clip_norm_type", ["global", "local", "ignore"])
@pytest.mark.parametrize("clip_norm", [0.5, 100.0])
def test_the_global_norm_before_clipping_is_always_reported(clip_norm, clip_norm_type):
    assert clipped(clip_norm, clip_norm_type)[1] == pytest.approx(13.0)


@pytest.mark.parametrize("clip_norm_type", ["global", "local", "ignore"])
def test_gradients_of_zero_stay_zero(clip_norm_type):
    gradients, norm = clipped(3.0, clip_norm_type, [[0.0, 0.0], [0.0]])
    assert norm == 0
    for gradient in gradients:
        np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


def test_the_error_for_an_unknown_clip_norm_type_names_it():
    with pytest.raises(ValueError, match="'lokal'"):
        clipped(3.0, "lokal")
