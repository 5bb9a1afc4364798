"""T decisions of one shard of emulators, inside the graph."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol
from weakref import ref

import numpy as np
import tensorflow as tf

from networks.actor_critic import ActorCritic

# (time step, actions int32 [b], repeats int32 [b]) -> observations, rewards, dones, plays; see `EmulatorPool.step`
Step = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, ...]]
# (logits float32 [b, n], uniform numbers float32 [b, DRAWS]) -> an index for each, int32 [b]
Choose = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class Pool(Protocol):
    """What the learner needs of `EmulatorPool`."""

    count: int
    shards: list[range]

    @property
    def failure(self) -> Exception | None: ...

    @property
    def observations(self) -> np.ndarray: ...

    def step(self, shard: int, actions: np.ndarray, repeats: np.ndarray) -> tuple[np.ndarray, ...]: ...


class Uniforms(NamedTuple):
    """Random numbers, uniform in [0, 1), that b emulators use in one update, float32."""

    heads: tf.Tensor  # [T, b, 2, DRAWS], for the actions and for the choices
    torso: tf.Tensor  # [T + 1, b, torso.noise], the torso's own; the last row is for the bootstrap value

    def for_emulators(self, emulators: slice) -> "Uniforms":
        """The numbers of some of the emulators."""
        return Uniforms(self.heads[:, emulators], self.torso[:, emulators])


class Played(NamedTuple):
    """What b emulators did in T decisions."""

    actions: tf.Tensor  # int32 [T, b]
    choices: tf.Tensor  # int32 [T, b], indices into the repetition table
    rewards: tf.Tensor  # float32 [T, b], raw
    dones: tf.Tensor  # bool [T, b]
    plays: tf.Tensor  # int32 [T, b], how many times the action was played


class Rollout(NamedTuple):
    """What b emulators did, and what the learner needs to learn from it."""

    played: Played
    windows: list[list[tf.Tensor]]  # for each decision, the encodings that it used, [b, E] each, oldest first
    bootstrap: tf.Tensor  # float32 [b], value of the observations after the last decision
    history: list[tf.Tensor]  # the observation history that the next rollout starts with


class ObservationHistory(tf.Module):
    """The earlier observations that a torso uses, uint8 [B, 84, 84, channels] each, oldest first.

    Zeros stand for what was before an episode.
    """

    def __init__(self, length: int, shape: Sequence[int]):
        super().__init__()
        self.observations = [tf.Variable(tf.zeros(shape, tf.uint8), trainable=False) for _ in range(length)]


def play(
    network: ActorCritic,
    step: Step,
    choose: Choose,
    observations: tf.Tensor,
    history: Sequence[tf.Tensor],
    uniforms: Uniforms,
    repetition_table: Sequence[int],
) -> Rollout:
    """Play T decisions with `network`, starting from `observations`, uint8 [b, 84, 84, channels].

    Weights do not change on the way, so each observation is encoded once, for all decisions that use it.

    Args:
        history: The earlier observations that the torso uses, each of the shape of `observations`, oldest first.
            Zeros stand for what was before the episode.
        repetition_table: The numbers of repeats to choose from (FiGAR).
    """
    table = tf.constant(repetition_table, tf.int32)
    history = list(history)
    zero_observations, zero_encodings, past = tf.zeros_like(observations), None, []
    if history:
        zero_encodings = network.blank(observations.shape[0])
        past = tf.split(network.encode(tf.concat(history, axis=0)), len(history))
    decisions, windows = [], []
    for t in range(uniforms.heads.shape[0]):
        window = [*past, network.encode(observations)]
        outputs = network.decide(window, uniforms.torso[t])
        actions = choose(outputs.policy_logits, uniforms.heads[t, :, 0])
        choices = choose(outputs.repetition_logits, uniforms.heads[t, :, 1])
        stepped, rewards, dones, plays = _call_step(step, t, observations, actions, tf.gather(table, choices))
        decisions.append(Played(actions, choices, rewards, dones, plays))
        windows.append(window)
        # Where an episode ended, the next one starts without a past.
        past = [_where(dones, zero_encodings, encoding) for encoding in window[1:]]
        history = [_where(dones, zero_observations, earlier) for earlier in [*history, observations][1:]]
        observations = stepped
    bootstrap = network.decide([*past, network.encode(observations)], uniforms.torso[-1]).value
    return Rollout(Played(*map(tf.stack, zip(*decisions, strict=True))), windows, bootstrap, history)


def step_shard(
    pool: "ref[Pool]", shard: int, _: np.ndarray, actions: np.ndarray, repeats: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Step one shard of the pool.

    The reference to the pool is weak: TensorFlow keeps every function that a graph calls until the process ends, and
    with it everything that the function holds.
    """
    alive = pool()
    assert alive is not None, "the pool was freed before its learner"
    observations, *others = alive.step(shard, actions, repeats)
    return observations.copy(), *others  # TensorFlow may keep the very memory, which the next step overwrites


def _where(dones: tf.Tensor, then: tf.Tensor, otherwise: tf.Tensor) -> tf.Tensor:
    """Row by row, for tensors [b, ...]."""
    return tf.where(tf.reshape(dones, [-1] + [1] * (then.shape.rank - 1)), then, otherwise)


def _call_step(
    step: Step, t: int, observations: tf.Tensor, actions: tf.Tensor, repeats: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Play one decision outside the graph.

    By default TensorFlow runs all such calls in one order, and shards could not overlap: hence `stateful=False`. Calls
    that look alike would then be merged: hence the time step as an input.
    """
    stepped = tf.numpy_function(step, [t, actions, repeats], [tf.uint8, tf.float32, tf.bool, tf.int32], stateful=False)
    stepped[0].set_shape(observations.shape)
    for values in stepped[1:]:
        values.set_shape(actions.shape)
    return tuple(stepped)
