"""The folders of experiments, and the status of their runs.

DATE-SUB/                   DATE-SUB-2/, DATE-SUB-3/, ... if the name is already used
    experiment.json         the name SUB, and the name and options of each run, by which batchTrain.py recognises it
    NAME/                   the folder of each run

Earlier versions wrote all sub-folders to one folder DATE-HHMMSS-experiment/, with only the runs in experiment.json.
"""

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from experiments.plan import PlannedRun
from paac.cli.errors import UserError
from paac.cli.folders import numbered
from paac.cli.input_files import load_json
from paac.cli.safe_files import append, refuse_shared_files, replace_file
from paac.training.episodes import WINDOW_EPISODES
from paac.training.run_folder import RunFolder

EXPERIMENT_JSON = "experiment.json"
TRAIN_LOG = "train.log"  # in the folder of each run: the output of train.py
EARLIER_FOLDERS = "????-??-??-[0-9][0-9][0-9][0-9][0-9][0-9]-experiment"


class RunStatus(NamedTuple):
    """How far the training of a run has come."""

    step: int  # decisions of the newest checkpoint, 0 without a checkpoint
    last_step: int  # decisions at which the training is finished
    hours: float  # of training
    score: float | None  # mean of the last 50 episodes, None before the first has ended

    @property
    def is_finished(self) -> bool:
        """Whether the training has reached its last step."""
        return self.step >= self.last_step


class Experiment(NamedTuple):
    """The runs of an experiment, and its folder."""

    folder: Path
    plan: Sequence[PlannedRun]

    def is_finished(self) -> bool:
        """Whether the training of each run has reached its last step."""
        return all(run_status(RunFolder(self.folder / run.name), run).is_finished for run in self.plan)


def open_experiments(destination: Path, plan: Sequence[PlannedRun], date: str) -> list[Experiment]:
    """The experiments of the plan with their folders; nothing is written.

    Each takes the folder in which the same runs were started before, a new one if there is none. If all runs are
    finished, each takes a new one. New folders begin with `date`.
    """
    earlier = _earlier_experiment(destination, plan)
    if earlier:
        return [earlier]
    plans: dict[str, list[PlannedRun]] = {}
    for planned in plan:
        plans.setdefault(planned.experiment, []).append(planned)
    started = {name: _started_experiment(destination, runs) for name, runs in plans.items()}
    if all(experiment and experiment.is_finished() for experiment in started.values()):
        started = dict.fromkeys(plans)
    opened: list[Experiment] = []
    for name, experiment in started.items():
        new_folder = _new_folder(destination, f"{date}-{name}", {other.folder for other in opened})
        opened.append(experiment or Experiment(new_folder, plans[name]))
    return opened


def _started_experiment(destination: Path, plan: Sequence[PlannedRun]) -> Experiment | None:
    """The newest unfinished experiment with these runs, otherwise the newest finished one, otherwise None."""
    folders = [file.parent for file in destination.glob(f"*/{EXPERIMENT_JSON}")]
    experiments = [Experiment(folder, plan) for folder in folders if _read_json(folder) == _experiment_json(plan)]
    # With the same date, the longer name has the larger number: DATE-SUB, DATE-SUB-2, ..., DATE-SUB-10.
    return max(
        experiments,
        key=lambda found: (not found.is_finished(), found.folder.name[:10], len(found.folder.name), found.folder.name),
        default=None,
    )


def _earlier_experiment(destination: Path, plan: Sequence[PlannedRun]) -> Experiment | None:
    """The newest unfinished experiment of an earlier version with the same runs, which had other names."""
    for folder in sorted(destination.glob(EARLIER_FOLDERS), reverse=True):
        saved = _read_json(folder)
        if isinstance(saved, Mapping) and list(saved.values()) == [planned.values for planned in plan]:
            experiment = Experiment(folder, [run._replace(name=name) for run, name in zip(plan, saved, strict=True)])
            if not experiment.is_finished():
                return experiment
    return None


def _new_folder(destination: Path, name: str, used: Iterable[Path]) -> Path:
    folders = map(destination.joinpath, numbered(name))
    return next(folder for folder in folders if not os.path.lexists(folder) and folder not in used)


def create_experiment(experiment: Experiment) -> None:
    """Write experiment.json, and args.json of each run, if they are missing. Raises UserError if that is not possible."""
    folder, plan = experiment
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / EXPERIMENT_JSON).exists():
            replace_file(folder / EXPERIMENT_JSON, (json.dumps(_experiment_json(plan), indent=2) + "\n").encode())
        for planned in plan:
            run = RunFolder(folder / planned.name)
            refuse_shared_files(run.path / TRAIN_LOG)
            if not run.exists():
                run.save_options(dataclasses.replace(planned.options, debugging_folder=str(run)))
    except OSError as error:
        raise UserError(f"-d {folder.parent}: cannot be written ({error.strerror}); name another folder") from None


def run_status(run: RunFolder, planned: PlannedRun) -> RunStatus:
    """Read the status of a run from its files. What is in a malformed one is left out: it must not stop other runs."""
    last_step, hours, score = planned.options.max_global_steps, 0.0, None
    with suppress(UserError):  # there is no args.json yet, or train.py will say what is wrong with it
        last_step = run.load_options().max_global_steps
    with suppress(UserError):
        episodes = run.read_episodes()
        if len(episodes.steps):
            hours = float(episodes.seconds[-1]) / 3600
            score = float(episodes.rewards[-WINDOW_EPISODES:].mean())
    return RunStatus(max(run.checkpoints.steps(), default=0), last_step, hours, score)


def log_line(run: RunFolder, line: str) -> None:
    """Append a line of train.py to the run's train.log, if that is possible: train.py itself reports a full disk."""
    with suppress(OSError, UserError):
        append(run.path / TRAIN_LOG, f"{line}\n".encode())


def _experiment_json(plan: Sequence[PlannedRun]) -> dict[str, Any]:
    return {"experiment": plan[0].experiment, "runs": {planned.name: planned.values for planned in plan}}


def _read_json(folder: Path) -> Any:
    try:
        return load_json(folder / EXPERIMENT_JSON)
    except (OSError, ValueError):
        return None  # not the folder of an experiment
