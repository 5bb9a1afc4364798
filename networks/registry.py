"""The names of the networks, for --arch. Torsos are listed by module name, so this module needs no TensorFlow."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from networks.actor_critic import ActorCritic

TORSOS = {
    "NIPS": "networks.nips",
    "NATURE": "networks.nature",
    "PWYX": "networks.pwyx",
    "LSTM": "networks.lstm",
    "BAYESIAN": "networks.bayesian",
    "IMPALA": "networks.impala",
}  # --arch, which is also the name of the torso's class -> the module with that class


def make_network(
    arch: str,
    *,
    num_actions: int,
    nb_choices: int,
    rgb: bool,
    seed: int,
    softmax_temp: float = 1.0,
    precision: str = "float32",
    **torso_settings: Any,
) -> "ActorCritic":
    """Make the network with the torso `arch`; its initial weights depend on `seed`.

    The torso computes in `precision`, float32 or bfloat16; the heads and all weights are float32. `torso_settings` are
    fields of `TorsoSettings`. Raises KeyError for an unknown `arch`.
    """
    import keras
    import numpy as np

    from networks.actor_critic import ActorCritic
    from networks.layers import layer_precision
    from networks.torso import TorsoSettings

    # Resets Keras's name counter. Otherwise a second network would have layers with other numbers in their names, and
    # because TensorFlow orders sums by layer name, its weights would differ in the last bits.
    keras.utils.clear_session()
    make_torso = getattr(importlib.import_module(TORSOS[arch]), arch)
    random = np.random.default_rng(seed)
    with layer_precision(precision):
        torso = make_torso(TorsoSettings(random, **torso_settings))
    network = ActorCritic(
        torso,
        num_actions=num_actions,
        nb_choices=nb_choices,
        channels=12 if rgb else 4,
        softmax_temp=softmax_temp,
        random=random,
    )
    network.create_weights()
    return network
