"""Whole episodes of a trained agent, side by side, without learning."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from emulators import Emulator
from figar import joint_policy
from networks.actor_critic import ActorCritic
from paac import exploration


class Result(NamedTuple):
    """How one episode went."""

    score: float  # raw
    length: int  # plays
    truncated: bool  # ended by the frame cap
    entropy: float  # of the policy over actions, nats, mean over the decisions
    disagreement: float  # the part of it that comes from the dropout samples not being of one mind, nats


class Decision(NamedTuple):
    """What the agent thought before one decision, and chose."""

    action: int
    choice: int  # index into the repetition table
    policy: np.ndarray  # float32 [A], probabilities of the actions
    repetition: np.ndarray  # float32 [R], of the choices
    value: float
    score: float  # raw, of the decisions before


class Watcher(Protocol):
    """Is told what the agent of one episode thinks."""

    def decide(self, decision: Decision) -> None:
        """The agent has chosen; next, it is played."""

    def end(self, score: float) -> None:
        """The episode has ended."""


def play_episodes(
    network: ActorCritic,
    emulators: Sequence[Emulator],
    repetition_table: Sequence[int],
    *,
    seed: int,
    greedy: bool = False,
    dropout_samples: int = 1,
    watchers: Sequence[Watcher] = (),
) -> list[Result]:
    """Play one episode in each emulator, all through one batch; each stops at its own end.

    Actions and repeats are drawn from the policy as in training, or are the most probable with `greedy`. The policy is
    the mean of `dropout_samples` passes, each with its own dropout (Gal and Ghahramani 2016). The first emulators may
    have `watchers`, who change nothing.
    """
    random = np.random.default_rng(seed)
    count = len(emulators)
    encode, decide = _compile(network, greedy)
    observations = np.stack([emulator.reset() for emulator in emulators])
    totals = np.zeros((count, 5))  # score, plays, decisions, entropy and disagreement
    encodings = [network.blank(count)] * network.torso.memory
    playing = list(range(count))
    while playing:
        # Numbers for all of them, ended or not: what one episode sees does not hang on the length of another.
        noise = random.random((count, 2, exploration.DRAWS), np.float32)
        torso_noise = random.random((dropout_samples, count, network.torso.noise), np.float32)
        encodings = [*encodings, encode(observations)]
        batch = _Decisions(*map(np.asarray, decide(encodings, torso_noise, noise)))
        encodings = encodings[1:]
        for number in playing:
            if number < len(watchers):
                watchers[number].decide(batch.decision(number, score=float(totals[number, 0])))
            repeats = repetition_table[batch.choices[number]]
            observations[number], reward, _, plays = emulators[number].hold(int(batch.actions[number]), repeats)
            totals[number] += reward, plays, 1, batch.entropies[number], batch.disagreements[number]
        playing = [number for number in playing if not emulators[number].done]
    for watcher, score in zip(watchers, totals[:, 0].tolist(), strict=False):
        watcher.end(score)
    return [_result(emulator, *total) for emulator, total in zip(emulators, totals.tolist(), strict=True)]


def _compile(network: ActorCritic, greedy: bool) -> tuple[Callable, Callable]:
    """The network's encoding of observations, and `_decide`, as graphs.

    They are made for one network and freed with it: a `tf.function` of the module keeps those of all networks.
    """
    choose = _most_probable if greedy else exploration.sample
    decide = partial(_decide, network, choose=choose)
    return tf.function(network.encode, autograph=False), tf.function(decide, autograph=False)


def _result(
    emulator: Emulator, score: float, plays: float, decisions: float, entropy: float, disagreement: float
) -> Result:
    return Result(score, int(plays), emulator.truncated, entropy / decisions, disagreement / decisions)


class _Decisions(NamedTuple):
    """What the agent decides for B observations, and why."""

    actions: tf.Tensor  # int32 [B]
    choices: tf.Tensor  # int32 [B]
    entropies: tf.Tensor  # float32 [B]
    disagreements: tf.Tensor  # float32 [B]
    policy_logits: tf.Tensor  # float32 [B, A]
    repetition_logits: tf.Tensor  # float32 [B, R]
    values: tf.Tensor  # float32 [B]

    def decision(self, number: int, score: float) -> Decision:
        """One of them."""
        return Decision(
            int(self.actions[number]),
            int(self.choices[number]),
            tf.nn.softmax(self.policy_logits[number]).numpy(),
            tf.nn.softmax(self.repetition_logits[number]).numpy(),
            float(self.values[number]),
            score,
        )


def _decide(
    network: ActorCritic,
    encodings: list[tf.Tensor],
    torso_noise: tf.Tensor,
    noise: tf.Tensor,
    choose: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
) -> _Decisions:
    """What to do; `torso_noise` float32 [samples, B, torso.noise]."""
    outputs = [network.decide(encodings, torso_noise[sample]) for sample in range(torso_noise.shape[0])]
    policy = _mean([output.policy_logits for output in outputs])
    repetition = _mean([output.repetition_logits for output in outputs])
    entropy = joint_policy.entropy(policy)
    single = tf.add_n([joint_policy.entropy(output.policy_logits) for output in outputs]) / len(outputs)
    return _Decisions(
        choose(policy, noise[:, 0]),
        choose(repetition, noise[:, 1]),
        entropy,
        entropy - single,
        policy,
        repetition,
        tf.add_n([output.value for output in outputs]) / len(outputs),
    )


def _mean(logits: list[tf.Tensor]) -> tf.Tensor:
    """Logits of the mean of the policies that each of `logits` [B, n] stands for."""
    if len(logits) == 1:
        return logits[0]
    return tf.reduce_logsumexp(tf.stack([tf.nn.log_softmax(sample) for sample in logits]), axis=0)


def _most_probable(logits: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
    return exploration.greedy(logits)
