"""T decisions of one shard of emulators, inside the TensorFlow graph."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol
from weakref import ref

import numpy as np
import tensorflow as tf

from networks.actor_critic import ActorCritic

# (time step, actions int32 [b], repeats int32 [b]) -> the results of `EmulatorPool.step`, in the order of `StepResult`
StepEmulators = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, ...]]
# (logits float32 [b, n], uniforms float32 [b, UNIFORMS_PER_SELECTION]) -> the index selected for each row, int32 [b]
Select = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class Pool(Protocol):
    """The part of `EmulatorPool` that the learner uses."""

    count: int
    shards: list[range]

    @property
    def failure(self) -> Exception | None: ...

    @property
    def observations(self) -> np.ndarray: ...

    def step(self, shard: int, actions: np.ndarray, repeats: np.ndarray) -> tuple[np.ndarray, ...]: ...


class Uniforms(NamedTuple):
    """The random numbers of b emulators for one update, float32, uniform in [0, 1)."""

    heads: tf.Tensor  # [T, b, 2, UNIFORMS_PER_SELECTION], for the actions and for the choices of repeats
    torso: tf.Tensor  # [T + 1, b, torso.num_uniforms]; the last row is for the bootstrap value

    def for_emulators(self, emulators: slice) -> "Uniforms":
        """Return the numbers of a slice of the emulators."""
        return Uniforms(self.heads[:, emulators], self.torso[:, emulators])


class Transitions(NamedTuple):
    """T decisions of b emulators and their results: tensors inside the graph, NumPy arrays in an `Update`."""

    actions: tf.Tensor  # int32 [T, b]
    choices: tf.Tensor  # int32 [T, b], indices into the repetition table
    rewards: tf.Tensor  # float64 [T, b], not clipped
    dones: tf.Tensor  # bool [T, b]
    plays: tf.Tensor  # int32 [T, b]


class Rollout(NamedTuple):
    """The transitions of b emulators, and what the learner needs to learn from them."""

    transitions: Transitions
    encodings: list[list[tf.Tensor]]  # for each time step, the encodings that its decisions used, [b, E], oldest first
    bootstrap: tf.Tensor  # float32 [b], value of the observations after the last decision
    history: list[tf.Tensor]  # the observation history that the next rollout starts with


class ObservationHistory(tf.Module):
    """The earlier observations that a torso uses, uint8 [B, 84, 84, channels] each, oldest first.

    Zeros stand for the observations before the start of an episode.
    """

    def __init__(self, length: int, shape: Sequence[int]):
        super().__init__()
        self.observations = [tf.Variable(tf.zeros(shape, tf.uint8), trainable=False) for _ in range(length)]


def collect_rollout(
    network: ActorCritic,
    step_emulators: StepEmulators,
    select: Select,
    observations: tf.Tensor,
    history: list[tf.Tensor],
    uniforms: Uniforms,
    repetition_table: Sequence[int],
) -> Rollout:
    """Make T decisions with `network`, one for each row of `uniforms.heads`, starting from `observations`.

    `observations` are uint8 [b, 84, 84, channels]. `history` is as in `ObservationHistory`, for these b emulators. The
    weights do not change during a rollout, so each observation is encoded once for all decisions that use it.
    """
    table = tf.constant(repetition_table, tf.int32)
    blank_observations = tf.zeros_like(observations)
    blank_encodings = network.blank_encodings(observations.shape[0]) if history else None
    history_encodings = tf.split(network.encode(tf.concat(history, axis=0)), len(history)) if history else []
    transitions, used_encodings = [], []
    for t in range(uniforms.heads.shape[0]):
        encodings = [*history_encodings, network.encode(observations)]
        outputs = network.compute_outputs(encodings, uniforms.torso[t])
        actions = select(outputs.policy_logits, uniforms.heads[t, :, 0])
        choices = select(outputs.repetition_logits, uniforms.heads[t, :, 1])
        repeats = tf.gather(table, choices)
        next_observations, rewards, dones, plays = _call_step(step_emulators, t, observations, actions, repeats)
        transitions.append(Transitions(actions, choices, rewards, dones, plays))
        used_encodings.append(encodings)
        # Where an episode ended, the next one starts with a blank history.
        history_encodings = [_where(dones, blank_encodings, encoding) for encoding in encodings[1:]]
        history = [_where(dones, blank_observations, earlier) for earlier in [*history, observations][1:]]
        observations = next_observations
    bootstrap = network.compute_outputs([*history_encodings, network.encode(observations)], uniforms.torso[-1]).value
    return Rollout(Transitions(*map(tf.stack, zip(*transitions, strict=True))), used_encodings, bootstrap, history)


def step_shard(
    reference: "ref[Pool]", shard: int, _: np.ndarray, actions: np.ndarray, repeats: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Step one shard of the pool. The third argument, the time step, only keeps calls apart (see `_call_step`).

    TensorFlow never frees a function that a graph calls, nor anything that it refers to, so the reference is weak.
    """
    pool = reference()
    assert pool is not None, "the pool was freed before its learner"
    return pool.step(shard, actions, repeats)


def _where(dones: tf.Tensor, then: tf.Tensor, otherwise: tf.Tensor) -> tf.Tensor:
    """Select rows of `then` where `dones` [b] is true, else of `otherwise`; both are [b, ...]."""
    return tf.where(tf.reshape(dones, [-1] + [1] * (then.shape.rank - 1)), then, otherwise)


def _call_step(
    step_emulators: StepEmulators, t: int, observations: tf.Tensor, actions: tf.Tensor, repeats: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Step the emulators by one decision, outside the graph.

    With `stateful=True` TensorFlow would run all such calls one after the other, and shards could not overlap. With
    `stateful=False` it may merge calls that have the same inputs, so the time step is an input too.
    """
    stepped = tf.numpy_function(
        step_emulators, [t, actions, repeats], [tf.uint8, tf.float64, tf.bool, tf.int32], stateful=False
    )
    stepped[0].set_shape(observations.shape)
    for values in stepped[1:]:
        values.set_shape(actions.shape)
    return tuple(stepped)
