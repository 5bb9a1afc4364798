"""Test the agents of all runs in a folder, and write a table of their scores."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from typing import Any

from agents.commands import CommandError, test_agent
from paac.cli import entry_point
from paac.cli.command_line import PATH, SEED, between, option, parse
from paac.cli.folders import numbered
from paac.cli.output_paths import writable_folder
from paac.cli.safe_files import replace_file
from paac.cli.words import counted
from paac.training.find_runs import find_runs
from paac.training.run_folder import RunFolder

DESCRIPTION = """Test the agent of every run in a folder and its sub-folders with test.py, one after the other. The table
of scores is printed, and written to tests.csv and tests.json; tests.json also has the score of each episode. The
tables of an earlier call are renamed, to tests-2.csv and so on. Without --to, nothing is written into a folder of
published agents, which have a RESULT.json."""
TABLES = "tests.csv", "tests.json"
COLUMNS = ("run", "game", "step", "mean", "median", "min", "max", "std")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TestAllOptions:
    """Options of testAll.py."""

    # fmt: off
    folder: str = option("logs/", "-f", "--folder", group="Agents", limit=PATH, help="folder that contains runs")
    test_count: int = option(1, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="number of episodes of each agent")
    noops: int | None = option(None, "-np", "--noops", group="Episodes", limit=between(0, 10_000), help="maximum number of no-op frames at the start of an episode (the default of test.py)")
    greedy: bool = option(False, group="Episodes", help="always choose the most probable action, instead of drawing from the policy")
    seed: int | None = option(None, group="Episodes", limit=SEED, help="seed of the episodes: the same seed gives the same episodes (drawn at random)")
    to: str | None = option(None, group="Result", limit=PATH, help="folder for tests.csv and tests.json (the folder of -f, unless it holds published agents)")
    # fmt: on


def test_arguments(options: TestAllOptions) -> list[str]:
    """The arguments of test.py, without the run's folder."""
    arguments = ["-tc", str(options.test_count)]
    for flag, value in (("-np", options.noops), ("--seed", options.seed)):
        if value is not None:
            arguments += [flag, str(value)]
    return [*arguments, "--greedy"] if options.greedy else arguments


def table_folder(options: TestAllOptions) -> Path | None:
    """The folder for the tables; None, and a line for the user, if they would lie among published agents unasked."""
    folder = Path(options.folder)
    if options.to is None and any(RunFolder(path).is_published() for path in (folder, *folder.iterdir())):
        print(f"{folder} holds published agents: the table is only printed; --to FOLDER also writes it", flush=True)
        return None
    return writable_folder("--to", options.to or folder)


def test_each(
    runs: Sequence[Path], options: TestAllOptions, folder: Path | None, reports: list[dict[str, Any]]
) -> None:
    """Test each run and print a line about it; add the reports of test.py to `reports`.

    The tables in `folder`, if there is one, are written after each test, so that they survive an interruption.
    """
    for number, run in enumerate(runs, 1):
        try:
            report = test_agent(run, *test_arguments(options))
            if folder and not reports:
                rename_earlier_tables(folder)
            reports.append(report)
            message = f"{reports[-1]['game']}, mean {reports[-1]['mean']:.2f}"
            if folder:
                write_tables(reports, folder)
        except CommandError as error:
            message = str(error)
        print(f"[{number}/{len(runs)}] {run}: {message}", flush=True)


def rename_earlier_tables(folder: Path) -> None:
    """Keep the tables of an earlier call, which may have taken hours, under a name with a number, and say so."""
    earlier = [folder / name for name in TABLES if (folder / name).exists()]
    if earlier:
        stem = next(name for name in numbered("tests") if not any(folder.glob(f"{name}.*")))
        renamed = [str(table.rename(table.with_stem(stem))) for table in earlier]
        print(f"Tables of an earlier call are kept: {', '.join(renamed)}", flush=True)


def report_results(reports: Sequence[dict[str, Any]], folder: Path | None, total: int) -> None:
    """Print the table, write the tables, and say where, and whether they lack some of the `total` agents."""
    if not reports:
        print("No agent was tested, and nothing was written.")
        return
    print_table(reports)
    part = "" if len(reports) == total else f"{len(reports)} of {counted(total, 'agent')}"
    if folder:
        write_tables(reports, folder)
        print(f"\nWrote {' and '.join(str(folder / name) for name in TABLES)}{part and f', with {part}'}")
    elif part:
        print(f"\nThe table has {part}")


def print_table(reports: Sequence[dict[str, Any]]) -> None:
    """Print the table with aligned columns."""
    rows = [COLUMNS, *([_format_cell(report[column]) for column in COLUMNS] for report in reports)]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    print()
    for row in rows:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def _format_cell(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def write_tables(reports: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write tests.csv and tests.json."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(reports)
    # A run's folder may have a name that is not valid UTF-8.
    csv_name, json_name = TABLES
    replace_file(folder / csv_name, text.getvalue().encode("utf-8", "surrogateescape"))
    replace_file(folder / json_name, (json.dumps(list(reports), indent=2) + "\n").encode())


def main(argv: Sequence[str]) -> None:
    options = parse(TestAllOptions, argv, DESCRIPTION)
    runs = [run.path for run in find_runs(options.folder)]
    folder = table_folder(options)
    reports: list[dict[str, Any]] = []
    try:
        test_each(runs, options, folder, reports)
    finally:  # also after Ctrl+C
        report_results(reports, folder, len(runs))
    if len(reports) < len(runs):
        print(f"{len(runs) - len(reports)} of {counted(len(runs), 'agent')} could not be tested", file=sys.stderr)
        sys.exit(entry_point.FAILURE)


if __name__ == "__main__":
    entry_point.run(main)
