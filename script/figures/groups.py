"""Groups of runs with the same learning options, whatever their games and seeds."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emulators.registry import frame_skip_by_name
from figures.runs import Run
from paac.cli.command_line import LOCAL, flag
from paac.cli.folders import valid_utf8
from paac.cli.options import EFFECT_CONDITIONS, Options, has_effect, resolve
from paac.cli.words import counted

# Options that may differ within a group: the game, the seed, the length of the training, what it writes, and what
# depends on the machine.
IGNORED_OPTIONS = {
    *("game", "random_seed"),
    *("max_global_steps", "checkpoint_interval", "keep_checkpoints", "eval_interval", "eval_episodes"),
    *("visualize_convs", "log_video", "op_threads", "shards"),
}
# Options whose defaults depend on the game and the protocol.
DERIVED_OPTIONS = ("random_start", "sticky_actions", "full_action_space", "frame_skip")
FIGAR_OPTIONS = ("max_repetition", "nb_choices")
PROCESSES = "processes"
SHORT_NAMES = {"initial_lr": "lr", "lr_annealing_steps": "lra", "emulator_counts": "emulators"}  # in labels


@dataclass(frozen=True, eq=False)
class RunGroup:
    """Runs with the same learning options."""

    label: str  # the options in which the group differs from the other groups
    runs: list[Run]

    @property
    def games(self) -> list[str]:
        """The games that the runs play, sorted by name."""
        return sorted({run.game for run in self.runs})

    def runs_of(self, game: str) -> list[Run]:
        """The runs that play `game`."""
        return [run for run in self.runs if run.game == game]


def group_runs(runs: Sequence[Run]) -> tuple[list[RunGroup], list[str]]:
    """Group `runs` by their learning options; returns the groups and a message for each run that is left out.

    Groups are in the order of their first runs. Of several runs with the same options, game and seed only the longest is
    kept: they are copies, not further samples.
    """
    runs_by_options: dict[tuple, dict[tuple[str, int], Run]] = {}
    messages = []
    for run in runs:
        group = runs_by_options.setdefault(tuple(_compared_options(run).values()), {})
        game_and_seed = run.game, run.options.random_seed
        if game_and_seed not in group:
            group[game_and_seed] = run
            continue
        shorter, longer = sorted((run, group[game_and_seed]), key=lambda copy: copy.steps[-1])
        group[game_and_seed] = longer
        messages.append(f"{shorter.folder}: the same options and seed as {longer.folder}; it is not drawn")
    groups = [list(group.values()) for group in runs_by_options.values()]
    return [RunGroup(label, runs) for label, runs in zip(_labels(groups), groups, strict=True)], messages


def learning_options(options: Options) -> dict[str, Any]:
    """The options that change how an agent learns, by name.

    None stands for an option that is not used, or that has the default of its game and protocol.
    """
    given = {name: value for name, value in dataclasses.asdict(options).items() if name not in DERIVED_OPTIONS}
    given["frame_skip"] = frame_skip_by_name(options.game)  # without opening an environment
    defaults = resolve(given, started=True)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Options):
        name, value = field.name, getattr(options, field.name)
        if field.metadata["kind"] == LOCAL or name in IGNORED_OPTIONS:
            continue
        is_default = name in DERIVED_OPTIONS and value == getattr(defaults, name)
        values[name] = None if is_default or not has_effect(options, name) else value
    return values


def _compared_options(run: Run) -> dict[str, Any]:
    """What all runs of a group have in common: their learning options and the number of their processes.

    At the beginning of a training, `Run.num_processes` may be too low.
    """
    return {**learning_options(run.options), PROCESSES: run.num_processes}


def _labels(groups: Sequence[Sequence[Run]]) -> list[str]:
    """A label per group: the options in which the groups differ, or the folder's name if there is only one group."""
    options = [_compared_options(runs[0]) for runs in groups]
    if len(options) == 1:
        return [_folder_name(groups[0])]
    differing = []
    for name in options[0]:
        compared = [values[name] for values in options if values[name] is not None or name not in EFFECT_CONDITIONS]
        if len(set(compared)) > 1:
            differing.append(name)
    return [_label(runs, differing) for runs in groups]


def _label(runs: Sequence[Run], names: Sequence[str]) -> str:
    """The values that the `runs` of a group have for `names`, keys of `_compared_options`, in words.

    A default that depends on the game may have several values in a group; it is left out if the label has others.
    """
    own = [name for name in names if name != PROCESSES and has_effect(runs[0].options, name)]
    common = [name for name in own if len({getattr(run.options, name) for run in runs}) == 1]
    processes = counted(runs[0].num_processes, "process") if PROCESSES in names else ""
    label = ", ".join(filter(None, [describe_options(runs[0].options, common), processes]))
    return label or f"default {', '.join(names)}"


def game_labels(groups: Sequence[RunGroup], game: str) -> list[str]:
    """A label for each of the `groups`, which all play `game`: what differs among them, and several seeds.

    A single group has its own label, which says how it differs from the groups of other games.
    """
    runs = [group.runs_of(game) for group in groups]
    labels = _labels(runs) if len(groups) > 1 else [group.label for group in groups]
    return [f"{label} ({len(own)} seeds)" if len(own) > 1 else label for label, own in zip(labels, runs, strict=True)]


def _folder_name(runs: Sequence[Run]) -> str:
    return valid_utf8(os.path.basename(os.path.commonpath([run.folder.resolve() for run in runs])))


def describe_options(options: Options, names: Sequence[str]) -> str:
    """The values of the options `names` in words, such as "arch NIPS, FiGAR 10"."""
    flags = {field.name: flag(field).lstrip("-") for field in dataclasses.fields(Options)} | SHORT_NAMES
    descriptions = [
        describe_figar(options) if name in FIGAR_OPTIONS else _describe(flags[name], getattr(options, name))
        for name in names
    ]
    return ", ".join(dict.fromkeys(descriptions))  # both options of FiGAR have the same description


def _describe(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if isinstance(value, int) and value >= 1_000_000:
        return f"{name} {value / 1e6:g}M"
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"


def describe_figar(options: Options) -> str:
    """The FiGAR options in words: "FiGAR 10", "FiGAR 10 with 3 choices", or "no FiGAR" for plain PAAC."""
    max_repetition, choices = options.max_repetition, options.nb_choices
    if (max_repetition, choices) == (0, 1):
        return "no FiGAR"
    return f"FiGAR {max_repetition}" + ("" if choices == max_repetition + 1 else f" with {counted(choices, 'choice')}")


def describe_seeds(counts: Sequence[int]) -> str:
    """The numbers of seeds in words, such as "1 to 3 seeds"."""
    fewest, most = min(counts), max(counts)
    if fewest < most:
        return f"{fewest} to {most} seeds"
    return counted(most, "seed")
