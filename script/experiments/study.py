"""A search for hyperparameters with Optuna: each trial is a run of train.py, and can be stopped and resumed."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from experiments.folder import TRAIN_LOG
from experiments.plan import flag_name
from experiments.search_space import Space, point_of
from experiments.trainings import Trainings
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve
from paac.cli.safe_files import append, refuse_shared_files
from paac.training.episodes import WINDOW_EPISODES, EpisodeTable
from paac.training.run_folder import RunFolder
from paac.training.state import NOT_FINITE

STARTUP_TRIALS = 5  # finished ones, before the pruner stops one
WARMUP_INTERVALS = 3  # of each trial; the pruner may stop it at the end of the last of these
FAILED = "failed"  # attribute of a trial: why its training has no score
STORAGE_ERRORS = SQLAlchemyError, optuna.exceptions.OptunaError
SETTINGS = "settings"  # attribute of a study: what all its trials have in common


class Settings(NamedTuple):
    """What all trials of a search have in common."""

    options: Mapping[str, Any]  # those of each run, without the options that vary
    space: Space
    start: Mapping[str, Any]  # the values of the first trial, where they are not the defaults
    decisions: int  # of each run
    interval: int  # decisions between two looks at the score
    seed: int
    arguments: Sequence[str] = ()  # of train.py, for options of this machine

    @property
    def rungs(self) -> list[int]:
        """The decisions after which the score of a run is looked at; the last are all decisions of the run."""
        return [*range(self.interval, self.decisions, self.interval), self.decisions]


def open_study(file: Path, settings: Mapping[str, Any], prune: bool) -> optuna.Study:
    """Open the study in a SQLite database, or create it.

    Raises UserError if the file is something else, or a study with other `settings`, a JSON object.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    url = URL.create("sqlite", database=str(file)).render_as_string()
    pruner = optuna.pruners.MedianPruner(STARTUP_TRIALS, WARMUP_INTERVALS * settings["interval"])
    try:
        storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})
        study = optuna.create_study(
            storage=storage,
            study_name=file.stem,
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
        changed = next(name for name in {**saved, **settings} if saved.get(name) != settings.get(name))
        raise UserError(
            f"--study {file}: was started with {changed} {saved.get(changed)}, which is now {settings.get(changed)}; "
            "type the same options, or name another file"
        )
    return study


def mean_score(episodes: EpisodeTable, step: int) -> float | None:
    """The mean score of the last `WINDOW_EPISODES` episodes that ended within `step` decisions; None without any."""
    count = int(np.searchsorted(episodes.steps, step, side="right"))
    return float(episodes.rewards[:count][-WINDOW_EPISODES:].mean()) if count else None


class TrialReports:
    """Reports the score of a run to its trial at each rung that the training has passed."""

    def __init__(self, trial: Trial, run: RunFolder, rungs: Sequence[int], print_line: Callable[[str], None]):
        reported = max(trial.study.trials[trial.number].intermediate_values, default=0)
        self._rungs = [rung for rung in rungs if rung > reported]
        self._last_rung = rungs[-1]
        self._trial, self._run, self._print_line = trial, run, print_line
        self.is_pruned = False

    def add(self, is_finished: bool = False) -> bool:
        """Report what is new, and return whether the pruner ends the trial.

        Without `is_finished`, a rung is passed when an episode has ended after it. Raises UserError if episodes.csv
        cannot be read.
        """
        episodes = self._run.read_episodes()
        last = int(episodes.steps[-1]) if len(episodes.steps) else 0
        while self._rungs and not self.is_pruned and (is_finished or last > self._rungs[0]):
            rung = self._rungs.pop(0)
            score = mean_score(episodes, rung)
            if score is None:
                continue
            self._trial.report(score, rung)
            self._print_line(f"{rung:,} of {self._last_rung:,} decisions, mean score {score:.2f}")
            self.is_pruned = rung < self._last_rung and self._trial.should_prune()
        return self.is_pruned


class Search:
    """Runs the trials of a study."""

    def __init__(self, study: optuna.Study, file: Path, settings: Settings):
        """`file` is that of the study. The run of trial N is in trial-N, in the folder FILE for FILE.db."""
        self.study, self.settings = study, settings
        self.folder = file.with_suffix("")
        self._file = file
        self._trainings = Trainings()
        self._lock = threading.Lock()
        self._failures: list[str] = []
        self._to_resume = [trial for trial in study.trials if trial.state == TrialState.RUNNING]
        self._resumed = {trial.number for trial in self._to_resume}

    @property
    def is_stopped(self) -> bool:
        """Whether a signal has stopped the search."""
        return self._trainings.stopping

    def run(self, trials: int, jobs: int) -> list[str]:
        """Run trials until the study has that many, `jobs` at a time; returns why trainings failed, a line for each.

        Trials that were stopped are resumed first. After a failure or a signal, no other trial starts. Raises UserError
        if the study cannot be written.
        """
        with self._trainings.passing_signals(), ThreadPoolExecutor(jobs) as workers:
            futures = [workers.submit(self._run_trials, trials) for _ in range(jobs)]
        try:
            for future in futures:
                future.result()
        except STORAGE_ERRORS as error:
            raise UserError(f"--study {self._file}: cannot be written ({str(error).splitlines()[0]})") from None
        return self._failures

    def _run_trials(self, trials: int) -> None:
        while (trial := self._next_trial(trials)) is not None:
            self._run_trial(trial)

    def _next_trial(self, trials: int) -> Trial | None:
        with self._lock:
            if self._trainings.stopping or self._failures:
                return None
            if self._to_resume:
                return Trial(self.study, self._to_resume.pop(0)._trial_id)
            number = sum(trial.state != TrialState.WAITING for trial in self.study.trials)
            if number >= trials:
                return None
            if not self.study.trials:  # the first one starts from the options without a search
                start = vars(self._resolve(self.settings.start, seed=self.settings.seed))
                self.study.enqueue_trial(point_of(start, self.settings.space))
            # A sampler for each trial: what it draws does not depend on where the search was stopped.
            self.study.sampler = optuna.samplers.TPESampler(seed=self.settings.seed + number)
            return self.study.ask(self.settings.space)

    def _resolve(self, values: Mapping[str, Any], seed: int) -> Options:
        given = {**self.settings.options, **values}
        return resolve({**given, "max_global_steps": self.settings.decisions, "random_seed": seed})

    def _run_trial(self, trial: Trial) -> None:
        run = self.run_folder(trial.number)

        def print_line(line: str) -> None:
            print(f"[trial {trial.number}] {line}", flush=True)

        last_line = ""

        def log_line(line: str) -> None:
            nonlocal last_line
            last_line = line
            append(run.path / TRAIN_LOG, f"{line}\n".encode())
            print_line(line)

        def is_pruned() -> bool:
            with suppress(UserError, *STORAGE_ERRORS):  # the end of the trial will raise them again
                return reports.add()
            return False

        try:
            if run.exists() and trial.number not in self._resumed:
                raise UserError(f"{run} is a run of another search; move it away")
            print_line("resumes" if run.exists() else f"starts with {shown_values(trial.params)}")
            if not run.exists():
                options = {**trial.params, "debugging_folder": str(run)}
                run.save_options(self._resolve(options, self.settings.seed + trial.number))
            refuse_shared_files(run.path / TRAIN_LOG)
            reports = TrialReports(trial, run, self.settings.rungs, print_line)
            arguments = ["-df", str(run), *self.settings.arguments]
            code = self._trainings.train(arguments, log_line, stop_when=is_pruned)
            self._end_trial(trial, reports, code, last_line)
        except UserError as error:
            self._failures.append(f"trial {trial.number} failed: {error}")

    def _end_trial(self, trial: Trial, reports: TrialReports, code: int | None, last_line: str) -> None:
        """Tell the study how a trial ended. It stays open if it was stopped or failed for a reason outside its options."""
        is_finished = code == 0 and self._step(trial.number) >= self.settings.decisions
        if is_finished:
            reports.add(is_finished=True)
        reason = ""
        if code and NOT_FINITE in last_line:
            reason = last_line
        elif is_finished and not self._reported(trial.number):
            reason = "no episode has ended"
        if reports.is_pruned or reason:
            if reason:
                trial.set_user_attr(FAILED, reason)
            self.study.tell(trial, state=TrialState.PRUNED)
        elif is_finished:
            self.study.tell(trial, self._reported(trial.number)[self.settings.decisions])
        elif code and not self._trainings.stopping:
            self._failures.append(f"trial {trial.number} failed: {last_line}")
            return
        print(f"[trial {trial.number}] {state_of(self.study.trials[trial.number])}", flush=True)

    def _reported(self, number: int) -> dict[int, float]:
        return self.study.trials[number].intermediate_values

    def _step(self, number: int) -> int:
        return max(self.run_folder(number).checkpoints.steps(), default=0)

    def run_folder(self, number: int) -> RunFolder:
        """The folder of the run of a trial."""
        return RunFolder(self.folder / f"trial-{number}")

    def best_preset(self) -> dict[str, Any] | None:
        """The options of the trial with the highest score, as the content of a preset's file; None without a score."""
        best = best_trial(self.study)
        if best is None:
            return None
        return {
            "about": {
                "steps": self.settings.decisions,
                "score": best.value,
                "seeds": [self.settings.seed + best.number],
                "source": f"trial {best.number} of {len(self.study.trials)} in {self._file}",
            },
            "options": {**self.settings.options, **best.params},
        }


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
