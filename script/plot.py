"""Draw learning curves of runs and FiGAR's repetitions during training, or compare algorithms over games with --compare.

RUN is the folder of a run, or a folder that contains runs. Runs of the same game whose options are the same, apart from
the seed, the training length and the machine, form one curve: the mean over their seeds. Each picture is written as PNG
and as SVG.
"""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
from collections.abc import Sequence

from figures.groups import RunGroup, describe_figar, group_runs
from figures.runs import AXES, load_runs, short_names
from paac.cli import entry_point
from paac.cli.command_line import PATH, arguments, between, one_of, option, parse, refuse_changed
from paac.cli.folders import unique_names
from paac.cli.output_paths import writable_folder

X_HELP = "x axis of the curves: decisions, frames (of the game, also those of repeats) or hours (of training)"
REFERENCES_HELP = (
    "JSON file of {game: [random score, reference score]}; these normalise the scores of a game instead of the "
    "published random and human scores"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlotOptions:
    """Options of plot.py."""

    # fmt: off
    runs: list[str] = arguments("RUN", group="Runs", help="folder of a run, or a folder that contains runs")
    folder: str = option("figures/", group="Pictures", limit=PATH, help="folder for the pictures")
    x: str = option("decisions", group="Curves", limit=one_of(*AXES), help=X_HELP)
    bins: int = option(100, group="Curves", limit=between(1, 10_000), help="number of bins along the x axis; a curve has one point per bin")
    compare: bool = option(False, group="Comparison", help="compare algorithms over all games, instead of drawing curves")
    references: str | None = option(None, group="Comparison", limit=PATH, help=REFERENCES_HELP)
    # fmt: on


def main(argv: Sequence[str]) -> None:
    options = parse(PlotOptions, argv, __doc__ or "")
    if options.compare:
        refuse_changed(options, ("x", "bins"), "has no effect with --compare")
    else:
        refuse_changed(options, ("references",), "has no effect without --compare")

    runs, left_out = load_runs(options.runs)
    groups, copies = group_runs(runs)
    for line in (*left_out, *copies):
        print(line)
    if options.compare:
        compare_groups(groups, options)
    else:
        draw_training(groups, options)


def compare_groups(groups: Sequence[RunGroup], options: PlotOptions) -> None:
    """Write comparison.png and .svg, and print the comparison as a table."""
    from figures.comparison import comparison_table, draw_comparison
    from figures.scores import compare, load_references
    from figures.style import save_figure

    comparison = compare(groups, load_references(options.references) if options.references else {})
    folder = writable_folder("--folder", options.folder)
    print(*comparison.notes, comparison_table(comparison), sep="\n")
    print_files(save_figure(draw_comparison(comparison), folder, "comparison"))


def draw_training(groups: Sequence[RunGroup], options: PlotOptions) -> None:
    """Write curves.png and .svg, and repetitions_NAME.png and .svg for each run with FiGAR."""
    from figures.curves import draw_curves, shortened_curves
    from figures.repetitions import draw_repetitions, read_repetitions, uses_figar
    from figures.style import save_figure
    from paac.training.tensorflow_setup import start_tensorflow

    folder = writable_folder("--folder", options.folder)
    for line in shortened_curves(groups, options.x):
        print(line)
    print_files(save_figure(draw_curves(groups, options.x, options.bins), folder, "curves"))
    runs = [run for group in groups for run in group.runs if uses_figar(run)]
    if runs:
        start_tensorflow("/cpu:0")  # TensorBoard reads event files with TensorFlow
    names = short_names(runs)
    files = unique_names(f"repetitions_{name.replace('/', '_')}" for name in names)
    for run, name, file in zip(runs, names, files, strict=True):
        repetitions = read_repetitions(run)
        if not len(repetitions.steps):
            print(f"{run.folder}: no repetitions recorded in tf/; no picture of them is drawn")
            continue
        figure = draw_repetitions(repetitions, f"{name}: {run.game}, {describe_figar(run.options)}", options.bins)
        print_files(save_figure(figure, folder, file))


def print_files(files: Sequence[Path]) -> None:
    """Print the names of the files that were written."""
    for file in files:
        print(f"Wrote {file}")


if __name__ == "__main__":
    entry_point.run(main)
