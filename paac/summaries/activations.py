"""Outputs of a network's layers, for curves and pictures of them."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from networks.actor_critic import ActorCritic
from networks.layers import Conv, Dense


def layer_outputs(network: ActorCritic, observations: np.ndarray) -> dict[Conv | Dense, np.ndarray]:
    """Return the outputs [B, ...] of the torso's convolutions and dense layers in the order of computation.

    The network runs once, eagerly, on `observations`, uint8 [B, 84, 84, channels]. During this run each layer's `call`
    is replaced by a function that also stores the result. A layer inside a `tf.function` has no result then.
    """
    outputs: dict[Conv | Dense, np.ndarray] = {}

    def with_recording(layer: Conv | Dense, call: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[tf.Tensor], tf.Tensor]:
        def recorded_call(inputs: tf.Tensor) -> tf.Tensor:
            result = call(inputs)
            if tf.executing_eagerly():
                outputs[layer] = result.numpy()
            return result

        return recorded_call

    layers = [layer for layer in network.torso._flatten_layers() if isinstance(layer, Conv | Dense)]
    for layer in layers:
        layer.__dict__["call"] = with_recording(layer, layer.call)
    try:
        network.call(observations)  # Keras's `__call__` would add its own words to an error
    finally:
        for layer in layers:
            del layer.__dict__["call"]
    return outputs


def active_units(network: ActorCritic, observations: np.ndarray) -> dict[str, float]:
    """Return, by layer of the torso, the fraction of units that are active for at least one of the observations.

    A unit is an output of a dense layer or a filter of a convolution, if the layer has an activation function. ReLU
    passes no gradient through a unit that is never active; a network with many such units learns more slowly or not at
    all (Sokar et al. 2023).
    """
    return {
        layer.name: float((values.reshape(-1, values.shape[-1]).max(axis=0) > 0).mean())
        for layer, values in layer_outputs(network, observations).items()
        if layer.activation is not keras.activations.linear
    }
