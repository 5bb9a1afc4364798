"""Files are written, copied and deleted without following links, and changes by other programs are noticed."""

import os

import pytest

from paac.cli.errors import UserError
from paac.cli.safe_files import (
    check_unchanged,
    copy_file,
    open_in_place,
    open_to_read,
    refuse_shared_files,
    remove,
    replace_file,
    replacing,
)


@pytest.fixture
def outside(tmp_path):
    """A file outside the folder in which the tests write."""
    file = tmp_path / "outside"
    file.write_text("precious")
    yield file
    assert file.read_text() == "precious"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def make(kind, file, outside):
    """Make `file` something else than a file of its own."""
    if kind == "link":
        file.symlink_to(outside)
    elif kind == "dangling link":
        file.symlink_to("nowhere")
    elif kind == "link to a folder":
        file.symlink_to(outside.parent)
    elif kind == "hard link":
        file.hardlink_to(outside)
    elif kind == "named pipe":
        os.mkfifo(file)
    else:
        file.mkdir()


LINKS = ["link", "dangling link", "link to a folder"]


@pytest.mark.parametrize("kind", [*LINKS, "hard link", "named pipe", "folder"])
def test_a_file_that_is_not_its_own_is_not_opened_in_place(kind, folder, outside):
    make(kind, folder / "file", outside)
    for call in (open_in_place, refuse_shared_files):
        with pytest.raises(UserError, match="folder/file is a symbolic link|a hard link|not a regular file") as error:
            call(folder / "file")
        assert "\n" not in str(error.value)
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize("call", [open_in_place, open_to_read])
def test_a_link_that_appears_between_the_check_and_the_opening_is_not_followed(call, folder, outside, monkeypatch):
    (folder / "file").symlink_to(outside)
    monkeypatch.setattr("paac.cli.safe_files.refuse_links", lambda *_: None)
    monkeypatch.setattr("paac.cli.safe_files.refuse_shared_files", lambda *_: None)
    with pytest.raises(OSError):
        call(folder / "file")


def test_a_file_opened_in_place_is_created_and_appended_to(folder):
    for _ in range(2):
        with open_in_place(folder / "new") as file:
            file.write(b"ab")
    assert (folder / "new").read_bytes() == b"abab"


@pytest.mark.parametrize("kind", [*LINKS, "named pipe"])
def test_a_link_is_neither_read_nor_copied(kind, folder, outside):
    make(kind, folder / "file", outside)
    with pytest.raises(UserError, match="folder/file is"):
        copy_file(folder / "file", folder / "copy")
    assert not (folder / "copy").exists()


@pytest.mark.parametrize("kind", [*LINKS, "hard link"])
@pytest.mark.parametrize("name", ["file", ".file.new"])
def test_a_file_replaces_a_link_and_leaves_what_it_leads_to(name, kind, folder, outside):
    make(kind, folder / name, outside)
    replace_file(folder / "file", b"new")
    assert (folder / "file").read_bytes() == b"new" and not (folder / "file").is_symlink()
    assert os.listdir(folder) == ["file"]


def test_a_copy_does_not_overwrite(folder, outside):
    (folder / "link").symlink_to(outside)
    (folder / "source").write_text("new")
    with pytest.raises(FileExistsError):
        copy_file(folder / "source", folder / "link")


def test_an_error_while_a_file_is_replaced_keeps_the_old_one(folder):
    replace_file(folder / "file", b"old")
    with pytest.raises(ZeroDivisionError), replacing(folder / "file") as opened:
        opened.write(b"half")
        _ = 1 / 0
    assert (folder / "file").read_bytes() == b"old" and os.listdir(folder) == ["file"]


@pytest.mark.parametrize("kind", [*LINKS, "hard link", "named pipe", "folder"])
def test_removing_a_link_leaves_what_it_leads_to(kind, folder, outside):
    make(kind, folder / "file", outside)
    remove(folder / "file")
    remove(folder / "file")  # a missing one is no error
    assert os.listdir(folder) == []


def replace_with(content):
    def change(file):
        replace_file(file, content)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (os.unlink, "was deleted by another program"),
        (replace_with(b"0123456789"), "was replaced by another program"),
        (lambda file: os.truncate(file, 5), "was changed from 10 to 5 bytes by another program"),
        (lambda file: file.write_bytes(b"0123456789+"), "was changed from 10 to 11 bytes by another program"),
    ],
    ids=["deleted", "replaced", "shorter", "longer"],
)
def test_changes_by_another_program_are_noticed(change, message, folder):
    file = folder / "file"
    file.write_bytes(b"0123456789")
    before = os.lstat(file)
    check_unchanged(file, before)
    with file.open("rb"):  # a training has it open
        change(file)
        if "to 11 bytes" in message:
            check_unchanged(file, before, may_grow=True)
        with pytest.raises(OSError, match=f"{file} {message}"):
            check_unchanged(file, before)
