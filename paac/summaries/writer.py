"""The curves, histograms, pictures and texts of a run, as TensorBoard events."""

import math
import os
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tensorboard.compat.proto import event_pb2
from tensorboard.plugins.image import metadata as image_metadata

from networks.actor_critic import ActorCritic
from networks.layers import Conv
from paac.cli.errors import reason_of
from paac.cli.folders import unique_names, valid_utf8
from paac.cli.options import Options
from paac.cli.safe_files import check_unchanged
from paac.learner import Update
from paac.summaries import layout
from paac.summaries.activations import layer_outputs

MAX_REPETITION_CURVES = 20  # with more repeat counts, only the histogram is written
EVENT_FRAME_BYTES = 16  # what TensorFlow adds to the content of an event
FILM_DESCRIPTION = "The first minute of an episode that the agent played at this step."


class FinishedEpisode(Protocol):
    """The attributes of an episode that are written."""

    @property
    def step(self) -> int: ...

    @property
    def reward(self) -> float: ...

    @property
    def length(self) -> int: ...


class SummaryWriter:
    """Writes the TensorBoard events of one session of a run into one file. All methods raise OSError if that fails."""

    def __init__(self, folder: Path, action_names: Sequence[str], repetition_table: Sequence[int]):
        """Create the event file in `folder`. `repetition_table` has the number of repeats of each choice."""
        earlier = set(event_files(folder))
        with os_errors(folder):
            self._writer = tf.summary.create_file_writer(str(folder))
        (self._file,) = set(event_files(folder)) - earlier
        self._whole = 0  # bytes of the file that hold whole events
        self._status: os.stat_result | None = None  # of the file after the last write
        self._action_names = unique_names(map(valid_utf8, action_names))
        self._table = np.array(repetition_table)
        self._updates: list[Update] = []

    def write_session_start(
        self,
        options: Options,
        network: ActorCritic,
        graph: Any,
        step: int = 0,
        provenance: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Write the session's options, a table of the network's weights, and the graph of an update.

        `step` is the global step at which the session starts; `provenance` are names and values that say where it runs.
        """
        rows = "\n".join(f"| {name} | {layout.escaped(value)} |" for name, value in provenance)
        weights = [
            (weight.path, tuple(weight.shape), math.prod(weight.shape)) for weight in network.trainable_variables
        ]
        sizes = "\n".join(f"| {name} | {shape} | {size:,} |" for name, shape, size in weights)
        total = f"| total | | {network.count_params():,} |"
        with self._writing(step):
            self._mark_start(step)
            layout.write(options)
            # TensorBoard sorts texts by their tags, and opens the first two: options and parameters.
            tf.summary.text("parameters", f"| weights | shape | parameters |\n|---|---|---|\n{sizes}\n{total}")
            tf.summary.text("session", valid_utf8(f"| | |\n|---|---|\n{rows}"))
            tf.summary.graph(graph)

    def _mark_start(self, step: int) -> None:
        """Write the mark at which an open TensorBoard drops the points after `step`, those of a killed session."""
        session_log = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        event = event_pb2.Event(wall_time=time.time(), step=step + 1, session_log=session_log)
        # TensorFlow's public functions for writers have none for this mark.
        tf.raw_ops.ImportEvent(writer=self._writer._resource, event=event.SerializeToString())

    def show_convolutions(self, step: int, network: ActorCritic, observation: np.ndarray) -> None:
        """Write a picture of each convolution's output for one observation, uint8 [84, 84, channels]."""
        outputs = layer_outputs(network, observation[None])
        with self._writing(step):
            tf.summary.image("convolutions/observation", tiles(observation)[None])
            for number, layer in enumerate((layer for layer in outputs if isinstance(layer, Conv)), 1):
                tf.summary.image(f"convolutions/{number}", tiles(outputs[layer][0])[None])

    def show_film(self, step: int, gif: bytes) -> None:
        """Write a film, the content of a gif file, as an image, which TensorBoard plays."""
        width, height = struct.unpack("<HH", gif[6:10])  # from the header of the gif
        with self._writing(step):
            tf.summary.write(
                "agent_plays",
                tf.constant([str(width), str(height), gif]),
                metadata=image_metadata.create_summary_metadata(display_name=None, description=FILM_DESCRIPTION),
            )

    def add(self, update: Update, episodes: Sequence[FinishedEpisode]) -> None:
        """Write the episodes that ended in `update`, and keep the update for the next `write`."""
        self._updates.append(update)
        if not episodes:
            return
        with self._writing():
            for episode in episodes:
                step = np.int64(episode.step)  # a NumPy number: TensorFlow keeps each Python number in memory
                tf.summary.scalar("rl/reward", np.float32(episode.reward), step)
                tf.summary.scalar("rl/episode_length", np.float32(episode.length), step)

    def write(
        self, step: int, last_episodes: Sequence[tuple[float, int]], values: Mapping[str, float]
    ) -> dict[str, float]:
        """Write all curves and histograms at `step`; return the values of the curves by their tags.

        The curves are the losses, the gradient statistics (if it has them) and the gradient norm of the newest update,
        statistics of `last_episodes`, which are pairs of reward and length, the frequencies of actions and repeats
        since the last `write`, and `values`, by tag.
        """
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
                    f"{group}/{name}": value
                    for name, value in episode_statistics(np.array(last_episodes)[:, column]).items()
                }
        actions = np.concatenate([update.transitions.actions for update in self._updates])
        choices = np.concatenate([update.transitions.choices for update in self._updates])
        curves |= {
            f"action_shares/{name}": np.mean(actions == action) for action, name in enumerate(self._action_names)
        }
        if len(self._table) > 1:
            curves["plays_per_decision"] = np.mean(1 + self._table[choices])
        if 1 < len(self._table) <= MAX_REPETITION_CURVES:
            curves |= {
                f"repetition_shares/{1 + repeats}_plays": np.mean(self._table[choices] == repeats)
                for repeats in self._table.tolist()
            }
        with self._writing(step):
            for tag, value in curves.items():
                tf.summary.scalar(tag, np.float32(value))
            tf.summary.histogram("actions", actions)
            tf.summary.histogram("repetitions", 1 + self._table[choices])
        self._updates.clear()
        return {tag: float(value) for tag, value in curves.items()}

    def write_evaluation(self, step: int, curves: Mapping[str, float]) -> None:
        """Write the statistics of an evaluation, by their tags."""
        with self._writing(step):
            for tag, value in curves.items():
                tf.summary.scalar(tag, np.float32(value))

    @contextmanager
    def _writing(self, step: int | None = None) -> Iterator[None]:
        """A context that writes events, by default at `step`, and flushes them to the file."""
        self.check_unchanged()  # TensorFlow would write on at the old place
        try:
            with os_errors(self._file), self._writer.as_default(step=None if step is None else np.int64(step)):
                yield
        finally:
            self._whole = whole_events(self._file, self._whole)
            is_whole = self._file.stat().st_size == self._whole
            if not is_whole:
                os.truncate(self._file, self._whole)
            self._status = os.lstat(self._file)
        if not is_whole:  # TensorFlow does not report all failures to write
            raise OSError(f"{self._file}: cannot be written: the disk is full, or the file reaches a limit of its size")

    def check_unchanged(self) -> None:
        """Raise OSError if another program has changed, replaced or deleted the file since the last write."""
        if self._status:
            check_unchanged(self._file, self._status)

    def close(self) -> None:
        """Close the file."""
        with os_errors(self._file):
            self._writer.close()


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """A context in which TensorFlow's errors about the file or folder become an OSError of one line."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"{path}: cannot be written ({reason_of(error)})") from None


def event_files(folder: Path) -> list[Path]:
    """Return TensorBoard's event files in `folder`, sorted by name."""
    return sorted(folder.glob("*.tfevents.*"))


