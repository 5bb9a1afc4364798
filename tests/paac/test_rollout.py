"""The rollout with a network whose outputs are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from networks.actor_critic import Outputs
from paac.learner import Hyperparameters, Learner
from paac.rollout import Rollout, Transitions, Uniforms, collect_rollout


class Remembering:
    """A network whose value is the sum of the observations that it uses, each of which is a number."""

    def encode(self, observations):
        return tf.cast(observations[:, 0, 0, :1], tf.float32)

    def blank_encodings(self, count):
        return tf.zeros([count, 1])

    def compute_outputs(self, encodings, uniforms):
        return Outputs(tf.zeros([2, 2]), tf.zeros([2, 1]), tf.add_n(encodings)[:, 0])


def test_an_episode_that_begins_within_a_rollout_has_no_history():
    def step(t, actions, repeats):  # the first of two episodes ends at the second decision
        observations = np.full((2, 1, 1, 1), 10 * (t + 2), np.uint8)
        return observations, np.zeros(2), np.array([t == 1, False]), np.ones(2, np.int32)

    def screens(value):
        return tf.fill([2, 1, 1, 1], tf.constant(value, tf.uint8))

    uniforms = Uniforms(tf.zeros([3, 2, 2, 2]), tf.zeros([4, 2, 0]))
    rollout = collect_rollout(
        *(Remembering(), step, lambda logits, _: tf.zeros(2, tf.int32)),
        *(screens(10), [screens(1), screens(2)], uniforms, [0]),
    )
    seen = [[encoding[:, 0].numpy().tolist() for encoding in encodings] for encodings in rollout.encodings]
    assert seen == [[[1, 1], [2, 2], [10, 10]], [[2, 2], [10, 10], [20, 20]], [[0, 10], [0, 20], [30, 30]]]
    assert [earlier[:, 0, 0, 0].numpy().tolist() for earlier in rollout.history] == [[0, 20], [30, 30]]
    assert rollout.bootstrap.numpy().tolist() == [70, 90]


@pytest.mark.parametrize(("per_play", "advantage"), [(False, (5 + 3.5) / 2), (True, (2 + 2) / 2)])
def test_with_figar_discount_play_each_play_is_discounted(per_play, advantage):
    settings = Hyperparameters(gamma=0.5, discount_per_play=per_play, max_local_steps=2)
    learner = SimpleNamespace(_hyperparameters=settings, _pool=SimpleNamespace(count=1))
    zeros = tf.zeros([2, 1], tf.int32)
    played = Transitions(zeros, zeros, tf.ones([2, 1], tf.float64), tf.zeros([2, 1], tf.bool), tf.constant([[1], [3]]))
    outputs = Outputs(tf.zeros([2, 2]), tf.zeros([2, 1]), tf.zeros([2]))
    losses = Learner._losses(learner, Rollout(played, [], tf.constant([8.0]), []), outputs)
    assert float(losses.advantage_mean) == pytest.approx(advantage)
