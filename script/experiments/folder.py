"""The folder of an experiment, and how far its trainings are.

DATE-experiment/
    experiment.json     the trainings that belong to it, to know them again
    NAME/               the run of each
"""

import dataclasses
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from experiments.plan import Planned
from paac.cli.errors import UserError
from paac.training.episodes import WINDOW_EPISODES
from paac.training.run_folder import RunFolder

RECORD = "experiment.json"


class RunStatus(NamedTuple):
    """How far a run is."""

    step: int  # of the newest checkpoint, 0 without one
    last_step: int
    hours: float  # of training
    score: float | None  # mean of the last 50 episodes, None before the first

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to train."""
        return self.step >= self.last_step


def open_experiment(destination: Path, plan: Sequence[Planned]) -> Path:
    """The newest experiment with exactly this plan that is not finished, or else the name of a new one.

    Nothing is written.
    """
    for folder in sorted(destination.glob("*-experiment"), reverse=True):
        if _record(folder) == _to_record(plan) and not all(
            run_status(RunFolder(folder / run.name), run).is_finished for run in plan
        ):
            return folder
    return destination / f"{datetime.now():%Y-%m-%d-%H%M%S}-experiment"


def create_experiment(folder: Path, plan: Sequence[Planned]) -> None:
    """Write what is not there yet: the record, and args.json of each run. Raises UserError if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for planned in plan:
            run = RunFolder(folder / planned.name)
            if not run.exists():
                run.save_options(dataclasses.replace(planned.options, debugging_folder=str(run)))
        aside = folder / f".{RECORD}.new"
        aside.write_text(json.dumps(_to_record(plan), indent=2) + "\n", encoding="utf-8")
        os.replace(aside, folder / RECORD)
    except OSError as error:
        raise UserError(f"-d {folder.parent}: cannot be written ({error.strerror}); name another folder") from None


def run_status(run: RunFolder, planned: Planned) -> RunStatus:
    """How far the run is, from its files alone."""
    options = run.load_options() if run.exists() else planned.options
    steps = run.checkpoints.steps()
    episodes = run.read_episodes()
    return RunStatus(
        step=steps[-1] if steps else 0,
        last_step=options.max_global_steps,
        hours=float(episodes.seconds[-1]) / 3600 if len(episodes.seconds) else 0.0,
        score=float(episodes.rewards[-WINDOW_EPISODES:].mean()) if len(episodes.rewards) else None,
    )


def _to_record(plan: Sequence[Planned]) -> dict:
    return {planned.name: planned.values for planned in plan}


def _record(folder: Path) -> dict | None:
    try:
        return json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # another's folder
