"""Forged files whose sizes and checksums fit the manifest are reported as damage, in one line."""

import hashlib
import json

import numpy as np
import pytest

from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.checkpoint_folder import CheckpointFolder


@pytest.fixture
def folder(tmp_path):
    """The folder of a checkpoint with the states of two emulators, and without weights."""
    folder = tmp_path / "20"
    folder.mkdir()
    np.savez(folder / "emulators.npz", **{"0": np.zeros(5, np.uint8), "1": np.ones(6, np.uint8)})
    (folder / "state.json").write_text("{}")
    listed = {"state.json": {"size": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}}
    (folder / "manifest.json").write_text(json.dumps({"files": listed}))
    return folder


def test_forged_emulator_states_are_states_or_damage(folder):
    """Each byte in turn is another one; zipfile and NumPy raise errors of many kinds then."""
    file, checkpoint = folder / "emulators.npz", Checkpoint(folder)
    good, damaged = file.read_bytes(), 0
    for position in range(len(good)):
        file.write_bytes(good[:position] + b"\xff" + good[position + 1 :])
        try:
            assert len(checkpoint.emulator_states(2)) == 2
        except CheckpointError:
            damaged += 1
    assert damaged > len(good) / 2


@pytest.mark.parametrize("content", ["[" * 100_000, "{", "\xff"], ids=["deep", "cut", "not UTF-8"])
def test_a_forged_manifest_is_damage(folder, content):
    (folder / "manifest.json").write_text(content, encoding="latin-1")
    checkpoint, damaged = CheckpointFolder(folder.parent).newest()
    assert checkpoint is None and len(damaged) == 1 and "20 is damaged" in damaged[0]
    assert "\n" not in damaged[0] and len(damaged[0]) < 500


def test_what_the_manifest_does_not_list_does_not_matter(folder):
    (folder / "more.json").write_text(json.dumps("mine"))
    assert [file.name for file in Checkpoint(folder).files()] == ["manifest.json", "state.json"]
