"""Output files and folders are checked before anything is written."""

import errno
import os

import pytest

from paac.cli.errors import UserError
from paac.cli.output_paths import writable_file, writable_folder, write_output


def test_a_folder_is_created_but_a_file_is_not(tmp_path):
    assert writable_folder("-gf", tmp_path / "a/b").is_dir()
    assert not writable_file("--to", tmp_path / "a/b/new").exists()
    assert list((tmp_path / "a/b").iterdir()) == []


@pytest.mark.parametrize("name", ["/proc/nowhere", "file", "file/below"])
def test_the_error_names_a_folder_that_cannot_be_created(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"--folder {name}: cannot be created"):
        writable_folder("--folder", name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "that is a folder; name a file"),
        ("nowhere/new", "must be a file in an existing folder"),
        ("file/below", "must be a file in an existing folder"),
    ],
)
def test_the_error_names_a_path_that_cannot_be_a_file(tmp_path, monkeypatch, name, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"--to {name}: {reason}"):
        writable_file("--to", name)


def test_the_error_names_a_path_that_is_not_writable(tmp_path):
    with pytest.raises(UserError, match="-gf /proc/self: cannot be written"):
        writable_folder("-gf", "/proc/self")
    with pytest.raises(UserError, match="--json /proc/self/new: cannot be written"):
        writable_file("--json", "/proc/self/new")


def test_output_is_written_completely_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "scores.json"
    write_output(file, "old")
    file.chmod(0o444)
    write_output(writable_file("--json", file), "newer")
    assert file.read_text() == "newer"

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_output(file, "newest")
    assert file.read_text() == "newer" and list(tmp_path.iterdir()) == [file]


def test_output_may_go_to_a_device(capfd):
    write_output(writable_file("--json", "/dev/stdout"), "scores")
    assert capfd.readouterr().out == "scores"
