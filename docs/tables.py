"""Writes the tables of options, agents and presets into the pages: python3 docs/tables.py

A table stands between the lines <!-- NAME --> and <!-- end -->, where NAME is a key of TABLES.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "script")]

from agents.publishing import format_score, table
from paac.cli.command_line import CHOSEN_AT_START
from paac.cli.film_options import TestOptions
from paac.cli.options import Options, TrainOptions
from paac.cli.presets import preset_files, read_preset

PAGES = [ROOT / "docs/options.md", ROOT / "docs/results.md", ROOT / "docs/training.md", ROOT / "pretrained/README.md"]
MARKED = re.compile(r"<!-- ([\w. ]+) -->\n.*?<!-- end -->", re.DOTALL)


def option_tables(cls: type) -> list[str]:
    """Return a heading and a table of each group of options, as lines of Markdown."""
    is_training = issubclass(cls, Options)  # a test has nothing to resume
    columns = ["option", "default", *(["on resume"] if is_training else []), "meaning"]
    fields = dataclasses.fields(cls)
    lines: list[str] = []
    for group in dict.fromkeys(field.metadata["group"] for field in fields):
        rows = []
        for field in (field for field in fields if field.metadata["group"] == group):
            flags = ", ".join(f"`{flag}`" for flag in field.metadata["flags"] or (f"--{field.name}",))
            kind = [field.metadata["kind"]] if is_training else []
            rows.append([flags, shown_default(field.default), *kind, field.metadata["help"].replace("|", "\\|")])
        lines += [f"### {group}", "", *markdown_table(columns, rows), ""]
    return lines[:-1]


def shown_default(default: Any) -> str:
    """Return a default as it stands in the table."""
    if default is CHOSEN_AT_START:
        return "chosen"
    if default is None:  # its help says what happens without the option
        return "-"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def preset_table() -> list[str]:
    """Return a table of the presets and the agents that were trained with them, as lines of Markdown."""
    rows = []
    for name, file in preset_files().items():
        about, options = json.loads(file.read_text("utf-8"))["about"], read_preset(file)
        agent = Path(about["source"]).name
        decisions = f"{about['decisions'] / 1e6:.2f} M"
        end = f"{options['max_global_steps'] / 1e6:g} M" if "max_global_steps" in options else "-"
        rows.append(
            [f"`{name}`", options.get("game", "any"), f"`{agent}`", format_score(about["score"]), decisions, end]
        )
    return markdown_table(["preset", "game", "its agent", "score", "decisions", "ends at"], rows)


def markdown_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (columns, *rows)]
    return [lines[0], "|" + "---|" * len(list(columns)), *lines[1:]]


def agent_table(commands: bool) -> list[str]:
    """Return a table of the agents in pretrained/: their commands, or everything else."""
    lines = []
    for row in table(ROOT / "pretrained"):
        agent, *results, command = row.strip("| ").split(" | ")
        lines.append(f"| {' | '.join([agent, command] if commands else [agent, *results])} |")
    return lines


TABLES: dict[str, Callable[[], list[str]]] = {
    "options of train.py": lambda: option_tables(TrainOptions),
    "options of test.py": lambda: option_tables(TestOptions),
    "presets": preset_table,
    "agents": lambda: agent_table(commands=False),
    "commands of the agents": lambda: agent_table(commands=True),
}


def with_tables(page: str) -> str:
    """Return the text of a page with its tables as they are today."""
    return MARKED.sub(
        lambda marked: "\n".join([f"<!-- {marked[1]} -->", "", *TABLES[marked[1]](), "", "<!-- end -->"]), page
    )


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_tables(page.read_text("utf-8")), "utf-8")
