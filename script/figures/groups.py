"""Which runs belong together: those that learn in the same way, whatever their game and seed."""

import dataclasses
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from figures.runs import Run
from paac.cli.command_line import LOCAL, flag
from paac.cli.options import Options, resolve

NOT_LEARNING = {
    *("game", "random_seed"),
    # When to end, and what to write meanwhile.
    *("max_global_steps", "checkpoint_interval", "keep_checkpoints", "visualize_convs", "log_video"),
}
OF_THE_START = ("random_start", "sticky_actions", "full_action_space", "shards")  # chosen by the game and the protocol
FIGAR = ("max_repetition", "nb_choices")


@dataclass(frozen=True, eq=False)
class RunGroup:
    """Runs that learn in the same way."""

    label: str  # what makes it another than the other groups
    runs: list[Run]

    @property
    def games(self) -> list[str]:
        """Its games, by name."""
        return sorted({run.game for run in self.runs})

    def of(self, game: str) -> list[Run]:
        """Its runs of `game`."""
        return [run for run in self.runs if run.game == game]


def group_runs(runs: Sequence[Run]) -> tuple[list[RunGroup], list[str]]:
    """The groups, in the order of their first runs, and a line for each run that is left out.

    That is one with the seed of another of its group and game: a copy says nothing new.
    """
    found: dict[tuple, list[Run]] = {}
    lines = []
    for run in runs:
        group = found.setdefault(tuple(way_of_learning(run.options).values()), [])
        same = [other for other in group if (other.game, other.options.random_seed) == _training(run)]
        if same:
            lines.append(f"{run.folder}: the same options and seed as {same[0].folder}; left out")
        else:
            group.append(run)
    groups = list(found.values())
    return [RunGroup(label, runs) for label, runs in zip(_labels(groups), groups, strict=True)], lines


def _training(run: Run) -> tuple[str, int]:
    return run.game, run.options.random_seed


def way_of_learning(options: Options) -> dict[str, Any]:
    """Options that make runs differ in how they learn, by name; None for what game and protocol choose anyway."""
    unused = [] if options.egreedy else ["epsilon", "annealed", "annealed_steps"]
    given = {name: value for name, value in dataclasses.asdict(options).items() if name not in OF_THE_START}
    chosen = resolve(given)
    return {
        field.name: None
        if field.name in unused
        or (field.name in OF_THE_START and getattr(options, field.name) == getattr(chosen, field.name))
        else getattr(options, field.name)
        for field in dataclasses.fields(Options)
        if field.metadata["kind"] != LOCAL and field.name not in NOT_LEARNING
    }


def _labels(groups: Sequence[Sequence[Run]]) -> list[str]:
    """The options in which the groups differ, or the folder of the only one."""
    ways = [way_of_learning(runs[0].options) for runs in groups]
    if len(ways) == 1:
        return [_folder_name(groups[0])]
    differing = [name for name in ways[0] if len({way[name] for way in ways}) > 1]
    return [label(runs[0].options, differing) for runs in groups]


def _folder_name(runs: Sequence[Run]) -> str:
    return os.path.basename(os.path.commonpath([run.folder.resolve() for run in runs]))


def label(options: Options, names: Sequence[str]) -> str:
    """The options of these `names` as a person would say them, such as "arch NIPS, FiGAR 10"."""
    flags = {field.name: flag(field).lstrip("-") for field in dataclasses.fields(Options)}
    words = [figar_words(options) if name in FIGAR else _words(flags[name], getattr(options, name)) for name in names]
    return ", ".join(dict.fromkeys(words))  # FiGAR's two options are one word


def _words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {value}"


def figar_words(options: Options) -> str:
    """Such as "FiGAR 10", with the number of choices where some repeats are left out; "no FiGAR" for plain PAAC."""
    most, choices = options.max_repetition, options.nb_choices
    if (most, choices) == (0, 1):
        return "no FiGAR"
    return f"FiGAR {most}" + ("" if choices == most + 1 else f" in {choices} choices")


def seeds(counts: Sequence[int]) -> str:
    """How many seeds there are in each game, in words."""
    least, most = min(counts), max(counts)
    if least < most:
        return f"{least} to {most} seeds"
    return f"{most} seed{'s' if most > 1 else ''}"


def seeds_of(group: RunGroup) -> str:
    """How many seeds the group has in each of its games, in words."""
    return seeds(list(Counter(run.game for run in group.runs).values()))
