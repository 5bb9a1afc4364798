"""Reading the newest checkpoint of a run while its training deletes checkpoints."""

import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from agents.kept_checkpoints import keep_newest
from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.training import checkpoint as checkpoint_module
from paac.training import checkpoint_folder
from paac.training.checkpoint import Checkpoint
from paac.training.run_folder import RunFolder
from paac.training.saved_network import load_network
from tests.helpers.commands import TIMEOUT_S, TINY, interrupt
from tests.helpers.messages import message_of
from tests.helpers.runs import wait_for_checkpoint

ACTIONS = 3


class Net(tf.Module):
    """Stands for a network, whose size would only cost time."""

    def __init__(self, num_actions=ACTIONS, **_):
        super().__init__()
        self.weights = tf.Variable(tf.zeros([num_actions]))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run with one checkpoint, which the next one replaces."""
    monkeypatch.setattr("networks.registry.make_network", Net)
    run = RunFolder(tmp_path / "run")
    run.save_options(resolve({"random_seed": 1, "debugging_folder": str(run)}))
    save(run, 100)
    return run


def save(run, step):
    network = Net()
    network.weights.assign_add(tf.fill([ACTIONS], float(step)))
    run.checkpoints.write(step, {"network": network}, {}, None, keep=1)


def save_while_deleting(run, step):
    """Write checkpoint `step`, and leave the one before as it is in the middle of its deletion."""
    before = run.checkpoints.folder / str(step - 100)
    copied = shutil.copytree(before, run.path / "copy")
    save(run, step)
    copied.rename(before)
    (before / "weights.index").unlink()


@pytest.fixture
def before(monkeypatch):
    """A function that calls `train(run, step)` before each of the first two calls of a function of `owner`."""

    def before(owner, name, run, train):
        original, steps = getattr(owner, name), [200, 300]

        def call(*arguments, **keywords):
            if steps:
                train(run, steps.pop(0))
            return original(*arguments, **keywords)

        monkeypatch.setattr(owner, name, call)

    return before


@pytest.mark.parametrize("train", [save, save_while_deleting])
@pytest.mark.parametrize(
    "moment", [(checkpoint_module, "_verified_names"), (Checkpoint, "restore"), (checkpoint_module, "read_shapes")]
)
def test_the_next_newest_is_loaded(moment, train, run, before):
    before(*moment, run, train)
    network, checkpoint, lines = load_network(run, run.load_options(), ACTIONS)
    assert (checkpoint.step, lines) == (300, [])
    assert network.weights.numpy().tolist() == [300] * ACTIONS


def test_if_the_only_checkpoint_is_replaced_meanwhile_the_folder_is_listed_again(run, monkeypatch):
    is_dir, replacing = Path.is_dir, [True]

    def call(path):
        if replacing and path.name == "100":
            replacing.clear()
            save(run, 200)
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", call)
    assert run.checkpoints.steps() == [200]
    assert not replacing


@pytest.mark.parametrize("moment", [(checkpoint_module, "_verified_names"), (Checkpoint, "restore")])
def test_if_there_is_none_one_line_says_so(moment, run, before):
    before(*moment, run, lambda run, step: shutil.rmtree(run.checkpoints.folder, ignore_errors=True))
    with pytest.raises(UserError, match="no intact checkpoint there") as error:
        load_network(run, run.load_options(), ACTIONS)
    assert message_of(error)


def test_a_checkpoint_that_does_not_fit_is_still_refused_beside_a_training(run, before):
    before(Checkpoint, "restore", run, lambda run, step: None)
    with pytest.raises(UserError, match="checkpoints/100 does not fit"):
        load_network(run, run.load_options(), ACTIONS + 1)


@pytest.mark.parametrize("train", [save, save_while_deleting])
@pytest.mark.parametrize("moment", [(checkpoint_module, "_verified_names"), (checkpoint_folder, "copy_file")])
def test_the_next_newest_is_kept(moment, train, run, before):
    before(*moment, run, train)
    kept = keep_newest(run)
    assert kept.name == "300" and [path.name for path in kept.parent.iterdir()] == ["300"]
    load_network(RunFolder(kept), run.load_options(), ACTIONS)


@pytest.mark.slow
def test_an_agent_is_tested_beside_a_training_that_keeps_one_checkpoint(commands):
    often = ["--checkpoint_interval", "20", "--keep_checkpoints", "1", "--max_episode_frames", "60"]
    training = commands.start("train.py", "-df", "run", "-g", "Catcher-v0", *TINY, *often)
    wait_for_checkpoint(training, commands.folder / "run", 200)
    for _ in range(2):
        commands.run("test.py", "-f", "run")
    assert training.poll() is None
    interrupt(training)
    assert training.wait(timeout=TIMEOUT_S) == 0
