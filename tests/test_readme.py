"""The README's table of options, file names and links are correct."""

import dataclasses
import re

from paac.cli.command_line import CHOSEN_AT_START
from paac.cli.options import Options
from tests.helpers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_has_all_options_with_flags_defaults_and_help():
    rows = {}
    for line in README.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[3] in ("fixed", "tunable", "local"):
            rows[cells[1]] = cells
    assert list(rows) == [field.name for field in dataclasses.fields(Options)]
    for field in dataclasses.fields(Options):
        flags, _, default, kind, meaning = rows[field.name]
        assert re.findall("`([^`]+)`", flags) == list(field.metadata["flags"] or [f"--{field.name}"])
        assert kind == field.metadata["kind"]
        assert meaning == field.metadata["help"]
        shown = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        without = {CHOSEN_AT_START: "¹", None: "this machine"}.get(field.default)
        assert default == (without or f"`{shown}`")


def test_named_and_linked_files_exist():
    for name in re.findall(r"`((?:emulators|networks|figar|paac|script|tests)/[\w./]*)`", README):
        assert (ROOT / name).exists(), name
    for linked, shown in re.findall(r"\]\((?!https?:)([^)]+)\)|src=\"([^\"]+)\"", README):
        name, _, heading = (linked or shown).partition("#")
        file = ROOT / (name or "README.md")
        assert file.exists(), linked or shown
        assert not heading or heading in headings(file.read_text(encoding="utf-8")), linked


def headings(text: str) -> list[str]:
    """Return the anchors of the headings of a Markdown file."""
    titles = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    return [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]
