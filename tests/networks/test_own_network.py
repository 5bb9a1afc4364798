"""A user's first own network: it is saved and repeatable, and a mistake in it is one line."""

import random

import numpy as np
import pytest
import tensorflow as tf

from networks.errors import NetworkError
from networks.registry import TORSOS, make_network
from tests.helpers.messages import message_of
from tests.helpers.own_network import IN_COLLECTIONS, SOURCE

OBSERVATIONS = np.random.default_rng(0).integers(0, 256, (2, 84, 84, 4), np.uint8)


def own_network(seed=1):
    return make_network("OWN", num_actions=3, nb_choices=1, rgb=False, seed=seed)


def values_of(network):
    return [weight.numpy() for weight in network.weights]


def test_weights_in_lists_tuples_and_dictionaries_are_saved_and_restored(write_network, tmp_path):
    write_network(IN_COLLECTIONS)
    saved, restored = own_network(seed=1), own_network(seed=2)
    for weight in saved.weights:
        weight.assign(np.random.default_rng(3).normal(size=weight.shape))
    path = tf.train.Checkpoint(network=saved).write(str(tmp_path / "weights"))
    tf.train.Checkpoint(network=restored).read(path).assert_consumed()
    for one, other in zip(values_of(saved), values_of(restored), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(saved.weights) == len(tf.train.load_checkpoint(path).get_variable_to_shape_map()) - 1  # and the graph


@pytest.mark.parametrize("arch", ["NIPS", "NATURE", "PWYX", "LSTM", "BAYESIAN", "IMPALA"])
def test_the_shipped_networks_keep_the_keys_of_earlier_checkpoints(arch):
    network = make_network(arch, num_actions=3, nb_choices=1, rgb=False, seed=1)
    assert not hasattr(network, "unnamed_weights")


def test_keras_own_layers_get_the_same_weights_with_the_same_seed(write_network):
    write_network(SOURCE)
    random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()
    first, again, other = (values_of(own_network(seed)) for seed in (5, 5, 6))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before, "an environment may draw from these"
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not one.any() or not np.array_equal(one, different)


def source_with(old: str, new: str) -> str:
    assert old in SOURCE
    return SOURCE.replace(old, new)


ENCODED = "self.flatten(self.conv(tf.cast(observations, tf.float32) / 255))"
MISTAKES = {  # the source, and a pattern of what its error says
    "bytes": (
        source_with(ENCODED, "self.flatten(self.conv(observations))"),
        r"line 17: .*uint8.* Observations are uint8: use networks\.layers\.Conv, or first tf\.cast",
    ),
    "pictures": (
        source_with("self.flatten(self", "(self"),
        r"encode gives float32 \[2, 10, 10, 4\] for 2 .*Flatten\(\)",
    ),
    "one row for all": (source_with(ENCODED, f"tf.reshape({ENCODED}, [-1])"), r"encode gives float32 \[800\] for 2"),
    "no encodings": (source_with("return self.flatten", "self.flatten"), "encode gives NoneType for 2 observations"),
    "an array": (source_with("self.dense(encodings[-1])", "encodings[-1].numpy()"), "combine gives ndarray for 2"),
    "one number": (
        source_with("self.dense(encodings[-1])", "tf.reduce_mean(encodings[-1])"),
        r"combine gives float32 \[\]",
    ),
    "integers": (
        source_with("self.dense(encodings", "tf.argsort(encodings"),
        r"combine gives int32 \[2, 400\].* of floats",
    ),
    "no combine": (SOURCE.split("    def combine")[0], "OWN has no method combine"),
    "no encode": (source_with("def encode(", "def encoded("), "OWN has no method encode"),
    "all encodings": (source_with("encodings[-1]", "encodings"), "line 20: "),
    "arguments of combine": (
        source_with(", uniforms", ""),
        r"TypeError: .*combine\(\) takes 2 .*nature\.py is an example",
    ),
    "arguments": (
        source_with("self, settings", "self"),
        r"TypeError: .*__init__\(\) takes 1 .*nature\.py is an example",
    ),
    "unused": (source_with("return self.dense(", "return tf.identity("), r"self\.dense is never used"),
    "unused in a list": (
        source_with("super().__init__()", "super().__init__()\n        self.more = [[keras.layers.Dense(4)]]"),
        r"self\.more\[0\]\[0\] is never used",
    ),
    "new layers": (
        source_with("self.dense(enc", "keras.layers.Dense(4)(enc"),
        "cannot be trained and saved; make each",
    ),
    "hidden": (
        source_with("self.dense", "self.holder[0]").replace(
            "self.holder[0] =",
            "self.holder = type('Holder', (), {'__getitem__': lambda self, _: dense})()\n        dense =",
        ),
        "kernel:0, .* cannot be trained and saved; make each layer in __init__",
    ),
    "variable": (
        source_with("self.dense(", "self.scale * self.dense(").replace(
            "        self.conv =", "        self.scale = tf.Variable(1.0)\n        self.conv ="
        ),
        r"cannot be trained and saved.* with self\.add_weight",
    ),
    "other class": (source_with("(Torso)", "(keras.Model)"), r"there is no class OWN\(Torso\)"),
    "other name": (source_with("OWN", "MINE"), r"there is no class OWN\(Torso\)"),
    "syntax": (source_with("settings):", "settings)"), "line 10: SyntaxError: expected ':'"),
    "import": (f"import no_such_module{SOURCE}", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
    "wrong layer": (source_with("4, 8, 8", "4, 8, 0"), "line 12: ValueError: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_names_the_file(mistake, write_network):
    source, reason = MISTAKES[mistake]
    write_network(source)
    with pytest.raises(NetworkError, match=rf"^--arch OWN: own_network0\.py: .*(?:{reason})") as error:
        own_network()
    assert len(message_of(error)) < 500


def test_the_error_for_a_row_without_a_file_names_the_registry(monkeypatch):
    monkeypatch.setitem(TORSOS, "OWN", "networks.own")
    with pytest.raises(
        NetworkError, match=r"networks/own\.py: there is no such file, but networks/registry\.py names it"
    ):
        own_network()


def test_a_layer_that_is_not_trained_is_no_mistake(write_network):
    write_network(source_with("        self.flatten =", "        self.conv.trainable = False\n        self.flatten ="))
    network = own_network()
    assert len(network.weights) - len(network.trainable_variables) == 2


def test_a_subclass_may_replace_a_layer(write_network):
    write_network(f"""{SOURCE.replace("OWN", "BASE")}

class OWN(BASE):
    def __init__(self, settings):
        super().__init__(settings)
        self.dense = Dense(9, settings.random)
""")
    assert own_network().policy.kernel.shape == (9, 3)
