"""Puts tables of options, made from their dataclasses, and pictures of the project into the pages."""

import dataclasses
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "script")]

from mkdocs.structure.files import File, Files

from agents.publishing import table
from paac.cli.command_line import CHOSEN_AT_START
from paac.cli.film_options import TestOptions
from paac.cli.options import Options, TrainOptions

TABLES = {"<!-- options of train.py -->": TrainOptions, "<!-- options of test.py -->": TestOptions}
AGENTS = "<!-- agents in pretrained/ -->"
PICTURES = "pretrained/*.gif", "pretrained/*.png", "script/benchmarking/*.png"
REPOSITORY = "https://github.com/jolibrain/manette/blob/master"
PICTURE_LINK = re.compile(r"\.\./(?:pretrained|script/benchmarking)/(\w+\.(?:gif|png))")


def on_files(files: Files, config: Any) -> Files:
    """Add the project's pictures as images/NAME; mkdocs calls it before it builds the pages."""
    for picture in (picture for pattern in PICTURES for picture in sorted(ROOT.glob(pattern))):
        files.append(File.generated(config, f"images/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the marks in a page by tables; mkdocs calls it for each page.

    Links to other folders work in the repository. On the website, pictures are where `on_files` puts them.
    """
    markdown = PICTURE_LINK.sub(r"images/\1", markdown).replace("](../", f"]({REPOSITORY}/")
    for mark, cls in TABLES.items():
        if mark in markdown:
            markdown = markdown.replace(mark, "\n".join(option_tables(cls)))
    if AGENTS in markdown:  # without the last column, the commands, which are too wide
        rows = [row.rstrip("| ").rpartition(" | ")[0] + " |" for row in table(ROOT / "pretrained")]
        markdown = markdown.replace(AGENTS, "\n".join(rows))
    return markdown


def option_tables(cls: type) -> list[str]:
    """Return a heading and a table of each group of options, as lines of Markdown."""
    is_training = issubclass(cls, Options)  # a test has nothing to resume
    columns = ["option", "default", *(["on resume"] if is_training else []), "meaning"]
    fields = dataclasses.fields(cls)
    lines: list[str] = []
    for group in dict.fromkeys(field.metadata["group"] for field in fields):
        lines += ["", f"### {group}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        for field in (field for field in fields if field.metadata["group"] == group):
            flags = ", ".join(f"`{flag}`" for flag in field.metadata["flags"] or (f"--{field.name}",))
            kind = [field.metadata["kind"]] if is_training else []
            cells = [flags, shown_default(field.default), *kind, field.metadata["help"].replace("|", "\\|")]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def shown_default(default: Any) -> str:
    """Return a default as it stands in the table."""
    if default is CHOSEN_AT_START:
        return "chosen"
    if default is None:  # its help says what happens without the option
        return "-"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
