"""T decisions of one shard of emulators, inside the graph, and what the network said at them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from networks.actor_critic import ActorCritic, Outputs

# (time step, actions int32 [b], repeats int32 [b]) -> observations, rewards, dones, plays; see `EmulatorPool.step`
Step = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, ...]]
Choose = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (logits [b, n], noise [b, DRAWS]) -> choices int32 [b]


class Rollout(NamedTuple):
    """What one shard of b emulators saw and did."""

    actions: tf.Tensor  # int32 [T, b]
    choices: tf.Tensor  # int32 [T, b]
    rewards: tf.Tensor  # float32 [T, b], raw
    dones: tf.Tensor  # bool [T, b]
    plays: tf.Tensor  # int32 [T, b]
    bootstrap: tf.Tensor  # float32 [b], value of the observations after the last decision
    memory: list[tf.Tensor]  # what the next rollout starts with; see `play`
    windows: list[list[tf.Tensor]]  # of each decision, the encodings it was made from, [b, E] each, oldest first


def play(
    network: ActorCritic,
    step: Step,
    choose: Choose,
    observations: tf.Tensor,
    memory: list[tf.Tensor],
    noise: tf.Tensor,
    torso_noise: tf.Tensor,
    repetition_table: tf.Tensor,
) -> Rollout:
    """Let `network` play T decisions from `observations`, uint8 [b, 84, 84, channels].

    `memory` has the observations before them that the torso wants, each of the same shape, oldest first, zeros where
    there was none in the episode. `noise` float32 [T, b, 2, DRAWS] is what actions and choices are drawn with,
    `torso_noise` float32 [T + 1, b, torso.noise] the torso's own, `repetition_table` int32 [R].

    Weights do not change on the way: each observation is encoded once, for all decisions that look back at it.
    """
    nothing = tf.zeros_like(observations)
    decisions, windows = [], []
    past = []
    if memory:
        blank = network.blank(observations.shape[0])
        past = tf.split(network.encode(tf.concat(memory, axis=0)), len(memory))
    for t in range(noise.shape[0]):
        windows.append([*past, network.encode(observations)])
        outputs = network.decide(windows[t], torso_noise[t])
        actions = choose(outputs.policy_logits, noise[t, :, 0])
        choices = choose(outputs.repetition_logits, noise[t, :, 1])
        seen, rewards, dones, plays = _step(step, t, observations, actions, tf.gather(repetition_table, choices))
        decisions.append((actions, choices, rewards, dones, plays))
        past = [_where(dones, blank, encoding) for encoding in windows[t][1:]]
        memory = [_where(dones, nothing, before) for before in [*memory, observations][1:]]
        observations = seen
    bootstrap = network.decide([*past, network.encode(observations)], torso_noise[-1]).value
    played = [tf.stack(values) for values in zip(*decisions, strict=True)]
    return Rollout._make([*played, bootstrap, memory, windows])


def look_back(network: ActorCritic, rollout: Rollout, torso_noise: tf.Tensor) -> Outputs:
    """What `network` says at all decisions of `rollout`, [T * b, ...], for the gradient; `torso_noise` as in `play`.

    These are the outputs that acted, computed once more: encodings backpropagate step by step, and everything after
    them backpropagates as one batch of T * b decisions, at half the cost.
    """
    encodings = [tf.concat(place, axis=0) for place in zip(*rollout.windows, strict=True)]
    noise = tf.reshape(torso_noise[:-1], [-1, network.torso.noise])
    return network.decide(encodings, noise)


def _where(dones: tf.Tensor, then: tf.Tensor, otherwise: tf.Tensor) -> tf.Tensor:
    """Row by row, for tensors [b, ...]."""
    return tf.where(tf.reshape(dones, [-1] + [1] * (then.shape.rank - 1)), then, otherwise)


def _step(step: Step, t: int, observations: tf.Tensor, actions: tf.Tensor, repeats: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Play one decision outside the graph.

    `stateful=False`, or TensorFlow would put all such calls into one order and shards could not overlap; with the time
    step as an input no two calls look alike, or TensorFlow would merge them.
    """
    stepped = tf.numpy_function(step, [t, actions, repeats], [tf.uint8, tf.float32, tf.bool, tf.int32], stateful=False)
    stepped[0].set_shape(observations.shape)
    for values in stepped[1:]:
        values.set_shape(actions.shape)
    return tuple(stepped)
