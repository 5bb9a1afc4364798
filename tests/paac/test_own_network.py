"""A network of the user's own is trained, resumed exactly and tested; what only a training shows is one line too."""

from types import SimpleNamespace

import numpy as np
import pytest

from networks.errors import NetworkError
from networks.registry import make_network
from paac.learner import Hyperparameters, Learner
from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.checkpoint_folder import CheckpointFolder
from tests.helpers.commands import TINY, assert_one_line
from tests.helpers.messages import message_of
from tests.helpers.own_network import IN_COLLECTIONS, SOURCE
from tests.helpers.runs import assert_same_weights


def own_network(arch="OWN"):
    return make_network(arch, num_actions=3, nb_choices=1, rgb=False, seed=1)


class StillPool(SimpleNamespace):
    """Two emulators that are never stepped: the learner only traces its update."""

    count, shards, failure = 2, [range(2)], None
    observations = np.zeros((2, 84, 84, 4), np.uint8)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (
            "return self.dense(",
            "self.dense(encodings[-1])\n        return tf.identity(",
            "dense/kernel, dense/bias would",
        ),
        ("observations, tf", "observations.numpy(), tf", "line 17: AttributeError: "),
    ],
)
def test_what_only_the_graph_of_an_update_shows_is_one_line(before, after, reason, write_network):
    write_network(SOURCE.replace(before, after))
    pool = StillPool()
    with pytest.raises(NetworkError, match=rf"^--arch OWN: own_network0\.py: {reason}") as error:
        Learner(own_network(), pool, Hyperparameters(max_local_steps=1), seed=1)
    message_of(error)


def test_a_checkpoint_without_the_weights_of_a_list_is_refused_by_their_names(write_network, tmp_path):
    # Earlier versions did not save them.
    write_network(IN_COLLECTIONS)
    network = own_network()
    weights = network.unnamed_weights
    del network.unnamed_weights
    folder = CheckpointFolder(tmp_path / "checkpoints")
    folder.write(1, {"network": network}, {}, None, keep=1)
    network.unnamed_weights = weights
    with pytest.raises(CheckpointError, match=r"1 does not fit .*\(it lacks conv/kernel, conv/bias, ") as error:
        Checkpoint(folder.folder / "1").restore(network=network)
    message_of(error)


def test_a_checkpoint_of_another_size_is_refused_by_the_names_of_what_differs(write_network, tmp_path):
    write_network(SOURCE)
    folder = CheckpointFolder(tmp_path / "checkpoints")
    folder.write(1, {"network": own_network()}, {}, None, keep=1)
    write_network(SOURCE.replace("Dense(8", "Dense(9"))
    reason = r"\(network/policy/_kernel has the shape \[8, 3\] instead of \[9, 3\]; "
    with pytest.raises(CheckpointError, match=reason) as error:
        Checkpoint(folder.folder / "1").restore(network=own_network())
    message_of(error)


@pytest.mark.slow
def test_a_network_with_layers_in_lists_is_resumed_exactly_and_tested(write_network, commands):
    write_network(IN_COLLECTIONS.replace("OWN", "NIPS"), arch="NIPS")  # a name that --arch takes
    for folder, steps in (("whole", 40), ("parts", 20), ("parts", 40)):
        commands.run("train.py", "-g", "Catcher-v0", "-df", folder, "--max_global_steps", str(steps), *TINY)
    assert_same_weights(commands.folder / "whole", commands.folder / "parts")
    assert "Performed 1 test " in commands.run("test.py", "-f", "parts", "--seed", "1").stdout


def test_the_commands_report_a_mistake_in_one_line_and_start_nothing(write_network, commands):
    write_network(SOURCE.replace("OWN", "NIPS").replace("self.flatten(self", "(self"), arch="NIPS")
    ended = commands.run("train.py", "-g", "Catcher-v0", "-df", "run", *TINY, code=2)
    assert_one_line(ended.stderr, "train.py: --arch NIPS: own_network0.py: encode gives float32 [2, 10, 10, 4]")
    assert [file.name for file in (commands.folder / "run").iterdir()] == [".lock"]
