"""Every network, with all that goes with it, trains on a real game, and goes on from a checkpoint exactly."""

import itertools

import numpy as np
import pytest

from emulators import EmulatorPool
from networks.registry import TORSOS, make_network
from paac.learner import Hyperparameters, Learner
from paac.training.checkpoint import CheckpointFolder

TABLE = {"paac": [0], "figar": [0, 2, 5]}
EVERY = list(itertools.product(TORSOS, ["gray", "rgb"], TABLE, ["relu", "leaky_relu"]))
QUICK = [("NIPS", "rgb", "figar", "leaky_relu"), ("LSTM", "gray", "paac", "relu")]  # the others are slow


@pytest.fixture(scope="module")
def pools():
    """One pool of each colour for all tests, and where its emulators stood at first."""
    made = {}
    for colour in ("gray", "rgb"):
        pool = EmulatorPool("breakout", 4, workers=1, shards=2, seed=1, rgb=colour == "rgb", max_episode_frames=40)
        pool.reset()
        made[colour] = pool, pool.save_states()
    yield made
    for pool, _ in made.values():
        pool.close()


def learner_on(pool, arch, colour, table, activation, seed):
    network = make_network(
        arch,
        num_actions=pool.num_actions,
        nb_choices=len(table),
        rgb=colour == "rgb",
        activation=activation,
        seed=seed,
    )
    return Learner(network, pool, Hyperparameters(repetition_table=table, max_local_steps=2), seed=5)


@pytest.mark.parametrize(
    ("arch", "colour", "algorithm", "activation"),
    [pytest.param(*combination, marks=[] if combination in QUICK else [pytest.mark.slow]) for combination in EVERY],
)
def test_it_trains_and_goes_on_from_a_checkpoint(arch, colour, algorithm, activation, pools, tmp_path):
    pool, start = pools[colour]
    pool.load_states(start)
    learner = learner_on(pool, arch, colour, TABLE[algorithm], activation, seed=1)
    before = [weight.numpy() for weight in learner.network.trainable_variables]
    ended = sum(learner.update(lr=0.01).played.dones.sum() for _ in range(4))
    assert ended > 0, "no episode ended: clearing the memory was not tested"
    unused = {id(weight) for weight in learner.network.repetition.variables if algorithm == "paac"}
    for old, weight in zip(before, learner.network.trainable_variables, strict=True):
        assert np.isfinite(weight).all()
        assert np.array_equal(old, weight) == (id(weight) in unused), weight.path

    def tracked(learner):
        return {"network": learner.network, "optimizer": learner.optimizer, "memory": learner.history}

    checkpoints = CheckpointFolder(tmp_path)
    checkpoints.write(4, tracked(learner), {}, pool.save_states(), keep=1)
    expected = learner.update(lr=0.01)
    weights = [weight.numpy() for weight in learner.network.trainable_variables]

    again = learner_on(pool, arch, colour, TABLE[algorithm], activation, seed=2)
    checkpoint, _ = checkpoints.newest()
    checkpoint.restore(**{name: saved for name, saved in tracked(again).items() if name != "memory" or saved.variables})
    pool.load_states(checkpoint.emulator_states())
    again.updates = 4
    update = again.update(lr=0.01)
    np.testing.assert_array_equal(update.played.actions, expected.played.actions)
    np.testing.assert_array_equal(update.played.plays, expected.played.plays)
    for mine, theirs in zip(again.network.trainable_variables, weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
