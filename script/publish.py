"""Copy a trained agent, test it, and write down how it was trained, how it scores and what others score."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from paac.cli import entry_point
from paac.cli.command_line import PATH, SEED, between, option, parse
from paac.cli.errors import UserError
from paac.cli.output_paths import writable_folder
from paac.training.run_folder import find_runs

if TYPE_CHECKING:
    from figures.runs import Run

ABOUT = """Copy the agent of a run, without the emulators' states, and write RESULT.json beside it: the command that trained
it, the scores of its test episodes, and those of random play and of a simple rule in the same episodes. Then show the
table of all agents beside it; without --run, only that."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PublishOptions:
    """Options of publish.py."""

    # fmt: off
    run: str | None = option(None, "-r", "--run", group="Agent", limit=PATH, help="whose agent it is (none: only the table)")
    name: str | None = option(None, "-n", "--name", group="Agent", help="of its folder (the run's)")
    folder: str = option("pretrained", "-f", "--folder", group="Agent", limit=PATH, help="where agents are; one of the same name is replaced")
    machine: str | None = option(None, group="Agent", help="what it was trained on, in words (this machine)")
    test_count: int = option(50, "-tc", "--test_count", group="Episodes", limit=between(1, 1000), help="episodes to play")
    seed: int = option(1, group="Episodes", limit=SEED, help="of the episodes")
    # fmt: on


def only_run(folder: str) -> "Run":
    """The run at or below `folder`. Raises UserError if there is none, or more than one, or no episode yet."""
    from figures.runs import load_run

    found = find_runs(folder, "--run")
    if len(found) > 1:
        raise UserError(f"--run {folder}: several runs there; name one of {', '.join(map(str, found))}")
    run = load_run(found[0])
    if not len(run.steps):
        raise UserError(f"--run {folder}: no episode has ended there yet; train longer")
    return run


def main(argv: Sequence[str]) -> None:
    options = parse(PublishOptions, argv, ABOUT)

    from agents.publishing import RESULT, publish, table, this_machine

    folder = Path(options.folder)
    if options.run is None and options.name is not None:
        raise UserError(f"--name {options.name}: needs --run, the agent to publish")
    if options.run is not None:
        run = only_run(options.run)
        name = options.name or run.folder.resolve().name
        if Path(name).name != name or name in ("", ".."):
            raise UserError(f"--name {name}: must be a plain name; the folder is --folder")
        if (folder / name).exists() and not (folder / name / RESULT).is_file():
            raise UserError(f"--name {name}: {folder / name} is there, and not by publish.py; name another")
        writable_folder("--folder", options.folder)
        machine = options.machine or this_machine()
        publish(run, folder / name, episodes=options.test_count, seed=options.seed, machine=machine)
        print(f"Wrote {folder / name}\n")
    print("\n".join(table(folder)))


if __name__ == "__main__":
    entry_point.run(main)
