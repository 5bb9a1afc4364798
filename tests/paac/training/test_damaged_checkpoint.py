"""A damaged checkpoint is reported, and the previous one is used."""

import errno
import json
import os
import shutil

import pytest

from paac.cli.errors import UserError
from paac.cli.input_files import open_file
from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.checkpoint_folder import CheckpointFolder
from tests.helpers.made_checkpoints import flip, value_in, write
from tests.helpers.messages import message_of


def damage(file, how):
    if how == "truncated":
        file.write_bytes(file.read_bytes()[:-1])
    elif how == "longer":
        file.write_bytes(file.read_bytes() + b"\n")
    elif how == "flipped":
        flip(file, file.stat().st_size // 2)
    elif how == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()


HOW = "truncated", "longer", "flipped", "empty"
FILES = "weights.index", "weights.data-*", "state.json"


@pytest.mark.parametrize(
    ("name", "how"),
    [*((name, how) for name in FILES for how in (*HOW, "missing")), *(("emulators.npz", how) for how in HOW)],
)
def test_a_damaged_file_is_named_and_the_previous_checkpoint_used(name, how, tmp_path):
    write(tmp_path, 9)
    (file,) = write(tmp_path, 100).glob(name)
    damage(file, how)
    checkpoint, damaged = CheckpointFolder(tmp_path).newest()
    assert (checkpoint.step, value_in(checkpoint)) == (9, 9)
    assert len(damaged) == 1
    assert str(file) in damaged[0]


def test_a_checkpoint_without_its_emulators_can_be_used(tmp_path):
    write(tmp_path, 9)
    (write(tmp_path, 100) / "emulators.npz").unlink()
    checkpoint, damaged = CheckpointFolder(tmp_path).newest()
    assert value_in(checkpoint) == 100 and not checkpoint.has_emulators and damaged == []
    assert "emulators.npz" not in [file.name for file in checkpoint.files()]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE])
def test_a_file_that_cannot_be_read_is_not_damaged(number, tmp_path, monkeypatch):
    """The previous checkpoint is not used instead: the next save would delete this one."""
    write(tmp_path, 9)
    unreadable = write(tmp_path, 100) / "state.json"

    def fail(file, *_):
        if file == unreadable:
            raise OSError(number, os.strerror(number), str(file))
        return open_file(file, *_)

    monkeypatch.setattr("paac.training.checkpoint.open_file", fail)
    with pytest.raises(UserError) as error:
        CheckpointFolder(tmp_path).newest()
    assert not isinstance(error.value, CheckpointError)
    assert message_of(error) == (
        f"{unreadable}: cannot be read ({os.strerror(number)}); try again when it can be, or move {tmp_path / '100'} "
        "away to use the checkpoint before it"
    )


@pytest.mark.parametrize("how", ["truncated", "empty", "missing"])
def test_a_damaged_manifest_damages_its_checkpoint(how, tmp_path):
    write(tmp_path, 9)
    damage(write(tmp_path, 100) / "manifest.json", how)
    checkpoint, damaged = CheckpointFolder(tmp_path).newest()
    assert checkpoint.step == 9
    assert len(damaged) == 1
    assert str(tmp_path / "100") in damaged[0]


def test_a_flipped_bit_in_the_manifest_is_reported_or_does_no_harm(tmp_path):
    # Either the checkpoint is reported as damaged, or everything is read unchanged.
    folder = write(tmp_path, 100)
    whole = Checkpoint(folder)
    good = (folder / "manifest.json").read_bytes()
    reported = 0
    for position in range(0, len(good), 3):
        flip(folder / "manifest.json", position, bit=position % 8)
        try:
            checkpoint = Checkpoint(folder)
        except CheckpointError as error:
            reported += 1
            assert "\n" not in str(error)
        else:
            assert (checkpoint.state, checkpoint.has_emulators) == (whole.state, True)
        (folder / "manifest.json").write_bytes(good)
    assert reported > len(good) / 6


@pytest.mark.parametrize("content", ["[]", "{}", "null", '{"files": []}', '{"files": {"state.json": 7}}', '"a"'])
def test_a_malformed_manifest_is_reported_as_damage(content, tmp_path):
    folder = write(tmp_path, 100)
    (folder / "manifest.json").write_text(content)
    with pytest.raises(CheckpointError, match="100"):
        Checkpoint(folder)


@pytest.mark.parametrize("name", ["../outside", "../../outside", "/outside", "..", "."])
def test_a_manifest_cannot_name_files_outside_its_folder(name, tmp_path):
    folder = write(tmp_path / "checkpoints", 100)
    manifest = json.loads((folder / "manifest.json").read_text())
    for place in (folder.parent, tmp_path):  # files with the right size and checksum, but outside
        shutil.copy(folder / "state.json", place / "outside")
    if name == "/outside":
        name = str(tmp_path / "outside")
    manifest["files"][name] = manifest["files"]["state.json"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError):
        Checkpoint(folder)


def test_if_all_are_damaged_all_are_named(tmp_path):
    for step in (9, 100):
        (write(tmp_path, step) / "state.json").unlink()
    checkpoint, damaged = CheckpointFolder(tmp_path).newest()
    assert checkpoint is None
    assert ["100" in damaged[0], "9" in damaged[1]] == [True, True]


def test_a_damaged_checkpoint_is_replaced_when_its_step_is_reached_again(tmp_path):
    write(tmp_path, 9)
    (write(tmp_path, 100) / "state.json").unlink()
    write(tmp_path, 100, 7)
    assert value_in(CheckpointFolder(tmp_path).newest()[0]) == 7
