"""The curves, histograms and pictures of a training, as TensorBoard events."""

import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tensorboard.plugins.image import metadata as image_metadata

from networks.actor_critic import ActorCritic
from networks.layers import Conv
from paac.cli.options import Options
from paac.learner import Update
from paac.summaries import layout
from paac.summaries.activations import layer_outputs

MOST_SHARES = 20  # curves of choices; more are for the histogram only
FILM = "One episode of the agent as it was then, a minute of it at most."


class FinishedEpisode(Protocol):
    """What the curves need of an episode."""

    @property
    def step(self) -> int: ...

    @property
    def reward(self) -> float: ...

    @property
    def length(self) -> int: ...


class Summaries:
    """TensorBoard's event file of this process; `write` it every now and then."""

    def __init__(self, folder: Path, num_actions: int, repetition_table: Sequence[int]):
        """`repetition_table` as in the options."""
        self._writer = tf.summary.create_file_writer(str(folder))
        self._num_actions = num_actions
        self._table = np.array(repetition_table)
        self._updates: list[Update] = []

    def describe(self, options: Options, network: ActorCritic, graph: Any, step: int = 0) -> None:
        """What a session begins with, at `step`: its options, the network's weights as a table, an update's graph."""
        weights = [
            (weight.path, tuple(weight.shape), math.prod(weight.shape)) for weight in network.trainable_variables
        ]
        sizes = "\n".join(f"| {name} | {shape} | {size:,} |" for name, shape, size in weights)
        total = f"| together | | {network.count_params():,} |"
        with self._writer.as_default(step=np.int64(step)):
            layout.write(options)
            tf.summary.text("network", f"| weights | shape | parameters |\n|---|---|---|\n{sizes}\n{total}")
            tf.summary.graph(graph)

    def show_convolutions(self, step: int, network: ActorCritic, observation: np.ndarray) -> None:
        """A picture of each convolution, all filters side by side, for one observation, uint8 [84, 84, channels]."""
        outputs = layer_outputs(network, observation[None])
        with self._writer.as_default(step=step):
            tf.summary.image("convolutions/observation", tiles(observation)[None])
            for number, layer in enumerate((layer for layer in outputs if isinstance(layer, Conv)), 1):
                tf.summary.image(f"convolutions/{number}", tiles(outputs[layer][0])[None])

    def show_film(self, step: int, gif: bytes) -> None:
        """A film among the pictures: TensorBoard shows what a gif file holds."""
        width, height = struct.unpack("<HH", gif[6:10])  # as the header of a gif says
        with self._writer.as_default():
            tf.summary.write(
                "agent_plays",
                tf.constant([str(width), str(height), gif]),
                step=np.int64(step),
                metadata=image_metadata.create_summary_metadata(display_name=None, description=FILM),
            )

    def add(self, update: Update, episodes: Sequence[FinishedEpisode]) -> None:
        """Take note of one update; episodes are written at once, the rest with the next `write`."""
        self._updates.append(update)
        if not episodes:  # the writer flushes each time it is used
            return
        with self._writer.as_default():
            for episode in episodes:
                step = np.int64(episode.step)  # of NumPy: TensorFlow keeps every Python number
                tf.summary.scalar("rl/reward", np.float32(episode.reward), step)
                tf.summary.scalar("rl/episode_length", np.float32(episode.length), step)

    def write(self, step: int, last_episodes: Sequence[tuple[float, int]], values: Mapping[str, float]) -> None:
        """Write the curves at `step`: the newest update's, those of the last episodes, and further `values` by tag."""
        update = self._updates[-1]
        curves: dict[str, Any] = dict(values)
        for name, value in zip(update.losses._fields, update.losses, strict=True):
            curves[f"loss/{name}"] = value
        if update.gradients is not None:
            for name, value in update.gradients._asdict().items():
                curves[f"raw_gradients/{name}"] = value
        curves["global_norm"] = update.global_norm
        for group, column in (("rewards_per_episode", 0), ("steps_per_episode", 1)):
            if last_episodes:
                curves |= {
                    f"{group}/{name}": value for name, value in spread(np.array(last_episodes)[:, column]).items()
                }
        actions = np.concatenate([update.transitions.actions for update in self._updates])
        choices = np.concatenate([update.transitions.choices for update in self._updates])
        curves |= {f"action_shares/{action}": np.mean(actions == action) for action in range(self._num_actions)}
        if 1 < len(self._table) <= MOST_SHARES:
            curves |= {
                f"repetition_shares/{1 + repeats}_plays": np.mean(choices == choice)
                for choice, repeats in enumerate(self._table.tolist())
            }
        with self._writer.as_default(step=np.int64(step)):
            for tag, value in curves.items():
                tf.summary.scalar(tag, np.float32(value))
            tf.summary.histogram("actions", actions)
            tf.summary.histogram("repetitions", 1 + self._table[choices])
        self._updates.clear()

    def flush(self) -> None:
        """Put everything into the file."""
        self._writer.flush()

    def close(self) -> None:
        """Flush and close the file."""
        self._writer.close()


def spread(values: np.ndarray) -> dict[str, float]:
    """How `values` lie; std_over_mean is held at 2, also where the mean is 0."""
    mean, std = float(values.mean()), float(values.std())
    return {
        "mean": mean,
        "min": float(values.min()),
        "max": float(values.max()),
        "std": std,
        "std_over_mean": min(2.0, abs(std / mean)) if mean else 2.0,
    }


def tiles(channels: np.ndarray) -> np.ndarray:
    """All channels of [height, width, n] side by side in a near-square picture, uint8 [rows, columns, 1].

    Each is as bright as it can be: its own least value is black, its greatest white.
    """
    height, width, count = channels.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    low, high = channels.min(axis=(0, 1)), channels.max(axis=(0, 1))
    bright = 255.0 * (channels - low) / np.maximum(high - low, 1e-9)
    padded = np.zeros((rows * columns, height, width))
    padded[:count] = bright.transpose(2, 0, 1)
    picture = padded.reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    return picture.reshape(rows * height, columns * width, 1).astype(np.uint8)
