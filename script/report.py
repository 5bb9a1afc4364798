"""Write one HTML page about a run, or about an experiment of several, that needs nothing beside it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
from collections.abc import Sequence

from paac.cli import entry_point
from paac.cli.command_line import PATH, POSITIVE, SEED, arguments, between, option, parse
from paac.cli.output_paths import writable_file

ABOUT = """Write one HTML page about runs: learning curves, and of each run its options, the command that trains it again,
test scores, a film, and with FiGAR the repetitions over training. The page works offline and can be sent by mail."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Options of report.py."""

    # fmt: off
    runs: list[str] = arguments("RUN", group="Runs", help="folder of a run, or one with runs below it")
    to: str | None = option(None, group="Page", limit=PATH, help="file to write (report.html in the first folder)")
    test_count: int = option(10, "-tc", "--test_count", group="Episodes", limit=between(0, 1000), help="episodes that each agent plays; 0: neither tests nor a film")
    seed: int = option(1, group="Episodes", limit=SEED, help="seed of these episodes")
    gif_seconds: float = option(30.0, group="Episodes", limit=POSITIVE, help="longest that a film plays")
    # fmt: on


def main(argv: Sequence[str]) -> None:
    options = parse(ReportOptions, argv, ABOUT)
    from figures.runs import load_runs

    runs, left_out = load_runs(options.runs)
    for line in left_out:
        print(line)
    file = writable_file("--to", options.to or Path(options.runs[0]) / "report.html")

    from paac.training.tensorflow_setup import start_tensorflow
    from reporting.page import Episodes, write_page

    start_tensorflow("/cpu:0")  # what reads the events needs it
    title = ", ".join(Path(name).resolve().name for name in options.runs)
    write_page(runs, title, Episodes(options.test_count, options.seed, options.gif_seconds), file)
    print(f"Wrote {file}")


if __name__ == "__main__":
    entry_point.run(main)
