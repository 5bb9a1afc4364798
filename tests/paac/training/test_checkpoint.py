"""Checkpoints: complete or missing, wherever the run's folder is; test_damaged_checkpoint.py tests damage."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from networks.registry import make_network
from paac.cli.errors import UserError
from paac.optimizer import RMSProp
from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.checkpoint_folder import CheckpointFolder
from tests.helpers.made_checkpoints import EMULATORS, Net, steps_in, value_in, write

# Round trips.


def test_weights_state_and_emulators_are_restored(tmp_path):
    variables = [tf.Variable([1.0, 2.0]), tf.Variable([[3.0]])]
    network, optimizer = Net(5), RMSProp(variables, 0.99, 0.1)
    optimizer.apply([tf.constant([3.0, 4.0]), tf.constant([[5.0]])], variables, tf.constant(0.1))
    state = {"global_step": 160, "seconds": 1.5, "episodes": {"last": [[1.0, 2]]}, "logs": {"episodes.csv": 7}}
    folder = CheckpointFolder(tmp_path)
    folder.write(160, {"network": network, "optimizer": optimizer}, state, EMULATORS, keep=1)

    checkpoint, damaged = folder.newest()
    assert damaged == []
    assert (checkpoint.step, checkpoint.state, checkpoint.has_emulators) == (160, state, True)
    assert checkpoint.emulator_states(len(EMULATORS)) == EMULATORS
    new_network, new_optimizer = Net(0), RMSProp(variables, 0.99, 0.1)
    checkpoint.restore(network=new_network, optimizer=new_optimizer)
    np.testing.assert_array_equal(new_network.weights, [5, 5, 5])
    np.testing.assert_allclose(new_optimizer.mean_squares[0], [1.08, 1.15], rtol=1e-6)
    np.testing.assert_allclose(new_optimizer.mean_squares[1], [[1.24]], rtol=1e-6)


def test_the_network_is_restored_without_the_optimizer(tmp_path):
    network = Net(5)
    tracked = {"network": network, "optimizer": RMSProp([network.weights], 0.99, 0.1)}
    CheckpointFolder(tmp_path).write(1, tracked, {}, None, keep=1)
    assert value_in(CheckpointFolder(tmp_path).newest()[0]) == 5


def test_a_checkpoint_without_emulators(tmp_path):
    write(tmp_path, 10, emulators=None)
    checkpoint, _ = CheckpointFolder(tmp_path).newest()
    assert not checkpoint.has_emulators
    assert not (tmp_path / "10" / "emulators.npz").exists()


def test_a_folder_without_checkpoints_has_none(tmp_path):
    assert CheckpointFolder(tmp_path).newest() == (None, [])
    assert CheckpointFolder(tmp_path / "missing").newest() == (None, [])


# The layout.


def test_the_folder_has_the_documented_files(tmp_path):
    folder = write(tmp_path / "checkpoints", 500)
    assert sorted(entry.name for entry in folder.parent.iterdir()) == ["500", "checkpoint"]
    names = sorted(file.name for file in folder.iterdir())
    data = [name for name in names if name.startswith("weights.data-")]
    assert data
    assert names == ["emulators.npz", "manifest.json", "state.json", *data, "weights.index"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sorted(manifest["files"]) == sorted(set(names) - {"manifest.json"})
    for name, entry in manifest["files"].items():
        assert entry["size"] == (folder / name).stat().st_size
        assert len(entry["sha256"]) == 64


def test_emulator_states_are_read_without_pickle(tmp_path):
    folder = write(tmp_path, 1)
    with np.load(folder / "emulators.npz", allow_pickle=False) as states:
        assert [states[name].dtype for name in states.files] == [np.uint8] * len(EMULATORS)


@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_tensorflow_finds_the_newest_checkpoint(relative, tmp_path, monkeypatch):
    # A user may type either; the default, logs/, is relative.
    monkeypatch.chdir(tmp_path)
    folder = Path("logs/pong/checkpoints") if relative else tmp_path / "logs/pong/checkpoints"
    for step in (100, 20, 1000):
        write(folder, step)
    path = tf.train.latest_checkpoint(str(folder))
    assert path is not None
    assert Path(path).resolve() == tmp_path / "logs/pong/checkpoints/1000/weights"
    network = Net(-1)
    tf.train.Checkpoint(network=network).read(path).assert_consumed()
    assert network.weights.numpy()[0] == 1000


@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_a_run_that_was_moved_still_loads(relative, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = Path("run") if relative else tmp_path / "run"
    write(before / "checkpoints", 100)
    (tmp_path / "run").rename(tmp_path / "moved")
    folder = tmp_path / "moved" / "checkpoints"
    checkpoint, damaged = CheckpointFolder(folder).newest()
    assert damaged == []
    assert value_in(checkpoint) == 100
    assert checkpoint.emulator_states(len(EMULATORS)) == EMULATORS
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / "100" / "weights")


@pytest.mark.parametrize("name", ["a [b]", "a*", "ü?", "[x]*", "a\\b"])
def test_a_folder_may_have_any_name(name, tmp_path, monkeypatch):
    # TensorFlow reads some of these as patterns.
    monkeypatch.chdir(tmp_path)
    folder = Path(name) / "checkpoints"
    write(folder, 10)
    # Another thread may train in a relative folder meanwhile.
    monkeypatch.setattr(os, "chdir", lambda _: pytest.fail("the working folder of all threads changes"))
    checkpoint, damaged = CheckpointFolder(folder).newest()
    assert damaged == [] and value_in(checkpoint) == 10


def test_only_the_newest_are_kept(tmp_path):
    for step in (5, 40, 300, 2000):
        write(tmp_path, step, keep=3)
    assert steps_in(tmp_path) == [40, 300, 2000]
    write(tmp_path, 10_000, keep=1)
    assert steps_in(tmp_path) == [10_000]


def test_checkpoints_later_than_the_one_written_are_deleted(tmp_path):
    # They were damaged, and the run resumed from an earlier one.
    for step in (10, 20, 30):
        write(tmp_path, step)
    write(tmp_path, 15)
    assert steps_in(tmp_path) == [10, 15]
    assert CheckpointFolder(tmp_path).newest()[0].step == 15
    assert Path(tf.train.latest_checkpoint(str(tmp_path))).parent.name == "15"


def test_a_step_can_be_written_again(tmp_path):
    write(tmp_path, 10, 1)
    write(tmp_path, 10, 2)
    assert value_in(CheckpointFolder(tmp_path).newest()[0]) == 2


# A save that was interrupted or failed.


def test_an_unfinished_checkpoint_is_never_loaded_and_can_be_removed(tmp_path):
    write(tmp_path, 9)
    shutil.copytree(write(tmp_path, 100), tmp_path / ".200.new")
    (tmp_path / ".200.new" / "manifest.json").unlink()  # it is written last
    folder = CheckpointFolder(tmp_path)
    assert folder.newest()[0].step == 100
    assert folder.newest()[1] == []
    folder.remove_unfinished()
    assert steps_in(tmp_path) == [9, 100]
    assert folder.newest()[0].step == 100
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "100" / "weights")


def test_files_of_a_killed_save_do_not_stop_the_next(tmp_path):
    (tmp_path / ".100.new" / "weights.index").mkdir(parents=True)
    write(tmp_path, 100)
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []
    assert CheckpointFolder(tmp_path).newest()[0].step == 100


def test_a_deleted_run_is_not_created_again(tmp_path):
    with pytest.raises(OSError):
        CheckpointFolder(tmp_path / "gone/checkpoints").write(1, {"network": Net(1)}, {}, None, keep=1)
    assert list(tmp_path.iterdir()) == []


def test_removing_unfinished_files_needs_no_folder(tmp_path):
    CheckpointFolder(tmp_path / "missing").remove_unfinished()


def test_a_save_that_fails_keeps_the_others_and_leaves_no_files(tmp_path, monkeypatch):
    write(tmp_path, 9)

    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.train.Checkpoint, "write", full)
    with pytest.raises(OSError, match="No space left on device"):
        write(tmp_path, 100)
    monkeypatch.undo()
    with pytest.raises(TypeError):
        CheckpointFolder(tmp_path).write(100, {"network": Net(1)}, {"not": object()}, None, keep=1)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["9", "checkpoint"]
    assert value_in(CheckpointFolder(tmp_path).newest()[0]) == 9


# Another network.


def short_message(error):
    message = str(error.value)
    assert len(message) < 1000, message
    return message


def test_a_checkpoint_of_another_size_is_refused(tmp_path):
    write(tmp_path, 100)
    with pytest.raises(CheckpointError, match="does not fit the run's options") as error:
        Checkpoint(tmp_path / "100").restore(network=Net(0, size=4))
    assert str(tmp_path / "100") in short_message(error)
    assert isinstance(error.value, UserError)  # one line on stderr, exit code 2


def test_a_checkpoint_that_lacks_a_weight_is_refused(tmp_path):
    # Otherwise that weight would silently keep its random initial value.
    write(tmp_path, 100)
    network = Net(0)
    network.more = tf.Variable([1.0])
    with pytest.raises(CheckpointError, match="does not fit the run's options"):
        Checkpoint(tmp_path / "100").restore(network=network)


def network_of(arch, seed=1, **settings):
    return make_network(arch, **{"num_actions": 3, "nb_choices": 1, "rgb": False, "seed": seed, **settings})


@pytest.mark.parametrize(
    ("arch", "settings"), [("NATURE", {}), ("NIPS", {"num_actions": 4}), ("NIPS", {"nb_choices": 2})]
)
def test_a_checkpoint_of_another_network_is_refused(arch, settings, tmp_path):
    CheckpointFolder(tmp_path).write(100, {"network": network_of("NIPS")}, {}, None, keep=1)
    with pytest.raises(CheckpointError, match="does not fit the run's options") as error:
        Checkpoint(tmp_path / "100").restore(network=network_of(arch, **settings))
    assert str(tmp_path / "100") in short_message(error)


def test_a_restored_network_has_the_same_outputs(tmp_path):
    saved, restored = network_of("NIPS", 1), network_of("NIPS", 2)
    CheckpointFolder(tmp_path).write(100, {"network": saved}, {}, None, keep=1)
    Checkpoint(tmp_path / "100").restore(network=restored)
    observations = np.random.default_rng(0).integers(0, 256, (2, 84, 84, 4), np.uint8)
    for before, after in zip(saved(observations), restored(observations), strict=True):
        np.testing.assert_array_equal(before, after)
