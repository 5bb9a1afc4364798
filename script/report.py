"""Write one self-contained HTML page about a run, or about several runs."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
from collections.abc import Sequence

from paac.cli import entry_point
from paac.cli.command_line import PATH, POSITIVE, SEED, arguments, between, option, parse
from paac.cli.folders import valid_utf8
from paac.cli.output_paths import writable_file

DESCRIPTION = """Write one HTML page about runs: their learning curves and, for each run, its options, the command that
trains it again, test scores, a film of an episode and, with FiGAR, how often actions were repeated during training. The
page contains its pictures, so it works offline and can be sent by e-mail."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Options of report.py."""

    # fmt: off
    runs: list[str] = arguments("RUN", group="Runs", help="folder of a run, or a folder that contains runs")
    to: str | None = option(None, group="Page", limit=PATH, help="HTML file to write (report.html in the first RUN folder)")
    test_count: int = option(10, "-tc", "--test_count", group="Episodes", limit=between(0, 1000), help="number of test episodes of each agent; with 0, the page has neither tests nor films")
    seed: int = option(1, group="Episodes", limit=SEED, help="seed of the test episodes and the film")
    gif_seconds: float = option(30.0, group="Episodes", limit=POSITIVE, help="maximum duration of a film, in seconds")
    # fmt: on


def main(argv: Sequence[str]) -> None:
    options = parse(ReportOptions, argv, DESCRIPTION)
    from figures.runs import load_runs

    runs, left_out = load_runs(options.runs)
    for line in left_out:
        print(line)
    real_paths = [run.folder.resolve() for run in runs]
    folders = [name for name in options.runs if any(path.is_relative_to(Path(name).resolve()) for path in real_paths)]
    folders = folders or options.runs  # if all of their runs lie behind links
    file = writable_file("--to", options.to or Path(folders[0]) / "report.html")

    from paac.training.tensorflow_setup import start_tensorflow
    from reporting.page import EpisodeSettings, write_page

    start_tensorflow("/cpu:0")  # TensorBoard reads event files with TensorFlow
    title = ", ".join(valid_utf8(Path(name).resolve().name) for name in folders)
    episodes = EpisodeSettings(options.test_count, options.seed, options.gif_seconds)
    all_played = write_page(runs, title, episodes, file)
    print(f"Wrote {file}")
    if not all_played:
        sys.exit(entry_point.FAILURE)


if __name__ == "__main__":
    entry_point.run(main)
