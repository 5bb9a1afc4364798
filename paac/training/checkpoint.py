"""Checkpoints: whole or not there.

    RUN/checkpoints/
        checkpoint              TensorFlow's own note of the newest one, for tf.train.latest_checkpoint
        STEP/
            weights.index, weights.data-...     network and optimizer (tf.train.Checkpoint)
            emulators.npz       a state per emulator; not there if they could not be saved
            state.json          counters, statistics, lengths of the run's logs
            manifest.json       size and SHA-256 of each file above, written last

A checkpoint is written under another name, flushed to disk and renamed. Nothing in it runs code when it is read.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from paac.cli.errors import UserError
from paac.training.run_folder import checkpoint_steps

MANIFEST = "manifest.json"
WEIGHTS = "weights"


class DamagedCheckpoint(UserError):
    """A checkpoint whose files are not those that were written; the message names the file."""


class Checkpoint:
    """A folder `checkpoints/STEP` found whole."""

    def __init__(self, folder: Path):
        """Raises DamagedCheckpoint unless every file of the manifest is there, as it was written."""
        self.folder = folder
        self.step = int(folder.name)
        try:
            manifest = json.loads((folder / MANIFEST).read_text())
            for name, entry in manifest["files"].items():
                file = folder / Path(name).name
                if file.stat().st_size != entry["size"] or _sha256(file) != entry["sha256"]:
                    raise DamagedCheckpoint(f"{file} is damaged")
            self.state: dict[str, Any] = json.loads((folder / "state.json").read_text())
        except DamagedCheckpoint:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedCheckpoint(f"{folder} is damaged ({error})") from None
        self.has_emulators: bool = "emulators.npz" in manifest["files"]

    def restore(self, **tracked: tf.Module) -> None:
        """Give these what was saved under these names. Raises DamagedCheckpoint if it is another network's."""
        try:
            with chdir(self.folder):  # TensorFlow would take a [ or * in the path for a pattern
                status = tf.train.Checkpoint(**tracked).read(WEIGHTS)
                status.assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError, LookupError, tf.errors.OpError) as error:
            raise DamagedCheckpoint(f"{self.folder} does not fit the run's options ({error})") from None

    @contextmanager
    def read(self) -> Iterator[dict[str, Any]]:
        """Its state.json. What is not as it should be in there, or in the emulators', raises DamagedCheckpoint.

        Sums of the files tell accidents; this is for what others wrote.
        """
        try:
            yield self.state
        except UserError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DamagedCheckpoint(f"{self.folder} is damaged ({error!r})") from None

    def emulator_states(self) -> list[bytes]:
        """The state of each emulator, where the checkpoint `has_emulators`."""
        with np.load(self.folder / "emulators.npz", allow_pickle=False) as states:
            return [states[name].tobytes() for name in sorted(states.files)]


class CheckpointFolder:
    """The folder `checkpoints` of a run."""

    def __init__(self, folder: Path):
        self.folder = folder

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest whole checkpoint, if there is one, and a line for each damaged one passed over."""
        damaged: list[str] = []
        for step in reversed(checkpoint_steps(self.folder)):
            try:
                return Checkpoint(self.folder / str(step)), damaged
            except DamagedCheckpoint as error:
                damaged.append(str(error))
        return None, damaged

    def write(
        self,
        step: int,
        tracked: dict[str, tf.Module],
        state: dict[str, Any],
        emulator_states: Sequence[bytes] | None,
        keep: int,
    ) -> None:
        """Write checkpoint `step` and drop all but the newest `keep`. Raises OSError, and leaves no half one."""
        aside = self.folder / f".{step}.new"
        shutil.rmtree(aside, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)  # a run that was deleted is not made anew
        aside.mkdir()
        try:
            self._fill(aside, tracked, state, emulator_states)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        final = self.folder / str(step)
        if final.exists():  # a damaged one, passed over at the start
            shutil.rmtree(final)
        os.rename(aside, final)
        _sync(self.folder)
        kept = [known for known in checkpoint_steps(self.folder) if known <= step]
        names = [f"{known}/{WEIGHTS}" for known in kept[-keep:]]
        # Of an absolute folder it keeps the names as they are, relative to it, so that a run can be moved.
        tf.compat.v1.train.update_checkpoint_state(str(self.folder.absolute()), names[-1], names)
        for old in {*kept[:-keep], *(known for known in checkpoint_steps(self.folder) if known > step)}:
            shutil.rmtree(self.folder / str(old))

    def drop_unfinished(self) -> None:
        """Remove what a killed process was writing."""
        for aside in self.folder.glob(".*.new"):
            shutil.rmtree(aside)

    def _fill(
        self,
        folder: Path,
        tracked: dict[str, tf.Module],
        state: dict[str, Any],
        emulator_states: Sequence[bytes] | None,
    ) -> None:
        try:
            tf.train.Checkpoint(**tracked).write(str(folder / WEIGHTS))
        except tf.errors.OpError as error:  # a full disk, said in TensorFlow's way
            raise OSError(f"{folder}: {error.message}") from None
        if emulator_states is not None:
            arrays = {f"{number:05}": np.frombuffer(saved, np.uint8) for number, saved in enumerate(emulator_states)}
            np.savez(folder / "emulators.npz", **arrays)  # type: ignore[arg-type]
        (folder / "state.json").write_text(json.dumps(state))
        files = {file.name: {"size": file.stat().st_size, "sha256": _sha256(file)} for file in sorted(folder.iterdir())}
        (folder / MANIFEST).write_text(json.dumps({"files": files}, indent=2))
        for file in folder.iterdir():
            _sync(file)
        _sync(folder)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Flush a file or a folder to disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
