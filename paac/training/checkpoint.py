"""One checkpoint, which is read only if all its files are as they were written.

    STEP/
        weights.index, weights.data-...     network, optimizer and observation history, as tf.train.Checkpoint writes
                                            them
        emulators.npz                       the state of each emulator; missing if it could not be saved. It may be
                                            deleted: then a resume starts new episodes
        state.json                          counters, statistics, lengths of the run's logs
        manifest.json                       size and SHA-256 of each file above, written last

Reading a checkpoint never runs code from it.
"""

import errno
import hashlib
import os
import textwrap
from collections.abc import Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paac.cli.errors import UserError
from paac.cli.input_files import load_json, open_file
from paac.cli.safe_files import refuse_links
from paac.training.emulator_states import read_states
from paac.training.tensor_bundle import path_for_tensorflow, read_shapes
from paac.training.variables import differences

if TYPE_CHECKING:
    import tensorflow as tf  # for type hints only: scripts list checkpoints without TensorFlow

EMULATORS = "emulators.npz"
MANIFEST = "manifest.json"
STATE = "state.json"
WEIGHTS = "weights"
MAX_CHECKPOINT_BYTES = 2**32  # of all files: 4 GiB
MAX_NAME_LENGTH = 255
# What the system says of a file that is missing or has been deleted, is of the wrong kind, or too large.
DAMAGE = errno.ENOENT, errno.ESTALE, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.EINVAL, errno.EFBIG


class CheckpointError(UserError):
    """A checkpoint is damaged, or does not fit the run's options; the message names the file, folder or option."""


class Checkpoint:
    """The checkpoint in a folder `checkpoints/STEP`, whose files have been verified."""

    def __init__(self, folder: Path):
        """Verify the files.

        Raises CheckpointError if one is missing, a link, or differs from the manifest, and UserError if one cannot be
        read: it may be intact.
        """
        self.folder = folder
        self.step = int(folder.name)
        try:
            self._names = _verified_names(folder)
            self.state: dict[str, Any] = load_json(folder / STATE)
        except CheckpointError:
            raise
        except OSError as error:
            if error.errno in DAMAGE:
                raise CheckpointError(f"{folder} is damaged ({error})") from None
            raise UserError(
                f"{error.filename or folder}: cannot be read ({error.strerror}); try again when it can be, or move "
                f"{folder} away to use the checkpoint before it"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{folder} is damaged ({error})") from None
        self.has_emulators = EMULATORS in self._names

    def files(self) -> list[Path]:
        """Return the files of the checkpoint; others in its folder do not belong to it."""
        return [self.folder / name for name in sorted([*self._names, MANIFEST])]

    def is_intact(self) -> bool:
        """Return whether all files are still there, with their content: a training deletes its older checkpoints.

        Raises UserError if a file cannot be read.
        """
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
        with path_for_tensorflow(self.folder) as folder:
            try:
                root.read(f"{folder}/{WEIGHTS}").assert_existing_objects_matched().expect_partial()
            except tf.errors.ResourceExhaustedError:  # the device has no memory left
                raise
            except Exception as error:  # TensorFlow raises errors of many kinds if a file is malformed
                reason = differences(root, shapes) or str(error)
                raise CheckpointError(
                    f"{self.folder} does not fit the run's options: another network, or an earlier version of this "
                    f"one, saved it; use that version, or train the agent again ({textwrap.shorten(reason, 200)})"
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


def _verified_names(folder: Path) -> list[str]:
    """Return the names of the files in the manifest. Raises an error if one differs from it, or is missing in it."""
    refuse_links(folder, folder / MANIFEST)
    entries = load_json(folder / MANIFEST)["files"]
    unlisted = {STATE, *(file.name for file in folder.glob(f"{WEIGHTS}.*"))} - entries.keys()
    if unlisted:
        raise ValueError(f"{MANIFEST} does not list {min(unlisted)}")
    allowed = MAX_CHECKPOINT_BYTES
    if EMULATORS in entries and not os.path.lexists(folder / EMULATORS):
        del entries[EMULATORS]
    for name, entry in entries.items():
        if Path(name).name != name or len(name) > MAX_NAME_LENGTH:
            raise ValueError(f"{MANIFEST} lists {name[:100]!r}, which is not the name of a file")
        refuse_links(folder / name)
        with open_file(folder / name, allowed) as opened:
            size = os.fstat(opened.fileno()).st_size
            if size != entry["size"] or sha256(opened) != entry["sha256"]:
                raise CheckpointError(f"{folder / name} is damaged")
        allowed -= size
    return list(entries)


def sha256(opened: BufferedReader) -> str:
    """Return the SHA-256 of an open file as hexadecimal digits."""
    return hashlib.file_digest(opened, "sha256").hexdigest()