def whole_events(file: Path, start: int = 0) -> int:
    """Return the number of bytes at the beginning of an event file that hold whole events.

    `start` is such a number. An event is its length (8 bytes) with a checksum (4 bytes), and its content with another.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        while start + EVENT_FRAME_BYTES <= size:
            opened.seek(start)
            end = start + EVENT_FRAME_BYTES + int.from_bytes(opened.read(8), "little")
            if end > size:
                break
            start = end
    return start


def episode_statistics(values: np.ndarray) -> dict[str, float]:
    """Return statistics of `values`; `std_over_mean`, the coefficient of variation, is at most 2, and 2 for mean 0."""
    mean, std = float(values.mean()), float(values.std())
    return {
        "mean": mean,
        "min": float(values.min()),
        "max": float(values.max()),
        "std": std,
        "std_over_mean": min(2.0, abs(std / mean)) if mean else 2.0,
    }


def tiles(channels: np.ndarray) -> np.ndarray:
    """Return all channels of [height, width, n] as tiles of a nearly square picture, uint8 [pixel rows, columns, 1].

    Each channel is scaled so that its minimum is black and its maximum is white.
    """
    height, width, count = channels.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    low, high = channels.min(axis=(0, 1)), channels.max(axis=(0, 1))
    scaled = 255.0 * (channels - low) / np.maximum(high - low, 1e-9)
    padded = np.zeros((rows * columns, height, width))
    padded[:count] = scaled.transpose(2, 0, 1)
    picture = padded.reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    return picture.reshape(rows * height, columns * width, 1).astype(np.uint8)
