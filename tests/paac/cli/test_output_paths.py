import pytest

from paac.cli.errors import UserError
from paac.cli.output_paths import writable_file, writable_folder


def test_a_folder_is_made_and_a_file_is_not(tmp_path):
    assert writable_folder("-gf", tmp_path / "a/b").is_dir()
    assert not writable_file("--to", tmp_path / "a/b/new").exists()
    assert list((tmp_path / "a/b").iterdir()) == []


@pytest.mark.parametrize("name", ["/proc/nowhere", "file", "file/below"])
def test_a_folder_that_cannot_be_is_named(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"--folder {name}: cannot be made"):
        writable_folder("--folder", name)


@pytest.mark.parametrize("name", [".", "nowhere/new", "file/below"])
def test_a_file_that_cannot_be_is_named(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"--to {name}: must be a file in a folder that is there"):
        writable_file("--to", name)


def test_where_nothing_can_be_written_it_is_said_at_once(tmp_path):
    with pytest.raises(UserError, match="-gf /proc/self: cannot be written"):
        writable_folder("-gf", "/proc/self")
    with pytest.raises(UserError, match="--json /proc/self/new: cannot be written"):
        writable_file("--json", "/proc/self/new")
