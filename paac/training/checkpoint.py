"""Checkpoints, each of which is complete or does not exist.

    RUN/checkpoints/
        checkpoint              names of the checkpoints, which tf.train.latest_checkpoint reads
        STEP/
            weights.index, weights.data-...     network, optimizer and observation history, as
                                                tf.train.Checkpoint writes them
            emulators.npz       the state of each emulator; missing if it could not be saved
            state.json          counters, statistics, lengths of the run's logs
            manifest.json       size and SHA-256 of each file above, written last

A checkpoint is written under a temporary name, flushed to disk and renamed. Reading it never runs code from it.
"""

import hashlib
import json
import os
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from paac.cli.args_json import replace_file
from paac.cli.errors import UserError, reason_of

if TYPE_CHECKING:
    import tensorflow as tf  # for type hints only: scripts list checkpoints without TensorFlow

EMULATORS = "emulators.npz"
MANIFEST = "manifest.json"
STATE = "state.json"
WEIGHTS = "weights"
INDEX = "checkpoint"


class CheckpointError(UserError):
    """A checkpoint is damaged, or does not fit the run's options; the message names the file, folder or option."""


class Checkpoint:
    """The checkpoint in a folder `checkpoints/STEP`, whose files have been verified."""

    def __init__(self, folder: Path):
        """Verify the files. Raises CheckpointError if one is missing or differs from the manifest."""
        self.folder = folder
        self.step = int(folder.name)
        try:
            manifest = json.loads((folder / MANIFEST).read_text())
            for name, entry in manifest["files"].items():
                file = folder / Path(name).name
                if file.stat().st_size != entry["size"] or _sha256(file) != entry["sha256"]:
                    raise CheckpointError(f"{file} is damaged")
            self.state: dict[str, Any] = json.loads((folder / STATE).read_text())
        except CheckpointError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{folder} is damaged ({error})") from None
        self.has_emulators: bool = EMULATORS in manifest["files"]

    def files(self) -> list[Path]:
        """Return the files of the checkpoint."""
        return sorted(self.folder.iterdir())

    def has_optimizer(self) -> bool:
        """Return whether the optimizer's statistics were saved. Raises CheckpointError."""
        import tensorflow as tf

        try:
            with chdir(self.folder):  # TensorFlow reads [ and * in a path as a pattern
                names = tf.train.load_checkpoint(f"./{WEIGHTS}").get_variable_to_shape_map()
        except (ValueError, LookupError, RuntimeError, tf.errors.OpError) as error:
            raise CheckpointError(f"{self.folder} is damaged ({error})") from None
        return any(name.startswith("optimizer/") for name in names)

    def restore(self, **tracked: "tf.Module") -> None:
        """Load the variables of each keyword argument, which were saved under the same keyword.

        Raises CheckpointError if they do not fit, for example because they belong to another network.
        """
        import tensorflow as tf

        try:
            with chdir(self.folder):  # TensorFlow reads [ and * in a path as a pattern
                status = tf.train.Checkpoint(**tracked).read(WEIGHTS)
                status.assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError, LookupError, tf.errors.OpError) as error:
            raise CheckpointError(
                f"{self.folder} does not fit the run's options: another network, or an earlier version of this one, "
                f"saved it; use that version, or train the agent again ({textwrap.shorten(str(error), 200)})"
            ) from None

    def emulator_states(self, count: int) -> list[bytes]:
        """Return the `count` emulators' states; only for a checkpoint that `has_emulators`. Raises CheckpointError."""
        try:
            with np.load(self.folder / EMULATORS, allow_pickle=False) as states:
                found = [states[name].tobytes() for name in sorted(states.files)]
        except (OSError, LookupError, ValueError, AttributeError, BadZipFile) as error:  # an untrusted file
            raise CheckpointError(f"{self.folder} is damaged ({error!r})") from None
        if len(found) != count:
            raise CheckpointError(f"{self.folder} is damaged ({len(found)} emulator states instead of {count})")
        return found


class CheckpointFolder:
    """The folder `checkpoints` of a run, or `checkpoints_saved`, for which only `folder` and `steps` are used."""

    def __init__(self, folder: Path):
        self.folder = folder

    def steps(self) -> list[int]:
        """Return the global steps of the checkpoints here, damaged ones included, in ascending order."""
        names = [path.name for path in self.folder.glob("[0-9]*") if path.is_dir()]
        return sorted(int(name) for name in names if name.isdecimal() and name == str(int(name)))

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """Return the newest intact checkpoint, or None, and a message for each newer, damaged one."""
        damaged: list[str] = []
        for step in reversed(self.steps()):
            try:
                return Checkpoint(self.folder / str(step)), damaged
            except CheckpointError as error:
                damaged.append(str(error))
        return None, damaged

    def write(
        self,
        step: int,
        tracked: Mapping[str, "tf.Module"],
        state: dict[str, Any],
        emulator_states: Sequence[bytes] | None,
        keep: int,
        replaced: int | None = None,
    ) -> None:
        """Write checkpoint `step`, and keep it and the newest before it, `keep` in all.

        The others are deleted: older ones, `replaced` if given, and later ones, which are damaged, because a run
        resumes from the newest intact one. Raises OSError, and then leaves no incomplete checkpoint behind.
        """
        unfinished = self.folder / f".{step}.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)  # without parents=True: a run that was deleted is not created again
        unfinished.mkdir()
        try:
            self._write_files(unfinished, tracked, state, emulator_states)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        final = self.folder / str(step)
        if final.exists():  # for example, a damaged one
            shutil.rmtree(final)
        os.rename(unfinished, final)
        _sync(self.folder)
        kept = [existing for existing in self.steps() if existing <= step and existing != replaced][-keep:]
        try:
            self._write_index(kept)
        except OSError:
            if self.steps() == [step]:  # a run that cannot start leaves no checkpoint behind
                shutil.rmtree(final)
            raise
        for old in set(self.steps()) - set(kept):
            shutil.rmtree(self.folder / str(old))

    def copy(self, step: int, to: "CheckpointFolder") -> None:
        """Copy one checkpoint into another folder, which must hold none. Raises OSError."""
        shutil.copytree(self.folder / str(step), to.folder / str(step))
        to._write_index([step])

    def _write_index(self, steps: Sequence[int]) -> None:
        """Write the file that `tf.train.latest_checkpoint` reads. Relative paths let a run be moved."""
        names = [f"{step}/{WEIGHTS}" for step in steps]
        lines = [f'model_checkpoint_path: "{names[-1]}"', *(f'all_model_checkpoint_paths: "{name}"' for name in names)]
        replace_file(self.folder / INDEX, ("\n".join(lines) + "\n").encode())

    def remove_unfinished(self) -> None:
        """Delete the files that a killed process had not finished writing."""
        for unfinished in self.folder.glob(".*.new"):
            shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink()

    def _write_files(
        self,
        folder: Path,
        tracked: Mapping[str, "tf.Module"],
        state: dict[str, Any],
        emulator_states: Sequence[bytes] | None,
    ) -> None:
        import tensorflow as tf

        try:
            tf.train.Checkpoint(**tracked).write(str(folder / WEIGHTS))
        except tf.errors.OpError as error:  # for example, a full disk
            raise OSError(f"{folder}: cannot be written ({reason_of(error)})") from None
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
