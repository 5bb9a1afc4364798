"""What the layers of a network compute, for curves and pictures of them."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from networks.actor_critic import ActorCritic
from networks.layers import Conv, Dense


def layer_outputs(network: ActorCritic, observations: np.ndarray) -> dict[Conv | Dense, np.ndarray]:
    """Outputs [B, ...] of each convolution and dense layer of the torso, in the order in which they compute.

    The network runs once, without a graph, on `observations`, uint8 [B, 84, 84, channels]. Meanwhile each
    layer's `call` is replaced by one that also records the result.
    """
    outputs: dict[Conv | Dense, np.ndarray] = {}

    def recording(layer: Conv | Dense, call: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[tf.Tensor], tf.Tensor]:
        def recorded(inputs: tf.Tensor) -> tf.Tensor:
            result = call(inputs)
            outputs[layer] = result.numpy()
            return result

        return recorded

    layers = [layer for layer in network.torso._flatten_layers() if isinstance(layer, Conv | Dense)]
    for layer in layers:
        layer.__dict__["call"] = recording(layer, layer.call)
    try:
        network(observations)
    finally:
        for layer in layers:
            del layer.__dict__["call"]
    return outputs


def active_units(network: ActorCritic, observations: np.ndarray) -> dict[str, float]:
    """By layer of the torso, the fraction of its units that are active for at least one of the observations.

    A unit is an output of a dense layer, or a filter of a convolution. ReLU passes no gradient through one that is
    never active: where most units are never active, the network has stopped learning (Sokar et al. 2023).
    """
    return {
        layer.name: float((values.reshape(-1, values.shape[-1]).max(axis=0) > 0).mean())
        for layer, values in layer_outputs(network, observations).items()
    }
