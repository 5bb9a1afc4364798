"""The counters of a training, in memory and in state.json."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from paac.rollout import Transitions
from paac.training.checkpoint import CheckpointError
from paac.training.episodes import EpisodeTracker
from paac.training.state import TrainingState

COUNTS = "global_step", "updates", "plays", "emulators", "imported_steps"


def played_of(plays, dones):
    """Return two decisions of two emulators, each with a reward of 1."""
    actions = np.zeros((2, 2), np.int32)
    return Transitions(actions, actions, np.ones((2, 2)), np.array(dones, bool), np.array(plays, np.int32))


def trained():
    state = TrainingState(EpisodeTracker(2), {"gamma": 0.9})
    state.add(played_of([[1, 3], [5, 1]], [[0, 0], [0, 0]]), seconds=0.5)
    state.add(played_of([[1, 1], [1, 1]], [[0, 1], [0, 0]]), seconds=0.25)
    return state


def checkpoint_of(values):
    return SimpleNamespace(state=values, step=8, folder="run/checkpoints/8")


def test_an_update_is_counted():
    state = trained()
    assert (state.global_step, state.updates, state.plays, state.seconds) == (8, 2, 14, 0.75)
    (finished,) = state.add(played_of([[1, 1], [1, 1]], [[0, 0], [1, 0]]), seconds=1.0)
    assert (finished.step, finished.emulator, finished.reward, finished.length) == (11, 0, 6.0, 10)


def test_the_state_is_restored_from_json():
    state = trained()
    state.emulators, state.logs = 2, {"episodes.csv": 7}
    values = json.loads(json.dumps(state.to_json()))
    counters = {"global_step", "updates", "plays", "seconds", "imported_steps", "timed", "best_score", "best_step"}
    described = {"episodes", "fixed", "tunable", "warned", "emulators", "logs"}
    assert values.keys() == described | counters
    assert TrainingState.from_checkpoint(checkpoint_of(values)).to_json() == state.to_json()


def test_keys_that_earlier_versions_did_not_save_may_be_missing():
    values = json.loads(json.dumps(trained().to_json()))
    del values["fixed"], values["emulators"], values["imported_steps"], values["timed"]
    del values["tunable"], values["warned"], values["best_score"], values["best_step"]
    state = TrainingState.from_checkpoint(checkpoint_of(values))
    assert (state.fixed, state.tunable, state.warned) == ({}, {}, False)
    assert (state.emulators, state.imported_steps, state.best_score, state.best_step) == (2, 0, None, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("updates", "a"),
        ("global_step", None),
        ("plays", []),
        ("seconds", "x"),
        ("episodes", []),
        ("episodes", {"rewards": [1, 2], "lengths": [1], "last": []}),
        ("episodes", {"rewards": [1], "lengths": [1], "last": [3]}),
        ("logs", {"episodes.csv": "x"}),
        ("fixed", 3),
        ("emulators", {}),
        *((key, number) for key in COUNTS for number in (10**30, -1, 1.5, math.inf, True)),
        ("global_step", 9),  # not that of the folder
        ("seconds", -1.0),
        ("seconds", math.inf),
        ("logs", {"episodes.csv": -1}),
        ("episodes", {"rewards": [1, 2], "lengths": [1, -1], "last": []}),
        ("episodes", {"rewards": [1, 2], "lengths": [1, 10**30], "last": []}),
        ("episodes", {"rewards": [1, 2], "lengths": [1, 2], "last": [["much", 1]]}),
        ("episodes", {"rewards": [1, 2], "lengths": [1, 2], "last": [[1.0, math.inf]]}),
        ("emulators", 1),  # there are two episodes
    ],
)
def test_a_malformed_state_is_reported_as_damage(key, value):
    values = trained().to_json() | {key: value}
    with pytest.raises(CheckpointError, match="run/checkpoints/8 is damaged"):
        TrainingState.from_checkpoint(checkpoint_of(values))
    del values[key]
    if key not in ("fixed", "emulators", "imported_steps"):
        with pytest.raises(CheckpointError):
            TrainingState.from_checkpoint(checkpoint_of(values))


@pytest.mark.parametrize("values", [[], None, {}])
def test_json_that_is_not_a_state_is_reported_as_damage(values):
    with pytest.raises(CheckpointError):
        TrainingState.from_checkpoint(checkpoint_of(values))
