"""From the name after --arch to a torso. Torsos are named by module, so that a list of names needs no TensorFlow."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from networks.actor_critic import ActorCritic

TORSOS = {
    "NIPS": "networks.nips",
    "NATURE": "networks.nature",
    "PWYX": "networks.pwyx",
    "LSTM": "networks.lstm",
    "BAYESIAN": "networks.bayesian",
    "IMPALA": "networks.impala",
}  # the class has the row's name


def make_network(
    arch: str,
    *,
    num_actions: int,
    nb_choices: int,
    rgb: bool,
    seed: int,
    activation: str = "relu",
    alpha_leaky_relu: float = 0.1,
    keep_percentage: float = 0.9,
    softmax_temp: float = 1.0,
    precision: str = "float32",
) -> "ActorCritic":
    """The torso `arch` with its heads, its weights drawn from `seed`. Raises KeyError for an unknown `arch`.

    The torso computes in `precision`, float32 or bfloat16; the heads and all weights are float32.
    """
    import keras
    import numpy as np

    from networks.actor_critic import ActorCritic
    from networks.layers import layer_precision, make_activation
    from networks.torso import TorsoSettings

    # Or names would count up within a process, and TensorFlow's order of sums hangs on them: the last bits of weights.
    keras.utils.clear_session()
    make_torso = getattr(importlib.import_module(TORSOS[arch]), arch)
    random = np.random.default_rng(seed)
    with layer_precision(precision):
        torso = make_torso(TorsoSettings(make_activation(activation, alpha_leaky_relu), random, keep_percentage))
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
