"""The names of the networks, for --arch. Torsos are listed by module name, so this module needs no TensorFlow."""

import importlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from networks.errors import EXAMPLE, errors_of, network_error

if TYPE_CHECKING:
    from networks.actor_critic import ActorCritic
    from networks.torso import Torso

TORSOS = {
    "NIPS": "networks.nips",
    "NATURE": "networks.nature",
    "PWYX": "networks.pwyx",
    "LSTM": "networks.lstm",
    "BAYESIAN": "networks.bayesian",
    "IMPALA": "networks.impala",
}  # --arch, which is also the name of the torso's class -> the module with that class

TORSOS_WITHOUT_DROPOUT = ("NIPS", "NATURE", "PWYX", "LSTM", "IMPALA")  # they do not use `keep_percentage`
_MAKING = threading.Lock()  # held while a network is made with other global settings than those of the program


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
    fields of `TorsoSettings`. Raises KeyError for an unknown `arch`, and NetworkError if the code of the network fails.
    """
    import numpy as np

    from networks.actor_critic import ActorCritic
    from networks.layers import layer_precision
    from networks.torso import TorsoSettings

    make_torso = _find_torso(arch)
    generator = np.random.default_rng(seed)
    with _MAKING, _fresh_keras(), _global_generators_seeded(seed):
        with layer_precision(precision), errors_of(arch, TORSOS[arch]):
            torso = make_torso(TorsoSettings(generator, **torso_settings))
        network = ActorCritic(
            torso,
            num_actions=num_actions,
            nb_choices=nb_choices,
            channels=12 if rgb else 4,
            softmax_temp=softmax_temp,
            random=generator,
        )
        network.create_weights()
    return network


def _find_torso(arch: str) -> "type[Torso]":
    """Import and return the class of the torso. Raises NetworkError if it is not there, or lacks a method."""
    from networks.torso import Torso

    module = TORSOS[arch]
    with errors_of(arch, module):
        try:
            found = getattr(importlib.import_module(module), arch, None)
        except ModuleNotFoundError as error:
            if error.name != module:  # a module that the network imports
                raise
            raise network_error(arch, module, "there is no such file, but networks/registry.py names it") from None
    if not isinstance(found, type) or not issubclass(found, Torso):
        raise network_error(arch, module, f"there is no class {arch}(Torso); {EXAMPLE}")
    for method in ("encode", "combine"):
        if getattr(found, method) is getattr(Torso, method):
            raise network_error(arch, module, f"{arch} has no method {method}; {EXAMPLE}")
    return found


@contextmanager
def _fresh_keras() -> Iterator[None]:
    """Give Keras an empty state in this thread and its built-in settings in all threads; restore both at the end.

    Keras counts the layers in their names, and TensorFlow goes through a graph in an order that depends on names, so
    earlier layers could change the last bits of the weights. `keras.utils.clear_session` would reset the state of all
    threads. Without the built-in settings, those of the program or of ~/.keras/keras.json would hold.
    """
    import keras
    from keras.src.backend.common import global_state

    state = vars(global_state.GLOBAL_STATE_TRACKER)
    before, data_format, floatx = dict(state), keras.config.image_data_format(), keras.config.floatx()
    state.clear()
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    try:
        yield
    finally:
        keras.config.set_image_data_format(data_format)
        keras.config.set_floatx(floatx)
        state.clear()
        state.update(before)


@contextmanager
def _global_generators_seeded(seed: int) -> Iterator[None]:
    """Seed the global generators, from which Keras's initializers draw; restore those of Python, NumPy and TensorFlow.

    They belong to the user's program. An environment that draws from them would play the same episode in every test.
    """
    import keras
    import numpy as np
    from tensorflow.python.eager.context import context  # no public function returns the state of TensorFlow's seed

    tensorflow = context()
    before = random.getstate(), np.random.get_state(), (tensorflow._seed, getattr(tensorflow, "_rng", None))
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        tensorflow._seed, tensorflow._rng = before[2]
