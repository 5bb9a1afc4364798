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
from collections.abc import Collection, Mapping, Sequence
from contextlib import chdir, suppress
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paac.cli.errors import UserError, reason_of
from paac.cli.input_files import load_json, open_file
from paac.cli.safe_files import copy_file, refuse_links, remove, replace_file
from paac.training.emulator_states import read_states, write_states
from paac.training.tensor_bundle import read_shapes
from paac.training.variables import differences

if TYPE_CHECKING:
    import tensorflow as tf  # for type hints only: scripts list checkpoints without TensorFlow

EMULATORS = "emulators.npz"
MANIFEST = "manifest.json"
STATE = "state.json"
WEIGHTS = "weights"
INDEX = "checkpoint"
MAX_CHECKPOINT_BYTES = 2**32  # of all files: 4 GiB
MAX_NAME_LENGTH = 255


class CheckpointError(UserError):
    """A checkpoint is damaged, or does not fit the run's options; the message names the file, folder or option."""


class Checkpoint:
    """The checkpoint in a folder `checkpoints/STEP`, whose files have been verified."""

    def __init__(self, folder: Path):
        """Verify the files. Raises CheckpointError if one is missing, a link, or differs from the manifest."""
        self.folder = folder
        self.step = int(folder.name)
        try:
            self._names = _verified_names(folder)
            self.state: dict[str, Any] = load_json(folder / STATE)
        except CheckpointError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{folder} is damaged ({error})") from None
        self.has_emulators = EMULATORS in self._names

    def files(self) -> list[Path]:
        """Return the files of the checkpoint; others in its folder do not belong to it."""
        return [self.folder / name for name in sorted([*self._names, MANIFEST])]

    def is_intact(self) -> bool:
        """Return whether the files are still there: a training deletes its older checkpoints."""
        try:
            Checkpoint(self.folder)
        except CheckpointError:
            return False
        return True

    def has_optimizer(self) -> bool:
        """Return whether the optimizer's statistics were saved. Raises CheckpointError."""
        return any(name.startswith("optimizer/") for name in self._shapes())

    def restore(self, **tracked: "tf.Module") -> None:
        """Load the variables of each keyword argument, which were saved under the same keyword.

        Raises CheckpointError if they do not fit, for example because they belong to another network.
        """
        import tensorflow as tf

        shapes = self._shapes()
        root = tf.train.Checkpoint(**tracked)
        try:
            with chdir(self.folder):  # TensorFlow reads [ and * in a path as a pattern
                root.read(WEIGHTS).assert_existing_objects_matched().expect_partial()
        except Exception as error:  # TensorFlow raises errors of many kinds if a file is malformed
            reason = differences(root, shapes) or str(error)
            raise CheckpointError(
                f"{self.folder} does not fit the run's options: another network, or an earlier version of this one, "
                f"saved it; use that version, or train the agent again ({textwrap.shorten(reason, 200)})"
            ) from None

    def _shapes(self) -> Mapping[str, Sequence[int]]:
        """Return the shape of each saved variable by its key. Raises CheckpointError."""
        try:
            return read_shapes(self.folder, WEIGHTS)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.folder} is damaged ({error})") from None

    def emulator_states(self, count: int) -> list[bytes]:
        """Return the `count` emulators' states; only for a checkpoint that `has_emulators`. Raises CheckpointError."""
        try:
            return read_states(self.folder / EMULATORS, count)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.folder} is damaged ({error})") from None


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
        while True:
            steps = self.steps()
            checkpoint, damaged = self._newest_of(steps)
            if not damaged or self.steps() == steps:
                return checkpoint, damaged
            # A training has deleted some of them meanwhile, and has written a newer one.

    def _newest_of(self, steps: Sequence[int]) -> tuple[Checkpoint | None, list[str]]:
        damaged: list[str] = []
        for step in reversed(steps):
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
        resumes from the newest intact one. One that cannot be deleted stays. Raises OSError, and then leaves no
        incomplete checkpoint behind; this one is complete if only the file that names the checkpoints failed.
        """
        unfinished = self.folder / f".{step}.new"
        self.folder.mkdir(exist_ok=True)  # without parents=True: a run that was deleted is not created again
        remove(unfinished)
        unfinished.mkdir()
        final = self.folder / str(step)
        try:
            self._write_files(unfinished, tracked, state, emulator_states)
            remove(final)  # for example, a damaged one
            os.rename(unfinished, final)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        _sync(self.folder)
        kept = [existing for existing in self.steps() if existing <= step and existing != replaced][-keep:]
        try:
            self._write_index(kept)
        except OSError:
            if self.steps() == [step]:  # a run that cannot start leaves no checkpoint behind
                remove(final)
            raise
        self.delete(set(self.steps()) - set(kept))

    def delete(self, steps: Collection[int]) -> None:
        """Delete the checkpoints of `steps`. The file that `tf.train.latest_checkpoint` reads stays as it is."""
        for step in steps:
            with suppress(OSError):  # the next `write` tries again
                remove(self.folder / str(step))

    def add_copy(self, checkpoint: Checkpoint) -> None:
        """Copy the files of a checkpoint of another folder into this one, which must hold none.

        Raises OSError, and UserError if a file is a link.
        """
        copied = self.folder / str(checkpoint.step)
        copied.mkdir(parents=True)
        for file in checkpoint.files():
            copy_file(file, copied / file.name)
        self._write_index([checkpoint.step])

    def _write_index(self, steps: Sequence[int]) -> None:
        """Write the file that `tf.train.latest_checkpoint` reads. Relative paths let a run be moved."""
        names = [f"{step}/{WEIGHTS}" for step in steps]
        lines = [f'model_checkpoint_path: "{names[-1]}"', *(f'all_model_checkpoint_paths: "{name}"' for name in names)]
        replace_file(self.folder / INDEX, ("\n".join(lines) + "\n").encode())

    def remove_unfinished(self) -> None:
        """Delete the files that a killed process had not finished writing."""
        for unfinished in self.folder.glob(".*.new"):
            remove(unfinished)

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
            write_states(emulator_states, folder / EMULATORS)
        (folder / STATE).write_text(json.dumps(state))
        files = {}
        for file in sorted(folder.iterdir()):
            with file.open("rb") as opened:
                files[file.name] = {"size": file.stat().st_size, "sha256": _sha256(opened)}
        (folder / MANIFEST).write_text(json.dumps({"files": files}, indent=2))
        for file in folder.iterdir():
            _sync(file)
        _sync(folder)


def _verified_names(folder: Path) -> list[str]:
    """Return the names of the files in the manifest. Raises an error if one differs from it, or is missing in it."""
    refuse_links(folder, folder / MANIFEST)
    entries = load_json(folder / MANIFEST)["files"]
    unlisted = {STATE, *(file.name for file in folder.glob(f"{WEIGHTS}.*"))} - entries.keys()
    if unlisted:
        raise ValueError(f"{MANIFEST} does not list {min(unlisted)}")
    allowed = MAX_CHECKPOINT_BYTES
    for name, entry in entries.items():
        if Path(name).name != name or len(name) > MAX_NAME_LENGTH:
            raise ValueError(f"{MANIFEST} lists {name[:100]!r}, which is not the name of a file")
        refuse_links(folder / name)
        with open_file(folder / name, allowed) as opened:
            size = os.fstat(opened.fileno()).st_size
            if size != entry["size"] or _sha256(opened) != entry["sha256"]:
                raise CheckpointError(f"{folder / name} is damaged")
        allowed -= size
    return list(entries)


def _sha256(opened: BufferedReader) -> str:
    return hashlib.file_digest(opened, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Flush a file or a folder to disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
