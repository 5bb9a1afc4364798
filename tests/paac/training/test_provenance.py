"""What a session of a training ran on is recorded, and can be read again."""

import platform
import re
import subprocess
import sys

import pytest

from paac.cli.errors import UserError
from paac.training import provenance
from paac.training.provenance import append_session, describe_session, project_version, read_sessions


def test_a_session_names_versions_machine_date_and_command(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "-df", "my logs"])
    session = describe_session(40)
    assert session.step == 40 and session.command == "train.py -df 'my logs'"
    assert session.versions["python"] == platform.python_version()
    assert {"manette", "tensorflow", "keras", "numpy", "ale-py"} <= session.versions.keys()
    assert re.fullmatch(r"\d+ cores? of .+", session.machine) and session.device
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", session.date)
    assert dict(session.rows)["machine"] == session.machine and dict(session.rows)["numpy"] == session.versions["numpy"]


def test_the_version_of_an_installed_package_is_known_without_its_source(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(provenance.metadata, "version", {"manette": "1.2.3"}.get)
    assert project_version() == "1.2.3"


def test_sessions_are_read_in_their_order(tmp_path):
    file = tmp_path / "sessions.jsonl"
    assert read_sessions(file) == []
    sessions = [describe_session(step) for step in (0, 40)]
    for session in sessions:
        append_session(file, session)
    assert read_sessions(file) == sessions


@pytest.mark.parametrize("line", ["{", "[1]", '{"step": 1}', "[" * 100_000])
def test_a_malformed_file_of_sessions_gives_one_line(line, tmp_path):
    file = tmp_path / "sessions.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(UserError, match=r"sessions\.jsonl cannot be read .*: correct it, or delete it"):
        read_sessions(file)


def test_the_version_has_the_commit_in_a_git_repository(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    assert project_version() == "1.2.3"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert project_version() == "1.2.3", "there is no commit yet"
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "Start"], check=True)
    assert re.fullmatch(r"1\.2\.3, commit [0-9a-f]{7,}", project_version())
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.4"\n')
    assert re.fullmatch(r"1\.2\.4, commit [0-9a-f]{7,}\+", project_version())
    monkeypatch.setenv("PATH", "")
    assert project_version() == "1.2.4", "Git is not installed"
