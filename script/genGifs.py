"""Film the agents of all runs in a folder, or one of them."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
import os
from collections.abc import Mapping, Sequence

from agents.commands import CommandError, film_agent
from paac.cli import entry_point
from paac.cli.command_line import MAX_INTEGER, NOT_NEGATIVE, PATH, POSITIVE, between, option, parse
from paac.cli.errors import UserError
from paac.cli.folders import unique_names
from paac.cli.output_paths import writable_folder
from paac.cli.safe_files import refuse_links
from paac.cli.words import counted
from paac.training.find_runs import find_runs
from paac.training.run_folder import RunFolder

DESCRIPTION = """Film the agent of every run in a folder and its sub-folders with gif.py. The gifs of a run are
FOLDER/gifs/RUN_1.gif, FOLDER/gifs/RUN_2.gif and so on; those of a copy in checkpoints_saved are named RUN-STEP_1.gif.
The run in SUB/RUN is named SUB-RUN; where that is the name of another one too, -2, -3 and so on follow it."""
NEWEST = 0
ALL = MAX_INTEGER  # the value of -cp without a number; no training has that many decisions
MIN_STEP = 1000  # smaller numbers count copies
MAX_BYTES = 160  # of a name, without -STEP and a number


@dataclasses.dataclass(frozen=True, kw_only=True)
class GifsOptions:
    """Options of genGifs.py."""

    # fmt: off
    folder: str = option("logs/", "-f", "--folder", group="Agents", limit=PATH, help="folder that contains runs")
    agent: str | None = option(None, "-gf", "--agent", group="Agents", help="film only the run of this name in the folder (all runs)")
    checkpoints: int = option(NEWEST, "-cp", "--checkpoints", group="Agents", limit=NOT_NEGATIVE, flag_value=ALL, help="checkpoint to film: 0 is the newest one, 1000 or more is the step of a copy in checkpoints_saved, and 1 to 999 chooses a copy by its place: 1 is the second one, 2 the third one; without a number, the newest one and all copies")
    test_count: int = option(1, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="number of films of each agent, one episode each")
    noops: int | None = option(None, "-np", "--noops", group="Episodes", limit=between(0, 10_000), help="maximum number of no-op frames at the start of an episode (the default of gif.py)")
    to: str | None = option(None, group="Film", limit=PATH, help="folder for the films (gifs/ in the folder of -f)")
    gif_seconds: float | None = option(None, group="Film", limit=POSITIVE, help="maximum duration of a film in seconds (the default of gif.py: 5 minutes)")
    mp4: bool = option(False, group="Film", help="write mp4 videos instead of gifs")
    annotate: bool = option(False, group="Film", help="show the agent's probabilities, value, score and repeats beside the game")
    # fmt: on


def gif_names(runs: Mapping[str, RunFolder]) -> dict[Path, str]:
    """A different name for the gifs of each agent, that is of each run and each copy of a checkpoint, by its folder.

    `runs` are all runs by their paths relative to the folder: the names do not depend on which of them are filmed.
    """
    parts = {run.path: Path(path).parts or (run.path.resolve().name,) for path, run in runs.items()}
    agents = sorted(parts, key=lambda path: len(parts[path]))  # a-b before a/b
    # A long name is cut to what gif.py takes. Its end is kept: that tells the runs of a sweep apart.
    names = unique_names(_shortened("-".join(parts[agent])) for agent in agents)
    for agent, name in list(zip(agents, names, strict=True)):
        copies = [kept.path for kept in RunFolder(agent).kept_runs()]
        agents += copies
        names += [f"{name}-{copy.name}" for copy in copies]
    return dict(zip(agents, unique_names(names), strict=True))


def _shortened(name: str) -> str:
    content = os.fsencode(name)
    return name if len(content) <= MAX_BYTES else content[-MAX_BYTES:].decode(errors="ignore").lstrip("-.")


def chosen_runs(options: GifsOptions, runs: Mapping[str, RunFolder]) -> list[RunFolder]:
    """The runs to film, of all `runs` by path relative to the folder. Raises UserError if -gf names not exactly one."""
    root = Path(options.folder)
    if not options.agent:
        return list(runs.values())
    path = str(Path(options.agent))
    found = [path] if path in runs else [name for name, run in runs.items() if run.path.resolve().name == path]
    if not found:
        raise UserError(
            f"-gf {options.agent}: no run of that name in {root}; name one of {', '.join(runs)} (--to sets the folder "
            "of the gifs)"
        )
    if len(found) > 1:
        raise UserError(f"-gf {options.agent}: several runs of that name; name one of {', '.join(found)}")
    return [runs[found[0]]]


def chosen_agents(run: RunFolder, checkpoint: int) -> list[Path]:
    """The folder of each of the run's agents to film. Raises UserError if the run has no such copy."""
    copies = [kept.path for kept in run.kept_runs()]
    if checkpoint == NEWEST:
        return [run.path]
    if checkpoint == ALL:
        return [run.path, *copies]
    if checkpoint < MIN_STEP:
        chosen = copies[checkpoint : checkpoint + 1]
    else:
        chosen = [path for path in copies if path.name == str(checkpoint)]
    if not chosen:
        steps = ", ".join(path.name for path in copies) or "no copies"
        folder = run.kept_checkpoints.folder
        raise UserError(f"-cp {checkpoint}: not in {folder}, which has {steps}; choose another one, or -cp 0")
    return chosen


def all_agents(runs: Sequence[RunFolder], checkpoint: int) -> tuple[list[Path], list[str]]:
    """The `chosen_agents` of the `runs`, and a message for each run that has no such copy.

    Raises UserError if no run has it.
    """
    agents: list[Path] = []
    missing = []
    for run in runs:
        try:
            agents += chosen_agents(run, checkpoint)
        except UserError as error:
            missing.append(str(error))
    if not agents:
        raise UserError(missing[0])
    return agents, missing


def gif_arguments(options: GifsOptions) -> list[str]:
    """The arguments of gif.py, without the run's folder and the name and folder of the gifs."""
    arguments = ["-tc", str(options.test_count)]
    for flag, value in (("-np", options.noops), ("--gif_seconds", options.gif_seconds)):
        if value is not None:
            arguments += [flag, str(value)]
    switches = {"--mp4": options.mp4, "--annotate": options.annotate}
    return [*arguments, *(flag for flag, is_set in switches.items() if is_set)]


def main(argv: Sequence[str]) -> None:
    options = parse(GifsOptions, argv, DESCRIPTION)
    runs = {str(run.path.relative_to(options.folder)): run for run in find_runs(options.folder)}
    agents, missing = all_agents(chosen_runs(options, runs), options.checkpoints)
    names = gif_names(runs)
    if options.to is None:
        refuse_links(Path(options.folder) / "gifs")  # the folder may be that of a run
    gif_folder = writable_folder("--to", options.to or Path(options.folder) / "gifs")
    for line in missing:
        print(line)
    failed = len(missing)
    for number, folder in enumerate(agents, 1):
        try:
            output = film_agent(folder, "-gn", names[folder], "-gf", gif_folder, *gif_arguments(options))
        except CommandError as error:
            output = f"{folder}: {error}"
            failed += 1
        for line in output.splitlines():
            print(f"[{number}/{len(agents)}] {line}", flush=True)
    if failed:
        print(f"{failed} of {counted(len(agents) + len(missing), 'agent')} could not be filmed", file=sys.stderr)
        sys.exit(entry_point.FAILURE)


if __name__ == "__main__":
    entry_point.run(main)
