"""Test every agent below a folder, and write how they scored as a table."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import csv
import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from agents.commands import CommandError, test
from paac.cli import entry_point
from paac.cli.command_line import PATH, SEED, between, option, parse
from paac.cli.output_paths import writable_folder
from paac.training.run_folder import find_runs

ABOUT = """Test the agent of every run below a folder with test.py, one after the other. The table goes to the screen, and
to tests.csv and tests.json, which has the score of each episode too."""
COLUMNS = ("run", "game", "step", "mean", "median", "min", "max", "std")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TestAllOptions:
    """Options of testAll.py."""

    # fmt: off
    folder: str = option("logs/", "-f", "--folder", group="Agents", limit=PATH, help="folder of runs")
    test_count: int = option(1, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="for each agent")
    noops: int | None = option(None, "-np", "--noops", group="Episodes", limit=between(0, 10_000), help="no-op frames at most at each start (as test.py)")
    greedy: bool = option(False, group="Episodes", help="always the most probable action")
    seed: int | None = option(None, group="Episodes", limit=SEED, help="play the same episodes each time (drawn)")
    to: str | None = option(None, group="Result", limit=PATH, help="folder of tests.csv and tests.json (that of -f)")
    # fmt: on


def test_arguments(options: TestAllOptions) -> list[str]:
    """The arguments of test.py, except the run."""
    arguments = ["-tc", str(options.test_count)]
    for flag, value in (("-np", options.noops), ("--seed", options.seed)):
        if value is not None:
            arguments += [flag, str(value)]
    return [*arguments, "--greedy"] if options.greedy else arguments


def test_each(runs: Sequence[Path], options: TestAllOptions) -> tuple[list[dict[str, Any]], int]:
    """test.py's report on each run, and how many could not be tested; a line for each on the screen."""
    reports = []
    for number, run in enumerate(runs, 1):
        try:
            reports.append(test(run, *test_arguments(options)))
            outcome = f"{reports[-1]['game']}, mean {reports[-1]['mean']:.2f}"
        except CommandError as error:
            outcome = str(error)
        print(f"[{number}/{len(runs)}] {run}: {outcome}", flush=True)
    return reports, len(runs) - len(reports)


def show(reports: Sequence[dict[str, Any]]) -> None:
    """The table as text."""
    rows = [COLUMNS, *([_shown(report[column]) for column in COLUMNS] for report in reports)]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    print()
    for row in rows:
        texts = [
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(texts).rstrip())


def _shown(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def write(reports: Sequence[dict[str, Any]], folder: Path) -> None:
    """tests.csv and tests.json."""
    with (folder / "tests.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(reports)
    (folder / "tests.json").write_text(json.dumps(list(reports), indent=2) + "\n", encoding="utf-8")


def main(argv: Sequence[str]) -> None:
    options = parse(TestAllOptions, argv, ABOUT)
    runs = [run.path for run in find_runs(options.folder)]
    folder = writable_folder("--to", options.to or options.folder)
    reports, failed = test_each(runs, options)
    show(reports)
    write(reports, folder)
    print(f"\nWrote {folder / 'tests.csv'} and {folder / 'tests.json'}")
    if failed:
        print(f"{failed} of {len(runs)} could not be tested", file=sys.stderr)
        sys.exit(entry_point.FAILURE)


if __name__ == "__main__":
    entry_point.run(main)
