"""Every network trains on a real game with every pair of settings, and resumes exactly from a checkpoint."""

import numpy as np
import pytest

from emulators import EmulatorPool
from networks.registry import TORSOS, make_network
from paac.learner import Hyperparameters, Learner
from paac.training.checkpoint_folder import CheckpointFolder

TABLE = {"paac": [0], "figar": [0, 2, 5]}
# Any two of the values occur together: all pairs, in half as many tests as all combinations.
SETTINGS = [
    ("gray", "paac", "relu"),
    ("gray", "figar", "leaky_relu"),
    ("rgb", "paac", "leaky_relu"),
    ("rgb", "figar", "relu"),
]
QUICK = ("NIPS", "rgb", "figar", "relu")  # the others are slow


@pytest.fixture(scope="module")
def pools():
    """One pool for gray and one for RGB, shared by all tests, with the initial states of its emulators."""
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
    [
        pytest.param(arch, *settings, marks=[] if (arch, *settings) == QUICK else [pytest.mark.slow])
        for arch in TORSOS
        for settings in SETTINGS
    ],
)
def test_it_trains_and_resumes_exactly_from_a_checkpoint(arch, colour, algorithm, activation, pools, tmp_path):
    pool, start = pools[colour]
    pool.load_states(start)
    learner = learner_on(pool, arch, colour, TABLE[algorithm], activation, seed=1)
    before = [weight.numpy() for weight in learner.network.trainable_variables]
    ended = sum(learner.update(lr=0.01).transitions.dones.sum() for _ in range(4))
    assert ended > 0, "no episode ended, so clearing the history was not tested"
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

    resumed = learner_on(pool, arch, colour, TABLE[algorithm], activation, seed=2)
    checkpoint, _ = checkpoints.newest()
    checkpoint.restore(
        **{name: saved for name, saved in tracked(resumed).items() if name != "memory" or saved.variables}
    )
    pool.load_states(checkpoint.emulator_states(pool.count))
    resumed.updates = 4
    update = resumed.update(lr=0.01)
    np.testing.assert_array_equal(update.transitions.actions, expected.transitions.actions)
    np.testing.assert_array_equal(update.transitions.plays, expected.transitions.plays)
    for mine, theirs in zip(resumed.network.trainable_variables, weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
