"""Reading the files of a run."""

import csv
import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import tensorflow as tf

from paac.training.checkpoint_folder import CheckpointFolder
from tests.helpers.commands import wait_for


def newest_step(run: Path) -> int:
    """Return the step of the newest complete checkpoint, even if it was damaged later; 0 if there is none."""
    return max(CheckpointFolder(run / "checkpoints").steps(), default=0)


def wait_for_checkpoint(process: subprocess.Popen, run: Path, step: int) -> None:
    """Wait until the training in `process` has saved at `step` or later; the first may already be deleted."""
    wait_for(lambda: newest_step(run) >= step or process.poll() is not None)
    assert process.poll() is None, process.communicate()


def weights(run: Path) -> dict[str, np.ndarray]:
    """Return all variables in the newest checkpoint."""
    newest = tf.train.latest_checkpoint(run / "checkpoints")
    reader = tf.train.load_checkpoint(newest)
    return {
        name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if name.endswith("VARIABLE_VALUE")
    }


def assert_same_weights(one: Path, other: Path) -> None:
    mine, theirs = weights(one), weights(other)
    assert mine.keys() == theirs.keys() and len(mine) > 10
    assert [name for name in mine if not np.array_equal(mine[name], theirs[name])] == []


def forge(file: Path, content: bytes) -> None:
    """Write a file of a checkpoint, with its size and checksum in the manifest."""
    file.write_bytes(content)
    manifest = json.loads((file.parent / "manifest.json").read_text())
    manifest["files"][file.name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (file.parent / "manifest.json").write_text(json.dumps(manifest))


def episodes(run: Path) -> list[tuple[str, ...]]:
    """Return the rows of episodes.csv without the column of seconds."""
    with (run / "episodes.csv").open() as file:
        return [(row["step"], row["emulator"], row["reward"], row["length"]) for row in csv.DictReader(file)]


def points(run: Path, tag: str) -> list[tuple[int, float]]:
    """Return the (step, value) points of a TensorBoard curve from all event files of the run."""
    found = []
    for file in sorted((run / "tf").iterdir()):  # their names begin with the time of opening
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            found += [
                (event.step, float(tf.make_ndarray(value.tensor))) for value in event.summary.value if value.tag == tag
            ]
    return found
