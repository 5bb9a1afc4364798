"""Evaluation of a trained agent over whole episodes, which run in parallel."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from emulators import Emulator
from figar import joint_policy
from networks.actor_critic import ActorCritic
from paac import exploration


class EpisodeResult(NamedTuple):
    """The score of one episode, and statistics of its policy."""

    score: float  # sum of the rewards, not clipped
    length: int  # in plays
    truncated: bool  # ended by a limit on its length, not by the game
    entropy: float  # of the policy over actions, in nats, mean over the decisions
    # Between the action and the dropout mask, in nats, mean over the decisions: the entropy minus the mean entropy of
    # the dropout samples (BALD: Houlsby et al. 2011). It is 0 with one sample.
    mutual_information: float


class Decision(NamedTuple):
    """One decision of the agent, with the network's outputs behind it."""

    action: int
    choice: int  # index into the repetition table
    policy: np.ndarray  # float32 [A], probabilities of the actions
    repetition: np.ndarray  # float32 [R], probabilities of the choices
    value: float
    score: float  # sum of the rewards, not clipped, before this decision


class Watcher(Protocol):
    """Receives the decisions of one episode."""

    def on_decision(self, decision: Decision) -> None:
        """Receive a decision before it is played."""

    def on_end(self, score: float) -> None:
        """Receive the final score when the episode has ended."""


def play_episodes(
    network: ActorCritic,
    emulators: Sequence[Emulator],
    repetition_table: Sequence[int],
    *,
    seed: int,
    epsilon: float | None = None,
    dropout_samples: int = 1,
    watchers: Sequence[Watcher] = (),
) -> list[EpisodeResult]:
    """Play one episode in each emulator, all in one batch, each to its own end.

    Actions and repeats are drawn from the policies, or, with an `epsilon`, selected epsilon-greedily; 0 takes the most
    probable ones. The policies are the mean over `dropout_samples` forward passes, each with its own dropout mask (Gal
    and Ghahramani 2016). Watcher i receives the decisions of emulator i; there may be fewer `watchers` than emulators.
    """
    count = len(emulators)
    actor = Actor(network, count, seed=seed, epsilon=epsilon, dropout_samples=dropout_samples)
    observations = np.stack([emulator.reset() for emulator in emulators])
    totals = np.zeros((count, 5))  # score, plays, decisions, entropy, mutual information
    while playing := [i for i in range(count) if not emulators[i].done]:
        batch = actor.decide(observations)
        for i in playing:
            if i < len(watchers):
                watchers[i].on_decision(batch.decision(i, score=float(totals[i, 0])))
            repeats = repetition_table[batch.choices[i]]
            observations[i], reward, _, plays = emulators[i].hold(int(batch.actions[i]), repeats)
            totals[i] += reward, plays, 1, batch.entropies[i], batch.mutual_informations[i]
    for watcher, score in zip(watchers, totals[:, 0].tolist(), strict=False):
        watcher.on_end(score)
    return [
        EpisodeResult(score, int(plays), emulator.truncated, entropy / decisions, information / decisions)
        for emulator, (score, plays, decisions, entropy, information) in zip(emulators, totals.tolist(), strict=True)
    ]


class Actor:
    """Decides in `count` episodes at once. `play_episodes` explains the arguments."""

    def __init__(
        self,
        network: ActorCritic,
        count: int,
        *,
        seed: int | None,
        epsilon: float | None = None,
        dropout_samples: int = 1,
    ):
        self._network = network
        self._count = count
        self._dropout_samples = dropout_samples
        # Created here, the graphs are freed with the actor. A module-level `tf.function` would keep those of all.
        select = exploration.sample if epsilon is None else partial(exploration.epsilon_greedy, epsilon=epsilon)
        self._encode = tf.function(network.encode, autograph=False)
        self._decide = tf.function(partial(_decide, network, select=select), autograph=False)
        self._random = np.random.default_rng(seed)
        self.reset()

    def reset(self, seed: int | None = None) -> None:
        """Start new episodes: forget the earlier observations, and restart the random numbers if `seed` is given."""
        if seed is not None:
            self._random = np.random.default_rng(seed)
        self._encodings = [self._network.blank_encodings(self._count)] * (1 + self._network.torso.history_length)

    def decide(self, observations: np.ndarray) -> "Decisions":
        """Decide for the newest observation of each episode, uint8 [count, 84, 84, channels]; returns NumPy arrays."""
        # Finished episodes get random numbers too, so that no episode depends on the lengths of the others.
        shape = (self._count, 2, exploration.UNIFORMS_PER_SELECTION)
        head_uniforms = self._random.random(shape, np.float32)
        shape = (self._dropout_samples, self._count, self._network.torso.num_uniforms)
        torso_uniforms = self._random.random(shape, np.float32)
        self._encodings = [*self._encodings[1:], self._encode(observations)]
        return Decisions(*map(np.asarray, self._decide(self._encodings, torso_uniforms, head_uniforms)))


class Decisions(NamedTuple):
    """Decisions for B observations: tensors inside the graph, NumPy arrays outside it."""

    actions: tf.Tensor  # int32 [B]
    choices: tf.Tensor  # int32 [B]
    entropies: tf.Tensor  # float32 [B]
    mutual_informations: tf.Tensor  # float32 [B]
    policy_logits: tf.Tensor  # float32 [B, A]
    repetition_logits: tf.Tensor  # float32 [B, R]
    values: tf.Tensor  # float32 [B]

    def decision(self, i: int, score: float) -> Decision:
        """Return the decision for observation `i`, made when the episode had this `score`."""
        return Decision(
            int(self.actions[i]),
            int(self.choices[i]),
            tf.nn.softmax(self.policy_logits[i]).numpy(),
            tf.nn.softmax(self.repetition_logits[i]).numpy(),
            float(self.values[i]),
            score,
        )


def _decide(
    network: ActorCritic,
    encodings: list[tf.Tensor],
    torso_uniforms: tf.Tensor,
    head_uniforms: tf.Tensor,
    select: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
) -> Decisions:
    """Decide by the mean policies and the mean value of the dropout samples.

    Encodings as in `ActorCritic.compute_outputs`; torso_uniforms float32 [samples, B, torso.num_uniforms];
    head_uniforms float32 [B, 2, UNIFORMS_PER_SELECTION].
    """
    samples, count, num_uniforms = torso_uniforms.shape
    tiled = [tf.tile(encoding, [samples] + [1] * (encoding.shape.rank - 1)) for encoding in encodings]
    outputs = network.compute_outputs(tiled, tf.reshape(torso_uniforms, [samples * count, num_uniforms]))
    policy_logits, repetition_logits, values = (tf.reshape(part, [samples, count, *part.shape[1:]]) for part in outputs)
    mean_policy, mean_repetition = _mean_logits(policy_logits), _mean_logits(repetition_logits)
    entropy = joint_policy.entropy(mean_policy)
    sample_entropy = tf.reduce_mean(joint_policy.entropy(policy_logits), axis=0)
    return Decisions(
        select(mean_policy, head_uniforms[:, 0]),
        select(mean_repetition, head_uniforms[:, 1]),
        entropy,
        entropy - sample_entropy,
        mean_policy,
        mean_repetition,
        tf.reduce_mean(values, axis=0),
    )


def _mean_logits(logits: tf.Tensor) -> tf.Tensor:
    """Return the logits [B, n] of the mean of the softmax policies with these `logits` [samples, B, n]."""
    if logits.shape[0] == 1:
        return logits[0]
    return tf.reduce_logsumexp(tf.nn.log_softmax(logits), axis=0)
