"""The commands in the documentation can be typed as they are, and its pages name files that exist."""

import re
import runpy
import shlex
import sys

import pytest

from paac.cli import command_line
from tests.helpers import ROOT

PAGES = [ROOT / "README.md", ROOT / "script/README.md", *sorted((ROOT / "docs").glob("*.md"))]


class Parsed(BaseException):
    """Ends a command as soon as its options have been parsed."""


def commands():
    """Return each command `python3 FILE.py ...` of the pages with the name of its page."""
    found = {}
    for page in PAGES:
        for line in re.findall(r"python3 ((?:script/)?\w+\.py[^\n`|]*)", page.read_text(encoding="utf-8")):
            words = shlex.split(line.partition(" && ")[0], comments=True)
            if words[1:] != ["--help"] and "OLD_RUN" not in line:
                found.setdefault(shlex.join(words), str(page.relative_to(ROOT)))
    return [pytest.param(command, id=f"{page}: {command}") for command, page in found.items()]


@pytest.mark.parametrize("command", commands())
def test_the_commands_of_the_pages_are_valid(command, monkeypatch):
    def then_end(function):
        def call(*arguments, **keywords):
            function(*arguments, **keywords)
            raise Parsed

        return call

    for name in ("parse", "typed_options"):
        monkeypatch.setattr(command_line, name, then_end(getattr(command_line, name)))
    script, *arguments = shlex.split(command)
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(Parsed):
        runpy.run_path(str(ROOT / script), run_name="__main__")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_files_that_a_page_names_exist(page):
    for name in re.findall(r"`((?:emulators|networks|figar|paac|script|tests)/[\w./]*)`", page.read_text("utf-8")):
        assert (ROOT / name).exists(), name
