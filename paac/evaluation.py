"""Whole episodes of a trained agent, side by side, without learning."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from emulators import Emulator
from networks.actor_critic import ActorCritic
from networks.registry import make_network
from paac import exploration
from paac.checkpoint import CheckpointFolder
from paac.options import OptionError, Options
from paac.run_folder import network_settings


class Result(NamedTuple):
    """How one episode went."""

    score: float  # raw
    length: int  # plays
    cut: bool  # by the frame cap


def load_agent(run: Path, options: Options, num_actions: int) -> tuple[ActorCritic, int, list[str]]:
    """The network of the run's newest whole checkpoint, its step, and a line for each damaged one.

    Raises OptionError if there is no checkpoint.
    """
    checkpoint, damaged = CheckpointFolder(run / "checkpoints").newest()
    if checkpoint is None:
        why = f" ({'; '.join(damaged)})" if damaged else ""
        raise OptionError(f"-f {run}: no whole checkpoint there{why}; train it first, or name another run")
    network = make_network(num_actions=num_actions, **network_settings(options))
    checkpoint.restore(network=network)
    return network, checkpoint.step, [f"{line}; taking the one before it" for line in damaged]


def play_episodes(
    network: ActorCritic,
    emulators: Sequence[Emulator],
    repetition_table: Sequence[int],
    *,
    seed: int,
    greedy: bool = False,
) -> list[Result]:
    """Play one episode in each emulator, all through one batch; each stops at its own end.

    Actions and repeats are drawn from the policy as in training, or are the most probable with `greedy`.
    """
    random = np.random.default_rng(seed)
    observations = np.stack([emulator.reset() for emulator in emulators])
    scores = np.zeros(len(emulators))
    lengths = np.zeros(len(emulators), np.int64)
    choose = _greedy if greedy else _sample
    playing = list(range(len(emulators)))
    while playing:
        # Numbers for all of them, ended or not: what one episode sees does not hang on the length of another.
        noise = random.random((len(emulators), 2, exploration.DRAWS), np.float32)
        actions, choices = (chosen.numpy() for chosen in choose(network, observations, noise))
        for number in playing:
            observation, reward, _, plays = emulators[number].hold(
                int(actions[number]), repetition_table[choices[number]]
            )
            observations[number] = observation
            scores[number] += reward
            lengths[number] += plays
        playing = [number for number in playing if not emulators[number].done]
    return [
        Result(float(score), int(length), emulator.cut)
        for score, length, emulator in zip(scores, lengths, emulators, strict=True)
    ]


@tf.function(autograph=False)
def _sample(network: ActorCritic, observations: tf.Tensor, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    outputs = network(observations)
    return (
        exploration.sample(outputs.policy_logits, noise[:, 0]),
        exploration.sample(outputs.repetition_logits, noise[:, 1]),
    )


@tf.function(autograph=False)
def _greedy(network: ActorCritic, observations: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    outputs = network(observations)
    return exploration.greedy(outputs.policy_logits), exploration.greedy(outputs.repetition_logits)
