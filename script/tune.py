"""Search for hyperparameters with Optuna; the same command resumes the search."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
import importlib.util
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emulators import find_game, make_emulator
from experiments.train_command import option_words
from paac.cli import entry_point
from paac.cli.command_line import (
    AT_LEAST_ONE,
    FIXED,
    PATH,
    SEED,
    TUNABLE,
    check_limits,
    option,
    option_fields,
    typed_options,
)
from paac.cli.errors import UserError
from paac.cli.options import TrainOptions, resolve
from paac.cli.output_paths import writable_file, writable_folder
from paac.cli.safe_files import replace_file
from paac.training.run_folder import RunFolder

if TYPE_CHECKING:
    from experiments.search import Search
    from experiments.search_space import Space, TrialOptions

DESCRIPTION = """Search for the hyperparameters of a game with Optuna. Each trial is a run of train.py with other values,
in the folder of the study; its score is the mean of the last 50 episodes. TPE chooses the values, and a trial is pruned
if its best score so far is below the median of the finished trials. The options of train.py that are not searched for can be
typed. Ctrl+C saves the running trials and stops; the same command resumes. At the end there are a table of the trials,
pictures, and the best options as a preset, best.json. --space names a JSON file of the options to search for, by their
names in args.json or their flags without dashes, each with a range or a list of values: {"lr": {"low": 1e-4, "high":
0.1, "log": true}, "max_local_steps": {"low": 5, "high": 20, "step": 5}, "activation": ["relu", "leaky_relu"]}. Without
it, the search is over initial_lr, e, clip_norm, entropy, activation and max_local_steps."""
UNUSED_OPTIONS = {"list_games", "visualize", "debugging_folder"}
INTERVALS = 10  # in a trial


@dataclasses.dataclass(frozen=True, kw_only=True)
class TuneOptions(TrainOptions):
    """Options of tune.py: those of train.py, of which `UNUSED_OPTIONS` have no flags, and of the search."""

    # fmt: off
    max_global_steps: int = option(300_000, group="Search", kind=TUNABLE, limit=AT_LEAST_ONE, help="decisions of each trial")
    random_seed: int = option(1, "--seed", group="Search", kind=FIXED, limit=SEED, help="seed of the search; trial N trains with this seed plus N")
    space: str | None = option(None, group="Search", limit=PATH, help="JSON file of the options to search for")
    trials: int = option(40, group="Search", limit=AT_LEAST_ONE, help="total number of trials, with those of earlier commands")
    jobs: int = option(1, group="Search", limit=AT_LEAST_ONE, help="number of trials that run at the same time")
    study: str | None = option(None, group="Search", limit=PATH, help="file of the study, FILE.db; the runs of its trials and all results are in the folder FILE beside it (logs/tune_GAME.db)")
    interval: int | None = option(None, group="Search", limit=AT_LEAST_ONE, help="decisions between two looks at the score of a trial (a tenth of --max_global_steps)")
    prune: bool = option(True, group="Search", help="end a trial early if its score is below the median of the finished trials at the same number of decisions")
    # fmt: on


OWN_OPTIONS = [field.name for field, _ in option_fields(TuneOptions) if field.metadata["group"] == "Search"]


def check_optuna() -> None:
    """Raise UserError unless Optuna is installed."""
    if importlib.util.find_spec("optuna") is None:
        raise UserError("optuna is not installed; run pip install -r script/requirements-tune.txt")


def study_file(options: TuneOptions) -> Path:
    """The file of the study, whose folder exists. Raises UserError if it cannot be written."""
    name = re.sub(r"[^\w.-]", "_", options.game)
    file = Path(options.study or f"logs/tune_{name}.db")
    if file.suffix != ".db":
        raise UserError(f"--study {file}: its name must end with .db")
    if RunFolder(file.with_suffix("")).exists():
        raise UserError(
            f"--study {file}: {file.with_suffix('')}, the folder of its trials, is a run; name another file"
        )
    writable_folder("--study", file.parent)
    return writable_file("--study", file)


def write_results(search: "Search") -> bool:
    """Print the table of the trials, write the pictures and the best options, and print where they are.

    Returns whether there is a best trial.
    """
    from experiments.study import best_trial, shown_values, trial_table
    from figures.study import draw_study

    print("", *trial_table(search.study), sep="\n")
    for file in draw_study(search.study, search.folder):
        print(f"Wrote {file}")
    best, preset = best_trial(search.study), search.best_preset()
    if best is None:
        print("No trial has finished with a score yet, so there is no best one.")
        return False
    file = search.folder / "best.json"
    replace_file(file, (json.dumps(preset, indent=2) + "\n").encode())
    print(f"Best: trial {best.number}, mean score {best.value:.2f}: {shown_values(best.params)}")
    words = ["python3", "train.py", "-df", f"{search.folder}_best", "--preset", str(file)]
    length = ["--max_global_steps", str(search.settings.decisions)]
    print(f"Train with these options: {shlex.join([*words, *length])}")
    return True


def open_search(
    options: TuneOptions, given: "TrialOptions", ranges: Mapping[str, Any], space: "Space", file: Path
) -> "Search":
    """The search in the study's file, which is created if necessary. Raises UserError."""
    from experiments.search import Search, Settings
    from experiments.study import open_study

    interval = options.interval or max(1, options.max_global_steps // INTERVALS)
    settings = Settings(
        options=given.shared,
        space=space,
        start=given.start,
        decisions=options.max_global_steps,
        interval=interval,
        seed=options.random_seed,
        arguments=option_words(given.local),
    )
    common = {
        "options": given.shared,
        "space": ranges,
        "max_global_steps": settings.decisions,
        "interval": settings.interval,
        "seed": settings.seed,
    }
    return Search(open_study(file, common, options.prune), file, settings, options.jobs)


def main(argv: Sequence[str]) -> None:
    typed = typed_options(TuneOptions, argv, DESCRIPTION, without=UNUSED_OPTIONS)
    typed.setdefault("random_seed", TuneOptions.random_seed)  # otherwise it would be drawn
    check_limits(TuneOptions, typed)
    check_optuna()
    from experiments.search_space import read_space, split_options

    ranges, space = read_space(typed.get("space"))
    given = split_options(typed, space)
    own = {name: typed[name] for name in OWN_OPTIONS if name in typed}
    options: TuneOptions = resolve({**given.shared, **given.local, **own}, cls=TuneOptions)
    game = find_game(options.game, options.rom_path, options.env_kwargs)
    make_emulator(game, seed=0, **options.emulator_settings).close()  # so that an error shows before any trial

    file = study_file(options)
    with RunFolder(file.with_suffix("")).lock("--study"):
        search = open_search(options, given, ranges, space, file)
        failures = search.run(options.trials)
        has_best = write_results(search)
    if failures:
        print(*failures, "Run the same command to try again.", sep="\n", file=sys.stderr)
    elif search.is_stopped:
        print("Run the same command to resume.")
    if failures or not (search.is_stopped or has_best):
        sys.exit(entry_point.FAILURE)


if __name__ == "__main__":
    entry_point.run(main)
