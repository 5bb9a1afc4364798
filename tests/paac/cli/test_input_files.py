"""Reading files that may come from a stranger."""

import os

import pytest

from paac.cli.args_json import read_json
from paac.cli.command_line import JsonObject
from paac.cli.errors import UserError
from paac.cli.input_files import MAX_JSON_BYTES, MAX_JSON_DEPTH, load_json, open_file, parse_json
from tests.helpers.messages import message_of


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "large"])
def test_only_regular_files_of_a_limited_size_are_opened(kind, tmp_path):
    file = tmp_path / "file.json"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "folder":
        file.mkdir()
    else:
        file.touch()
        os.truncate(file, MAX_JSON_BYTES + 1)
    with pytest.raises(OSError, match="larger than 8 MiB" if kind == "large" else "not a regular file"):
        open_file(file, MAX_JSON_BYTES)
    with pytest.raises(UserError, match=r"file.json cannot be read \(.*\)$") as error:
        read_json(file)
    assert message_of(error)


def test_a_regular_file_is_read_also_through_a_link(tmp_path):
    (tmp_path / "file").write_bytes(b"1234")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_file(tmp_path / name, 4) as opened:
            assert opened.read() == b"1234"
    assert load_json(tmp_path / "link") == 1234


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested more than 50 levels deep"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested more than 50 levels deep"),
        ("[" * (MAX_JSON_DEPTH + 1) + "]" * (MAX_JSON_DEPTH + 1), "nested more than 50 levels deep"),
        ('{"a": {"b": 1, "b": 1}}', "the key 'b' is there twice"),
        ("1" * 5000, "integer string conversion"),
        ("[1", "line 1"),
    ],
)
def test_json_that_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_json(text)


def test_arguments_of_an_environment_with_a_key_twice_are_refused():
    with pytest.raises(ValueError, match="the key 'size' is there twice"):
        JsonObject('{"size": 1, "size": 2}')


def test_json_that_is_read():
    assert parse_json('{"a": [1, {"b": null}], "b": 1e3}') == {"a": [1, {"b": None}], "b": 1000.0}
    assert parse_json("[" * MAX_JSON_DEPTH + "]" * MAX_JSON_DEPTH)
