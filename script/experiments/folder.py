"""The folder of an experiment, and the status of its runs.

DATE-experiment/
    experiment.json     the name and options of each run, by which batchTrain.py recognises the experiment
    NAME/               the folder of each run
"""

import dataclasses
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from experiments.plan import PlannedRun
from paac.cli.errors import UserError
from paac.training.episodes import WINDOW_EPISODES
from paac.training.run_folder import RunFolder

EXPERIMENT_JSON = "experiment.json"


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


def open_experiment(destination: Path, plan: Sequence[PlannedRun]) -> Path:
    """The folder of the newest unfinished experiment with exactly this plan, otherwise that of a new experiment.

    Nothing is written.
    """
    for folder in sorted(destination.glob("*-experiment"), reverse=True):
        if _saved_values(folder) == _values_by_name(plan) and not all(
            run_status(RunFolder(folder / run.name), run).is_finished for run in plan
        ):
            return folder
    return destination / f"{datetime.now():%Y-%m-%d-%H%M%S}-experiment"


def create_experiment(folder: Path, plan: Sequence[PlannedRun]) -> None:
    """Write experiment.json, and args.json of each run that has none. Raises UserError if that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for planned in plan:
            run = RunFolder(folder / planned.name)
            if not run.exists():
                run.save_options(dataclasses.replace(planned.options, debugging_folder=str(run)))
        unfinished = folder / f".{EXPERIMENT_JSON}.new"
        unfinished.write_text(json.dumps(_values_by_name(plan), indent=2) + "\n", encoding="utf-8")
        os.replace(unfinished, folder / EXPERIMENT_JSON)
    except OSError as error:
        raise UserError(f"-d {folder.parent}: cannot be written ({error.strerror}); name another folder") from None


def run_status(run: RunFolder, planned: PlannedRun) -> RunStatus:
    """Read the status of a run from its files."""
    options = run.load_options() if run.exists() else planned.options
    steps = run.checkpoints.steps()
    episodes = run.read_episodes()
    return RunStatus(
        step=steps[-1] if steps else 0,
        last_step=options.max_global_steps,
        hours=float(episodes.seconds[-1]) / 3600 if len(episodes.seconds) else 0.0,
        score=float(episodes.rewards[-WINDOW_EPISODES:].mean()) if len(episodes.rewards) else None,
    )


def _values_by_name(plan: Sequence[PlannedRun]) -> dict:
    return {planned.name: planned.values for planned in plan}


def _saved_values(folder: Path) -> dict | None:
    try:
        return json.loads((folder / EXPERIMENT_JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # not the folder of an experiment
