"""Every network against a forward pass in NumPy that follows the table in its paper."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view

from networks.registry import TORSOS, make_network

# layer type, filters or units, kernel size, stride, padding
CONV, POOL, DENSE = "conv", "pool", "dense"
LAYERS = {
    "NIPS": [(CONV, 16, 8, 4, "valid"), (CONV, 32, 4, 2, "valid"), (DENSE, 256)],
    "NATURE": [(CONV, 32, 8, 4, "valid"), (CONV, 64, 4, 2, "valid"), (CONV, 64, 3, 1, "valid"), (DENSE, 512)],
    "PWYX": [
        *((CONV, 32, 5, 1, "same"), (POOL,), (CONV, 32, 5, 1, "same"), (POOL,)),
        *((CONV, 64, 4, 1, "same"), (POOL,), (CONV, 64, 3, 1, "same"), (DENSE, 512)),
    ],
}
LAYERS["LSTM"] = LAYERS["PWYX"][:-1]  # its test adds the recurrent part
LAYERS["BAYESIAN"] = [*LAYERS["NIPS"], (DENSE, 256)]  # its test adds the dropout before the last layer
PLAIN = ["NIPS", "NATURE", "PWYX"]  # networks that LAYERS describes completely


def network_of(arch, *, seed=3, rgb=False, num_actions=6, nb_choices=3, **settings):
    return make_network(arch, num_actions=num_actions, nb_choices=nb_choices, rgb=rgb, seed=seed, **settings)


def observations_of(count, channels=4, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, 84, 84, channels), np.uint8)


def convolve(images, kernel, bias, stride, padding):
    size = kernel.shape[0]
    if padding == "same":  # an even kernel needs one more row below and column at the right
        before, after = (size - 1) // 2, size // 2
        images = np.pad(images, ((0, 0), (before, after), (before, after), (0, 0)))
    windows = sliding_window_view(images, (size, size), axis=(1, 2))[:, ::stride, ::stride]  # [B, h, w, C, k, k]
    return np.tensordot(windows, kernel, axes=([4, 5, 3], [0, 1, 2])) + bias


def pool(images):
    batch, height, width, channels = images.shape
    images = images[:, : height // 2 * 2, : width // 2 * 2]  # drop an odd last row or column
    return images.reshape(batch, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def forward(arch, network, observations, activation):
    """The features of the torso, computed in float64 with the weights of the network."""
    weights = iter(float64(network.torso.trainable_variables))
    features = apply(LAYERS[arch], weights, observations / 255, activation)
    assert next(weights, None) is None
    return features


def float64(weights):
    return [np.asarray(weight, np.float64) for weight in weights]


def apply(layers, weights, features, activation):
    for layer_type, *numbers in layers:
        if layer_type == POOL:
            features = pool(features)
            continue
        kernel, bias = next(weights), next(weights)
        if layer_type == CONV:
            filters, size, stride, padding = numbers
            assert kernel.shape == (size, size, features.shape[-1], filters)
            features = convolve(features, kernel, bias, stride, padding)
        else:
            features = features.reshape(len(features), -1)
            assert kernel.shape == (features.shape[1], numbers[0])
            features = features @ kernel + bias
        features = activation(features)
    return features


def head(layer, features):
    return features @ np.asarray(layer.kernel, np.float64) + np.asarray(layer.bias, np.float64)


@pytest.mark.parametrize("rgb", [False, True], ids=["gray", "rgb"])
@pytest.mark.parametrize("arch", PLAIN)
def test_outputs_equal_those_of_the_layers_in_the_paper(arch, rgb):
    network = network_of(arch, rgb=rgb, softmax_temp=2.5)
    observations = observations_of(2, 12 if rgb else 4)
    features = forward(arch, network, observations, lambda x: np.maximum(x, 0))
    outputs = network(observations)
    np.testing.assert_allclose(outputs.policy_logits, head(network.policy, features) / 2.5, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        outputs.repetition_logits, head(network.repetition, features) / 2.5, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(outputs.value, head(network.value, features)[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arch", PLAIN)
def test_every_layer_uses_leaky_relu_if_asked_to(arch):
    network = network_of(arch, activation="leaky_relu", alpha_leaky_relu=0.3)
    observations = observations_of(1)
    features = forward(arch, network, observations, lambda x: np.where(x < 0, 0.3 * x, x))
    assert (features < 0).any()
    np.testing.assert_allclose(features_of(network.torso, observations), features, rtol=1e-4, atol=1e-5)


def features_of(torso, observations):
    return torso.combine([torso.encode(observations)], tf.zeros([len(observations), 0]))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("rgb", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["gray", "rgb"])
@pytest.mark.parametrize("known", [1, 3, 5], ids="{}_known_observations".format)
def test_the_lstm_uses_the_last_five_observations_of_an_episode(known, rgb):
    network, channels = network_of("LSTM", rgb=rgb), 12 if rgb else 4
    torso = network.torso
    seen = [observations_of(2, channels, seed=i) for i in range(known)]
    empty = [np.zeros_like(seen[0])] * (5 - known)  # black images; their features are not 0, because of the biases
    kernel, bias = float64([torso.recurrent.kernel, torso.recurrent.bias])
    assert kernel.shape == (6400 + 32, 128)
    cell, hidden = np.zeros((2, 32)), np.zeros((2, 32))
    for observations in empty + seen:
        convolutions = [layer for layer in (torso.conv1, torso.conv2, torso.conv3, torso.conv4)]
        weights = iter(float64([weight for layer in convolutions for weight in (layer.kernel, layer.bias)]))
        features = apply(LAYERS["LSTM"], weights, observations / 255, lambda x: np.maximum(x, 0)).reshape(2, 6400)
        i, j, f, o = np.split(np.concatenate([features, hidden], axis=1) @ kernel + bias, 4, axis=1)
        cell = cell * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
        hidden = sigmoid(o) * np.tanh(cell)
    features = np.maximum(head(torso.dense, head(torso.linear, hidden)), 0)
    encodings = [network.blank_encodings(2)] * (5 - known) + [network.encode(observations) for observations in seen]
    outputs = network.compute_outputs(encodings, tf.zeros([2, 0]))
    np.testing.assert_allclose(outputs.policy_logits, head(network.policy, features), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(outputs.value, head(network.value, features)[:, 0], rtol=1e-4, atol=1e-4)
    if known == 1:
        np.testing.assert_allclose(network(seen[0]).value, outputs.value, rtol=1e-5, atol=1e-6)


def test_initial_values_of_the_recurrent_layers():
    torso = network_of("LSTM").torso
    kernel = torso.recurrent.kernel.numpy()
    bound = np.sqrt(6 / (6432 + 128))  # Glorot's bound for the whole kernel
    assert 0.999 * bound < np.abs(kernel).max() <= bound * (1 + 1e-6)
    assert kernel.std() == pytest.approx(bound / np.sqrt(3), rel=0.01)
    assert not torso.recurrent.bias.numpy().any()
    normal = np.concatenate([torso.linear.kernel.numpy().ravel(), torso.linear.bias.numpy()])
    assert normal.size == 32 * 33
    assert normal.mean() == pytest.approx(0, abs=0.15) and normal.std() == pytest.approx(1, rel=0.1)
    np.testing.assert_allclose(np.abs(torso.dense.kernel).max(), 1 / np.sqrt(32), rtol=0.01)


@pytest.mark.parametrize("keep", [0.3, 0.9, 1.0])
def test_dropout_keeps_units_whose_uniform_number_is_below_the_probability_and_scales_them(keep):
    network = network_of("BAYESIAN", keep_percentage=keep)
    observations = observations_of(2)
    uniforms = np.random.default_rng(5).random((2, 256), np.float32)
    weights = iter(float64(network.torso.trainable_variables))
    seen = apply(LAYERS["BAYESIAN"][:-1], weights, observations / 255, lambda x: np.maximum(x, 0))
    kernel, bias = weights
    features = np.maximum((seen * (uniforms < keep) / keep) @ kernel + bias, 0)
    outputs = network(observations, uniforms)
    np.testing.assert_allclose(outputs.policy_logits, head(network.policy, features), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(outputs.value, head(network.value, features)[:, 0], rtol=1e-4, atol=1e-5)
    assert (uniforms < keep).mean() == pytest.approx(keep, abs=0.06)


def test_impala_is_made_of_residual_sections():
    network = network_of("IMPALA")
    observations = observations_of(1)
    features = observations / 255
    for section in (network.torso.section1, network.torso.section2, network.torso.section3):
        layers = (section.conv, section.conv1, section.conv2, section.conv3, section.conv4)
        (first, *rest) = [float64([layer.kernel, layer.bias]) for layer in layers]
        features = pool3(convolve(features, *first, 1, "same"))
        for one, other in (rest[:2], rest[2:]):
            inner = convolve(np.maximum(features, 0), *one, 1, "same")
            features = features + convolve(np.maximum(inner, 0), *other, 1, "same")
    features = np.maximum(head(network.torso.dense, np.maximum(features, 0).reshape(1, -1)), 0)
    np.testing.assert_allclose(features_of(network.torso, observations), features, rtol=1e-3, atol=1e-4)


def pool3(images):
    """Max pooling of 3x3 with stride 2 and "same" padding, which halves the size and rounds it up."""
    _, height, width, _ = images.shape
    padding = [max(0, (-(-length // 2) - 1) * 2 + 3 - length) for length in (height, width)]
    pads = [(0, 0), *((total // 2, total - total // 2) for total in padding), (0, 0)]
    images = np.pad(images, pads, constant_values=-np.inf)
    return sliding_window_view(images, (3, 3), axis=(1, 2))[:, ::2, ::2].max(axis=(4, 5))


# Number of weights and biases of the torso, and of the heads: 6 for the policy, 1 for the value, 1 for the repetition.
COUNTS = {
    "NIPS": (8 * 8 * 4 * 16 + 16) + (4 * 4 * 16 * 32 + 32) + (9 * 9 * 32 * 256 + 256) + 8 * (256 + 1),
    "NATURE": (8 * 8 * 4 * 32 + 32) + (4 * 4 * 32 * 64 + 64) + (3 * 3 * 64 * 64 + 64) + (3136 * 512 + 512) + 8 * 513,
    "PWYX": (5 * 5 * 4 * 32 + 32)
    + (5 * 5 * 32 * 32 + 32)
    + (4 * 4 * 32 * 64 + 64)
    + (3 * 3 * 64 * 64 + 64)
    + (6400 * 512 + 512)
    + 8 * 513,
}
COUNTS["BAYESIAN"] = 743_992  # of the original with these numbers of actions and choices
COUNTS["LSTM"] = COUNTS["PWYX"] - (6400 * 512 + 512) - 8 * 513
COUNTS["LSTM"] += (6432 * 128 + 128) + (32 * 32 + 32) + (32 * 128 + 128) + 8 * 129
COUNTS["IMPALA"] = (3872 * 256 + 256) + 8 * 257
COUNTS["IMPALA"] += sum(9 * a * b + b for a, b in [(4, 16), *[(16, 16)] * 4, (16, 32), *[(32, 32)] * 9])


@pytest.mark.parametrize(("arch", "count"), COUNTS.items())
def test_the_number_of_parameters_equals_that_of_the_table(arch, count):
    assert network_of(arch, nb_choices=1).count_params() == count


@pytest.mark.parametrize("rgb", [False, True], ids=["gray", "rgb"])
@pytest.mark.parametrize("arch", PLAIN)
def test_initial_values_have_the_bounds_of_the_original(arch, rgb):
    network = network_of(arch, rgb=rgb, num_actions=18, nb_choices=11)
    weights = iter(network.torso.trainable_variables)
    channels, bounds = 12 if rgb else 4, []
    for layer_type, *numbers in LAYERS[arch]:
        if layer_type == CONV:
            filters, size = numbers[:2]
            bounds += [(next(weights), size * size * filters), (next(weights), size * size * channels)]
            channels = filters
        elif layer_type == DENSE:
            kernel = next(weights)
            bounds += [(kernel, kernel.shape[0]), (next(weights), kernel.shape[0])]
    features = bounds[-1][0].shape[0]
    for layer in (network.policy, network.value, network.repetition):
        bounds += [(layer.kernel, features), (layer.bias, features)]
    for variable, n in bounds:
        values = np.abs(variable.numpy()) * np.sqrt(n)  # uniform in 0..1 if n is right
        assert values.max() <= 1 + 1e-6
        if values.size > 500:
            assert values.max() > 0.98
            assert values.mean() == pytest.approx(0.5, abs=0.05)


# The tests below run for every network in TORSOS, also for a new one.


@pytest.mark.parametrize("arch", TORSOS)
def test_outputs_have_the_shapes_of_the_heads_and_are_float32(arch):
    outputs = network_of(arch, num_actions=4, nb_choices=11)(observations_of(3))
    assert [tuple(output.shape) for output in outputs] == [(3, 4), (3, 11), (3,)]
    assert all(output.dtype == tf.float32 for output in outputs)


@pytest.mark.parametrize("arch", TORSOS)
def test_every_weight_gets_a_gradient(arch):
    network = network_of(arch)
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_sum(output) for output in network(observations_of(2))])
    gradients = tape.gradient(loss, network.trainable_variables)
    assert len(gradients) >= 8  # a layer and three heads at least
    for gradient, variable in zip(gradients, network.trainable_variables, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all(), variable.path
        assert np.abs(gradient).max() > 0, variable.path


@pytest.mark.parametrize("arch", TORSOS)
def test_history_and_random_numbers_change_the_outputs_only_of_networks_that_use_them(arch):
    network, observations = network_of(arch), observations_of(2)
    value = network(observations).value
    uniforms = np.full((2, network.torso.num_uniforms), 0.99, np.float32)
    assert np.array_equal(network(observations, uniforms).value, value) == (network.torso.num_uniforms == 0)
    history = [network.encode(observations_of(2, seed=9))] * network.torso.history_length
    zeros = tf.zeros([2, network.torso.num_uniforms])
    with_history = network.compute_outputs([*history, network.encode(observations)], zeros).value
    assert np.allclose(with_history, value, rtol=1e-6) == (network.torso.history_length == 0)


@pytest.mark.parametrize("arch", TORSOS)
def test_a_restored_network_gives_the_same_outputs(arch, tmp_path):
    observations = observations_of(2)
    saved, restored = network_of(arch, seed=1), network_of(arch, seed=2)
    assert not np.array_equal(saved(observations).value, restored(observations).value)
    path = tf.train.Checkpoint(network=saved).write(str(tmp_path / "weights"))
    tf.train.Checkpoint(network=restored).read(path).assert_consumed()
    for before, after in zip(saved(observations), restored(observations), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("arch", TORSOS)
def test_the_outputs_of_one_observation_do_not_depend_on_the_others(arch):
    network, observations = network_of(arch), observations_of(3)
    alone = network(observations[1:2])
    for together, single in zip(network(observations), alone, strict=True):
        np.testing.assert_allclose(together[1], single[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arch", TORSOS)
def test_a_seed_determines_the_initial_weights(arch):
    first, again, other = (network_of(arch, seed=seed).trainable_variables for seed in (5, 5, 6))
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not one.numpy().any() or not np.array_equal(one, different), one.path


@pytest.mark.parametrize("arch", TORSOS)
def test_the_size_of_the_repetition_head_changes_no_other_initial_weight(arch):
    # So PAAC and FiGAR can be compared from the same initial weights.
    plain, figar = network_of(arch, nb_choices=1), network_of(arch, nb_choices=11)
    assert plain.repetition.kernel.shape[1] == 1
    assert figar.repetition.kernel.shape[1] == 11
    for part in ("torso", "policy", "value"):
        pairs = zip(getattr(plain, part).trainable_variables, getattr(figar, part).trainable_variables, strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)


def test_the_temperature_divides_the_logits_but_not_the_value():
    observations = observations_of(2)
    plain = network_of("NIPS")(observations)
    hot = network_of("NIPS", softmax_temp=4.0)(observations)
    np.testing.assert_allclose(hot.policy_logits, plain.policy_logits / 4)
    np.testing.assert_allclose(hot.repetition_logits, plain.repetition_logits / 4)
    np.testing.assert_array_equal(hot.value, plain.value)


def test_an_unknown_network_raises_a_key_error():
    with pytest.raises(KeyError):
        network_of("NIPPS")
