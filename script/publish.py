"""Publish a trained agent: copy it, test it, and record its training, its scores and the scores of the baselines."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from paac.cli import entry_point
from paac.cli.command_line import PATH, SEED, between, option, parse, refuse_changed
from paac.cli.errors import UserError
from paac.cli.output_paths import writable_folder
from paac.training.find_runs import find_runs
from paac.training.run_folder import RunFolder

if TYPE_CHECKING:
    from figures.runs import Run

DESCRIPTION = """Copy the agent of a run to FOLDER/NAME, without the emulators' states, and write RESULT.json there: a
command with the options at the end of the training, the agent's scores in test episodes, and the scores of random play
and of a simple rule in the same episodes. Then print a table of all agents in FOLDER. Without --run, only print the table."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PublishOptions:
    """Options of publish.py."""

    # fmt: off
    run: str | None = option(None, "-r", "--run", group="Agent", limit=PATH, help="folder of the run whose agent is published (without it, only the table is printed)")
    name: str | None = option(None, "-n", "--name", group="Agent", help="name of the agent's folder (that of the run's folder)")
    folder: str = option("pretrained", "-f", "--folder", group="Agent", limit=PATH, help="folder of the published agents")
    replace: bool = option(False, group="Agent", help="replace an agent of the same name")
    machine: str | None = option(None, group="Agent", help="description of the machine that trained the agent (that of the run's last session)")
    test_count: int = option(50, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="number of test episodes")
    seed: int = option(1, group="Episodes", limit=SEED, help="seed of the test episodes")
    # fmt: on


def only_run(folder: str) -> "Run":
    """The run in `folder` itself, or the only run below it. Raises UserError if there is none with finished episodes."""
    from figures.runs import load_run

    run_folders = find_runs(folder, "--run")
    if len(run_folders) > 1 and not RunFolder(folder).exists():
        raise UserError(f"--run {folder}: several runs there; name one of {', '.join(map(str, run_folders))}")
    run = load_run(run_folders[0])
    if not len(run.steps):
        if not RunFolder(run.folder).episodes_csv.exists():
            raise UserError(f"--run {folder}: has no episodes.csv, the record of its training; publish the run itself")
        raise UserError(f"--run {folder}: no episode has ended there yet; train longer")
    return run


def main(argv: Sequence[str]) -> None:
    options = parse(PublishOptions, argv, DESCRIPTION)

    from agents.publishing import publish, table
    from paac.training.provenance import read_sessions, this_machine

    folder = Path(options.folder)
    if options.run is None:
        refuse_changed(options, ("name", "replace", "machine", "test_count", "seed"), "has no effect without --run")
    else:
        run = only_run(options.run)
        name = options.name or run.folder.resolve().name
        if Path(name).name != name or name in ("", ".."):
            raise UserError(f"--name {name}: must be a name without a path; choose the folder with --folder")
        if (folder / name).exists():
            if not RunFolder(folder / name).is_published():
                raise UserError(
                    f"--name {name}: {folder / name} exists and is not from publish.py; choose another name"
                )
            if not options.replace:
                raise UserError(f"--name {name}: {folder / name} exists; choose another name, or add --replace")
        writable_folder("--folder", options.folder)
        sessions = read_sessions(RunFolder(run.folder).sessions)
        machine = options.machine or (sessions[-1].machine if sessions else this_machine())
        publish(run, folder / name, episodes=options.test_count, seed=options.seed, machine=machine)
        print(f"Wrote {folder / name}\n")
    print("\n".join(table(folder)))


if __name__ == "__main__":
    entry_point.run(main)
