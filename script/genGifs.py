"""Film every agent below a folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
from collections.abc import Iterator, Sequence

from agents.commands import CommandError, call
from paac.cli import entry_point
from paac.cli.command_line import PATH, POSITIVE, between, option, parse
from paac.training.run_folder import find_runs

ABOUT = """Film the agent of every run below a folder with gif.py: GIF_FOLDER/RUN_1.gif and so on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GifsOptions:
    """Options of genGifs.py."""

    # fmt: off
    folder: str = option("logs/", "-f", "--folder", group="Agents", limit=PATH, help="folder of runs")
    checkpoints: bool = option(False, "-cp", "--checkpoints", group="Agents", help="those kept in checkpoints_saved, too")
    test_count: int = option(1, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="gifs of each agent")
    noops: int | None = option(None, "-np", "--noops", group="Episodes", limit=between(0, 10_000), help="no-op frames at most at each start (as gif.py)")
    gif_folder: str = option("./gifs", "-gf", "--gif_folder", group="Film", limit=PATH, help="where gifs go")
    gif_seconds: float | None = option(None, group="Film", limit=POSITIVE, help="longest that a gif plays (the episode)")
    annotate: bool = option(False, group="Film", help="beside the game, what the agent thinks")
    # fmt: on


def named_agents(options: GifsOptions) -> Iterator[tuple[str, Path]]:
    """The name of the gif and the folder of each agent."""
    root = Path(options.folder)
    for run in find_runs(options.folder):
        name = "-".join(run.path.relative_to(root).parts) or run.path.resolve().name
        yield name, run.path
        if options.checkpoints:
            for kept in run.kept_runs():
                yield f"{name}-{kept.path.name}", kept.path


def main(argv: Sequence[str]) -> None:
    options = parse(GifsOptions, argv, ABOUT)
    arguments = ["-tc", str(options.test_count), "-gf", options.gif_folder]
    for flag, value in (("-np", options.noops), ("--gif_seconds", options.gif_seconds)):
        if value is not None:
            arguments += [flag, str(value)]
    if options.annotate:
        arguments.append("--annotate")
    failed = 0
    found = list(named_agents(options))
    for number, (name, run) in enumerate(found, 1):
        try:
            outcome = call("gif.py", "-f", run, "-gn", name, *arguments)
        except CommandError as error:
            outcome = f"{run}: {error}"
            failed += 1
        for line in outcome.splitlines():
            print(f"[{number}/{len(found)}] {line}", flush=True)
    if failed:
        print(f"{failed} of {len(found)} could not be filmed", file=sys.stderr)
        sys.exit(entry_point.FAILURE)


if __name__ == "__main__":
    entry_point.run(main)
