"""The learner solves a toy game, whose best policy is known, within seconds."""

import numpy as np
import pytest

from networks.registry import make_network
from paac.learner import Hyperparameters, Learner

B = 16


class TargetGame:
    """A pool for a game where a bright block shows the right action (by its column) and choice of repeats (by its row).

    A decision gets a reward of 1 if both are right, and each decision is followed by a new block. Episodes last ten
    decisions.
    """

    def __init__(self, actions: int, table: list[int], shards: int = 2):
        self.count = B
        self.shards = [range(part[0], part[-1] + 1) for part in np.array_split(np.arange(B), shards)]
        self.failure = None
        self._actions = actions
        self._table = np.array(table)
        self._random = [np.random.default_rng(shard) for shard in range(shards)]
        self._targets = np.zeros((B, 2), int)
        self._steps = np.zeros(B, int)
        self.observations = np.zeros((B, 84, 84, 4), np.uint8)
        for shard in range(shards):
            self._show(shard)

    def _show(self, shard: int) -> None:
        for i in self.shards[shard]:
            action, choice = (int(self._random[shard].integers(n)) for n in (self._actions, len(self._table)))
            self._targets[i] = action, choice
            self.observations[i] = 0
            self.observations[i, 20 * choice : 20 * choice + 20, 20 * action : 20 * action + 20] = 255

    def step(self, shard, actions, repeats):
        part = slice(self.shards[shard].start, self.shards[shard].stop)
        right = (actions == self._targets[part, 0]) & (repeats == self._table[self._targets[part, 1]])
        self._steps[part] += 1
        dones = self._steps[part] % 10 == 0
        self._show(shard)
        return self.observations[part].copy(), right.astype(float), dones, (1 + repeats).astype(np.int32)


@pytest.mark.parametrize(
    ("table", "precision"),
    [
        ([0, 2, 5], "float32"),
        pytest.param([0], "bfloat16", marks=pytest.mark.slow),
    ],
)
def test_the_agent_learns_to_hit_the_target(table, precision):
    game = TargetGame(actions=3, table=table)
    network = make_network("NIPS", num_actions=3, nb_choices=len(table), rgb=False, seed=1, precision=precision)
    learner = Learner(network, game, Hyperparameters(repetition_table=table, gamma=0.9, entropy_coef=0.005), seed=1)
    rewards = [learner.update(lr=0.01).transitions.rewards.mean() for _ in range(400)]
    chance = 1 / (3 * len(table))
    assert np.mean(rewards[:10]) < 2 * chance
    assert np.mean(rewards[-20:]) > 0.9


class PricedGame(TargetGame):
    """A target game with other rewards for a miss and for a hit."""

    def __init__(self, miss: float, hit: float):
        super().__init__(actions=3, table=[0])
        self._prices = np.array([miss, hit], float)

    def step(self, shard, actions, repeats):
        observations, hits, *others = super().step(shard, actions, repeats)
        return observations, self._prices[hits.astype(int)], *others


def learn_from(prices, reward_clip):
    """Return the rewards of three updates, and the weights after them."""
    network = make_network("NIPS", num_actions=3, nb_choices=1, rgb=False, seed=1)
    learner = Learner(network, PricedGame(*prices), Hyperparameters(reward_clip=reward_clip), seed=1)
    rewards = np.concatenate([learner.update(lr=0.01).transitions.rewards for _ in range(3)])
    return rewards, [weight.numpy() for weight in network.trainable_variables]


def test_fractional_rewards_are_returned_as_the_game_gives_them():
    rewards, _ = learn_from((0.1, 0.955), 1.0)
    assert set(np.unique(rewards).tolist()) == {0.1, 0.955}, "float32 would give 0.954999983"


@pytest.mark.parametrize(
    ("reward_clip", "prices", "learned_from"),
    [
        (1.0, (-5.0, 7.0), (-1.0, 1.0)),
        pytest.param(6.0, (-5.0, 7.0), (-5.0, 6.0), marks=pytest.mark.slow),
    ],
)
def test_rewards_are_clipped_to_learn_from_and_returned_raw(reward_clip, prices, learned_from):
    rewards, weights = learn_from(prices, reward_clip)
    _, expected = learn_from(learned_from, reward_clip=0.0)
    assert set(np.unique(rewards)) == set(prices)
    assert all(np.array_equal(one, other) for one, other in zip(weights, expected, strict=True))
    _, clipped_further = learn_from(prices, reward_clip / 2)
    assert not all(np.array_equal(one, other) for one, other in zip(weights, clipped_further, strict=True))
