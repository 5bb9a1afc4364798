"""Draw the learning curves of runs, how often FiGAR repeats, or with --compare how algorithms do over games.

RUN is the folder of a run, or one with runs below it. Runs that differ in nothing but the seed, and where or how long
they ran, are one curve: the mean of the seeds. Each picture is written as PNG and as SVG.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
from collections.abc import Sequence

from figures.groups import RunGroup, figar_words, group_runs
from figures.runs import AXES, load_runs, short_names
from paac.cli import entry_point
from paac.cli.command_line import PATH, arguments, between, one_of, option, parse
from paac.cli.output_paths import writable_folder

X_HELP = "what curves go along: decisions, frames (of the game, as many as were played) or hours (of training)"
REFERENCES_HELP = "JSON file of {game: [random score, reference score]}, for games without a human score"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlotOptions:
    """Options of plot.py."""

    # fmt: off
    runs: list[str] = arguments("RUN", group="Runs", help="folder of a run, or one with runs below it")
    folder: str = option("figures/", group="Pictures", limit=PATH, help="where the pictures go")
    x: str = option("decisions", group="Curves", limit=one_of(*AXES), help=X_HELP)
    bins: int = option(100, group="Curves", limit=between(1, 10_000), help="parts of the x axis, a point for each")
    compare: bool = option(False, group="Comparison", help="draw algorithms over games, in place of curves")
    references: str | None = option(None, group="Comparison", limit=PATH, help=REFERENCES_HELP)
    # fmt: on


def main(argv: Sequence[str]) -> None:
    options = parse(PlotOptions, argv, __doc__ or "")

    runs, left_out = load_runs(options.runs)
    groups, copies = group_runs(runs)
    for line in (*left_out, *copies):
        print(line)
    if options.compare:
        compare_groups(groups, options)
    else:
        show_training(groups, options)


def compare_groups(groups: Sequence[RunGroup], options: PlotOptions) -> None:
    """Write comparison.png and .svg, and print the same as a table."""
    from figures.comparison import comparison_table, draw_comparison
    from figures.scores import compare, load_references
    from figures.style import save

    comparison = compare(groups, load_references(options.references) if options.references else {})
    folder = writable_folder("--folder", options.folder)
    print(*comparison.notes, comparison_table(comparison), sep="\n")
    tell(save(draw_comparison(comparison), folder, "comparison"))


def show_training(groups: Sequence[RunGroup], options: PlotOptions) -> None:
    """Write curves.png and .svg, and repetitions_NAME.png and .svg for each run with FiGAR."""
    from figures.curves import draw_curves
    from figures.repetitions import draw_repetitions, is_figar, read_repetitions
    from figures.style import save
    from paac.training.tensorflow_setup import start_tensorflow

    folder = writable_folder("--folder", options.folder)
    tell(save(draw_curves(groups, options.x, options.bins), folder, "curves"))
    runs = [run for group in groups for run in group.runs if is_figar(run)]
    if runs:
        start_tensorflow("/cpu:0")  # what reads the events needs it
    for run, name in zip(runs, short_names(runs), strict=True):
        repetitions = read_repetitions(run)
        if not len(repetitions.steps):
            print(f"{run.folder}: no repetitions in its tf/; left out of those pictures")
            continue
        figure = draw_repetitions(repetitions, f"{name}: {run.game}, {figar_words(run.options)}", options.bins)
        tell(save(figure, folder, f"repetitions_{name.replace('/', '_')}"))


def tell(files: Sequence[Path]) -> None:
    """Say what was written."""
    for file in files:
        print(f"wrote {file}")


if __name__ == "__main__":
    entry_point.run(main)
