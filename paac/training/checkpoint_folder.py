"""The folder of a run's checkpoints, each of which is complete or does not exist.

    RUN/checkpoints/
        checkpoint      names of the checkpoints, which tf.train.latest_checkpoint reads
        STEP/           one checkpoint; checkpoint.py lists its files

A checkpoint is written under a temporary name, flushed to disk and renamed.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paac.cli.errors import reason_of
from paac.cli.safe_files import copy_file, remove, replace_file, sync
from paac.training.checkpoint import EMULATORS, MANIFEST, STATE, WEIGHTS, Checkpoint, CheckpointError, sha256
from paac.training.emulator_states import write_states

if TYPE_CHECKING:
    import tensorflow as tf  # for type hints only: scripts list checkpoints without TensorFlow

INDEX = "checkpoint"


class CheckpointFolder:
    """The folder `checkpoints` of a run or of its best agent, or `checkpoints_saved`.

    Of `checkpoints_saved` only `folder` and `steps` are used.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def steps(self) -> list[int]:
        """Return the global steps of the checkpoints here, damaged ones included, in ascending order."""
        while True:
            paths = list(self.folder.glob("[0-9]*"))
            names = [path.name for path in paths if path.is_dir()]
            if names or all(map(os.path.lexists, paths)):
                return sorted(int(name) for name in names if name.isdecimal() and name == str(int(name)))
            # Meanwhile a training has written a newer checkpoint and deleted all of these.

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """Return the newest intact checkpoint, or None, and a message for each newer, damaged one."""
        while True:
            steps = self.steps()
            checkpoint, damaged = self._newest_of(steps)
            if not damaged or self.steps() == steps:
                return checkpoint, damaged
            # Meanwhile a training has written a newer checkpoint and deleted some of these.

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
        sync(self.folder)
        kept = [existing for existing in self.steps() if existing <= step and existing != replaced][-keep:]
        try:
            self.keep_only(kept)
        except OSError:
            if self.steps() == [step]:  # a run that cannot start leaves no checkpoint behind
                remove(final)
            raise

    def keep_only(self, steps: Sequence[int]) -> None:
        """Delete the checkpoints of all steps but `steps`, in ascending order. One that cannot be deleted stays.

        Raises OSError if the file that names the checkpoints cannot be written; nothing has been deleted then.
        """
        others = set(self.steps()) - set(steps)
        if steps:
            self._write_index(steps)
        for step in others:
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
                files[file.name] = {"size": file.stat().st_size, "sha256": sha256(opened)}
        (folder / MANIFEST).write_text(json.dumps({"files": files}, indent=2))
        for file in folder.iterdir():
            sync(file)
        sync(folder)
