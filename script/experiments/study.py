"""The study of a search for hyperparameters: Optuna's record of all trials, in a SQLite database."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from experiments.plan import flag_name
from paac.cli.errors import UserError

STARTUP_TRIALS = 5  # trials that must finish before any is pruned
WARMUP_INTERVALS = 3  # intervals of a trial that must pass before it may be pruned
FAILED = "failed"  # attribute of a trial: why its training has no score
SETTINGS = "settings"  # attribute of a study: what all its trials have in common
STORAGE_ERRORS = SQLAlchemyError, optuna.exceptions.OptunaError


def open_study(file: Path, settings: Mapping[str, Any], prune: bool) -> optuna.Study:
    """Open the study in a SQLite database, or create it.

    Raises UserError if the file is something else, or a study with other `settings`, a JSON object.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    url = URL.create("sqlite", database=str(file)).render_as_string()
    pruner = optuna.pruners.MedianPruner(STARTUP_TRIALS, WARMUP_INTERVALS * settings["interval"])
    try:
        storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})
        names = optuna.get_all_study_names(storage)
        study = optuna.create_study(
            storage=storage,
            study_name=names[0] if names else file.stem,  # the file may have been renamed
            direction="maximize",
            pruner=pruner if prune else optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
    except (*STORAGE_ERRORS, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"--study {file}: cannot be opened ({reason}); name another file") from None
    saved = study.user_attrs.get(SETTINGS)
    if saved is None:
        study.set_user_attr(SETTINGS, dict(settings))
    elif saved != settings:
        raise UserError(
            f"--study {file}: was started with {_difference(saved, settings)}; type the same options, or name another file"
        )
    return study


def _difference(saved: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The first of the settings that differ, with both of its values, in words."""
    before, now = ({**each, **each["options"], "options": None} for each in (saved, settings))
    name = next(name for name in {**before, **now} if before.get(name) != now.get(name))
    first, second = (
        f"{flag_name(name)} {shown_value(values[name])}" if name in values else f"no {flag_name(name)}"
        for values in (before, now)
    )
    return f"{first}, and now there is {second}"


def best_trial(study: optuna.Study) -> FrozenTrial | None:
    """The finished trial with the highest score, the first of equal ones."""
    finished = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
    return max(finished, key=lambda trial: trial.values[0], default=None)


def state_of(trial: FrozenTrial) -> str:
    """How a trial ended, in words."""
    if FAILED in trial.user_attrs:
        return f"failed: {trial.user_attrs[FAILED]}"
    names = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.RUNNING: "stopped"}
    return names.get(trial.state, "not started")


def shown_values(values: Mapping[str, Any]) -> str:
    """The values of a trial, in words."""
    return ", ".join(f"{flag_name(name)} {shown_value(value)}" for name, value in values.items())


def shown_value(value: Any) -> str:
    """A value, with four digits if it is no whole number."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def trial_table(study: optuna.Study) -> list[str]:
    """A table of all trials, one line each, in their order."""
    names = list(dict.fromkeys(name for trial in study.trials for name in trial.params))
    rows = [["trial", "mean score", "decisions", *map(flag_name, names), "state"]]
    for trial in study.trials:
        step = max(trial.intermediate_values, default=0)
        score = f"{trial.intermediate_values[step]:.2f}" if step else "-"
        values = [shown_value(trial.params[name]) if name in trial.params else "-" for name in names]
        rows.append([str(trial.number), score, f"{step:,}", *values, state_of(trial)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]
