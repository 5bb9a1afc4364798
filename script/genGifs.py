"""Film the agents of all runs in a folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
from collections.abc import Iterator, Sequence

from agents.commands import CommandError, run_entry_point
from paac.cli import entry_point
from paac.cli.command_line import PATH, POSITIVE, between, option, parse
from paac.training.run_folder import find_runs

DESCRIPTION = """Film the agent of every run in a folder and its sub-folders with gif.py. The gifs of a run are
GIF_FOLDER/RUN_1.gif, GIF_FOLDER/RUN_2.gif and so on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GifsOptions:
    """Options of genGifs.py."""

    # fmt: off
    folder: str = option("logs/", "-f", "--folder", group="Agents", limit=PATH, help="folder that contains runs")
    checkpoints: bool = option(False, "-cp", "--checkpoints", group="Agents", help="also film the checkpoints in checkpoints_saved")
    test_count: int = option(1, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="number of gifs of each agent, one episode each")
    noops: int | None = option(None, "-np", "--noops", group="Episodes", limit=between(0, 10_000), help="maximum number of no-op frames at the start of an episode (the default of gif.py)")
    gif_folder: str = option("./gifs", "-gf", "--gif_folder", group="Film", limit=PATH, help="folder for the gifs")
    gif_seconds: float | None = option(None, group="Film", limit=POSITIVE, help="maximum duration of a gif, in seconds (the whole episode)")
    annotate: bool = option(False, group="Film", help="show the agent's probabilities, value, score and repeats beside the game")
    # fmt: on


def named_agents(options: GifsOptions) -> Iterator[tuple[str, Path]]:
    """Yield the name of each agent's gifs and the agent's folder."""
    root = Path(options.folder)
    for run in find_runs(options.folder):
        name = "-".join(run.path.relative_to(root).parts) or run.path.resolve().name
        yield name, run.path
        if options.checkpoints:
            for kept in run.kept_runs():
                yield f"{name}-{kept.path.name}", kept.path


def main(argv: Sequence[str]) -> None:
    options = parse(GifsOptions, argv, DESCRIPTION)
    arguments = ["-tc", str(options.test_count), "-gf", options.gif_folder]
    for flag, value in (("-np", options.noops), ("--gif_seconds", options.gif_seconds)):
        if value is not None:
            arguments += [flag, str(value)]
    if options.annotate:
        arguments.append("--annotate")
    failed = 0
    agents = list(named_agents(options))
    for number, (name, folder) in enumerate(agents, 1):
        try:
            output = run_entry_point("gif.py", "-f", folder, "-gn", name, *arguments)
        except CommandError as error:
            output = f"{folder}: {error}"
            failed += 1
        for line in output.splitlines():
            print(f"[{number}/{len(agents)}] {line}", flush=True)
    if failed:
        print(f"{failed} of {len(agents)} agents could not be filmed", file=sys.stderr)
        sys.exit(entry_point.FAILURE)


if __name__ == "__main__":
    entry_point.run(main)
