"""Output files and folders are checked before anything is written."""

import pytest

from paac.cli.errors import UserError
from paac.cli.output_paths import writable_file, writable_folder


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


@pytest.mark.parametrize("name", [".", "nowhere/new", "file/below"])
def test_the_error_names_a_path_that_cannot_be_a_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"--to {name}: must be a file in an existing folder"):
        writable_file("--to", name)


def test_the_error_names_a_path_that_is_not_writable(tmp_path):
    with pytest.raises(UserError, match="-gf /proc/self: cannot be written"):
        writable_folder("-gf", "/proc/self")
    with pytest.raises(UserError, match="--json /proc/self/new: cannot be written"):
        writable_file("--json", "/proc/self/new")
