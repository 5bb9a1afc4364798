"""Recording the outputs of layers, which leaves the network unchanged."""

import numpy as np
import pytest
import tensorflow as tf

from networks.errors import NetworkError
from networks.layers import Conv
from networks.registry import TORSOS, make_network
from paac.summaries.activations import active_units, layer_outputs


def network_of(arch):
    return make_network(arch, num_actions=6, nb_choices=3, rgb=False, seed=3)


def observations_of(count):
    return np.random.default_rng(1).integers(0, 256, (count, 84, 84, 4), np.uint8)


@pytest.mark.parametrize("arch", TORSOS)
def test_active_units_are_active_for_some_observation(arch):
    network = network_of(arch)
    before = active_units(network, observations_of(4))
    *_, dense = layer_outputs(network, observations_of(1))  # the last layer
    dense.bias.assign(np.where(np.arange(dense.units) % 4 == 0, 1e4, -1e4))  # a quarter is active for all inputs
    after = active_units(network, observations_of(4))
    assert before[dense.name] > 0.4
    assert after == before | {dense.name: 0.25}
    assert all(0.0 < fraction <= 1.0 for fraction in before.values())


def test_a_filter_is_active_if_it_is_at_one_position_of_one_observation():
    network = network_of("NIPS")
    conv = network.torso.conv1
    kernel = np.zeros(conv.kernel.shape, np.float32)
    kernel[0, 0, 0, :3] = 1.0  # three filters respond to one pixel
    conv.kernel.assign(kernel)
    conv.bias.assign(np.full(16, -0.5))
    observations = np.zeros((2, 84, 84, 4), np.uint8)
    assert active_units(network, observations)[conv.name] == 0.0
    observations[1, 40, 40, 0] = 255
    assert active_units(network, observations)[conv.name] == 3 / 16


def test_units_without_an_activation_function_are_not_counted():
    network = network_of("IMPALA")
    assert len(layer_outputs(network, observations_of(1))) == 16
    assert list(active_units(network, observations_of(1))) == [network.torso.dense.name]


def test_layers_inside_a_tf_function_are_left_out(monkeypatch):
    network = network_of("NIPS")
    monkeypatch.setattr(network.torso, "encode", tf.function(network.torso.encode))
    assert list(active_units(network, observations_of(1))) == [network.torso.dense.name]


def test_the_layers_outputs_are_returned_and_the_layers_stay_unchanged():
    network, observations = network_of("NATURE"), observations_of(2)
    outputs = layer_outputs(network, observations)
    torso = network.torso
    assert list(outputs) == [torso.conv1, torso.conv2, torso.conv3, torso.dense]
    features = observations
    for layer in (torso.conv1, torso.conv2, torso.conv3):
        features = layer(features)
        np.testing.assert_array_equal(outputs[layer], features)
    assert "call" not in vars(torso.dense)


def test_layers_stay_unchanged_if_the_network_fails(monkeypatch):
    network = network_of("NIPS")
    monkeypatch.setattr(type(network.torso), "combine", lambda *_: 1 / 0)
    with pytest.raises(NetworkError, match="^--arch NIPS: .*ZeroDivisionError"):
        layer_outputs(network, observations_of(1))
    assert not any("call" in vars(layer) for layer in (network.torso.conv1, network.torso.dense))


def test_convolutions_of_nested_layers_are_included():
    network = network_of("IMPALA")
    assert sum(isinstance(layer, Conv) for layer in layer_outputs(network, observations_of(1))) == 15
