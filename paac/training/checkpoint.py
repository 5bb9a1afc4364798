"""Checkpoints: whole or not there.

    RUN/checkpoints/
        checkpoint              TensorFlow's own note of the newest one, for tf.train.latest_checkpoint
        STEP/
            weights.index, weights.data-...     network, optimizer, and the earlier observations that
                                                a torso uses (tf.train.Checkpoint)
            emulators.npz       a state per emulator; not there if they could not be saved
            state.json          counters, statistics, lengths of the run's logs
            manifest.json       size and SHA-256 of each file above, written last

A checkpoint is written under another name, flushed to disk and renamed. Nothing in it runs code when it is read.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from paac.cli.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf  # late: scripts look at checkpoints without it

EMULATORS = "emulators.npz"
MANIFEST = "manifest.json"
STATE = "state.json"
WEIGHTS = "weights"
NOTE = "checkpoint"


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
            self.state: dict[str, Any] = json.loads((folder / STATE).read_text())
        except DamagedCheckpoint:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedCheckpoint(f"{folder} is damaged ({error})") from None
        self.has_emulators: bool = EMULATORS in manifest["files"]

    def restore(self, **tracked: "tf.Module") -> None:
        """Give these what was saved under these names. Raises DamagedCheckpoint if it is another network's."""
        import tensorflow as tf

        try:
            with chdir(self.folder):  # TensorFlow would take a [ or * in the path for a pattern
                status = tf.train.Checkpoint(**tracked).read(WEIGHTS)
                status.assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError, LookupError, tf.errors.OpError) as error:
            raise DamagedCheckpoint(f"{self.folder} does not fit the run's options ({error})") from None

    def emulator_states(self) -> list[bytes]:
        """The state of each emulator, where the checkpoint `has_emulators`. Raises DamagedCheckpoint."""
        try:
            with np.load(self.folder / EMULATORS, allow_pickle=False) as states:
                return [states[name].tobytes() for name in sorted(states.files)]
        except (OSError, LookupError, ValueError, AttributeError, BadZipFile) as error:  # what others wrote
            raise DamagedCheckpoint(f"{self.folder} is damaged ({error!r})") from None


class CheckpointFolder:
    """The folder `checkpoints` of a run."""

    def __init__(self, folder: Path):
        self.folder = folder

    def steps(self) -> list[int]:
        """The global steps of the checkpoints here, rising; they may be damaged."""
        names = [path.name for path in self.folder.glob("[0-9]*") if path.is_dir()]
        return sorted(int(name) for name in names if name.isdecimal() and name == str(int(name)))

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest whole checkpoint, if there is one, and a line for each damaged one passed over."""
        damaged: list[str] = []
        for step in reversed(self.steps()):
            try:
                return Checkpoint(self.folder / str(step)), damaged
            except DamagedCheckpoint as error:
                damaged.append(str(error))
        return None, damaged

    def write(
        self,
        step: int,
        tracked: Mapping[str, "tf.Module"],
        state: dict[str, Any],
        emulator_states: Sequence[bytes] | None,
        keep: int,
    ) -> None:
        """Write checkpoint `step`; drop all but the newest `keep`, and any later ones, which were damaged.

        Raises OSError, and leaves no half one.
        """
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
        kept = [known for known in self.steps() if known <= step]
        self._write_note(kept[-keep:])
        for old in {*kept[:-keep], *(known for known in self.steps() if known > step)}:
            shutil.rmtree(self.folder / str(old))

    def copy(self, step: int, to: "CheckpointFolder", emulators: bool = True) -> None:
        """Copy one checkpoint into another folder, where it is the only one. Raises OSError.

        Without its `emulators` it is a few MB, and enough to test and film the agent.
        """
        copied = to.folder / str(step)
        shutil.copytree(self.folder / str(step), copied)
        to._write_note([step])
        if not emulators and (copied / EMULATORS).exists():
            (copied / EMULATORS).unlink()
            manifest = json.loads((copied / MANIFEST).read_text())
            manifest["files"].pop(EMULATORS, None)
            (copied / MANIFEST).write_text(json.dumps(manifest, indent=2))

    def _write_note(self, steps: Sequence[int]) -> None:
        """Tell `tf.train.latest_checkpoint` which are here. Names are relative, so that a run can be moved."""
        names = [f"{step}/{WEIGHTS}" for step in steps]
        lines = [f'model_checkpoint_path: "{names[-1]}"', *(f'all_model_checkpoint_paths: "{name}"' for name in names)]
        aside = self.folder / f".{NOTE}.new"
        aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(aside, self.folder / NOTE)

    def drop_unfinished(self) -> None:
        """Remove what a killed process was writing."""
        for aside in self.folder.glob(".*.new"):
            shutil.rmtree(aside) if aside.is_dir() else aside.unlink()

    def _fill(
        self,
        folder: Path,
        tracked: Mapping[str, "tf.Module"],
        state: dict[str, Any],
        emulator_states: Sequence[bytes] | None,
    ) -> None:
        import tensorflow as tf

        try:
            tf.train.Checkpoint(**tracked).write(str(folder / WEIGHTS))
        except tf.errors.OpError as error:  # a full disk, said in TensorFlow's way
            raise OSError(f"{folder}: {error.message}") from None
        if emulator_states is not None:
            arrays = {f"{number:05}": np.frombuffer(saved, np.uint8) for number, saved in enumerate(emulator_states)}
            np.savez(folder / EMULATORS, **arrays)  # type: ignore[arg-type]
        (folder / STATE).write_text(json.dumps(state))
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
