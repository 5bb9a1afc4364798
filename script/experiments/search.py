"""A search for hyperparameters: each trial is a run of train.py, and can be stopped and resumed."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from experiments.folder import TRAIN_LOG, log_line
from experiments.search_space import Space, point_of
from experiments.study import FAILED, STORAGE_ERRORS, best_trial, shown_values, state_of
from experiments.trainings import Trainings, failure_reason, was_stopped
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve
from paac.cli.safe_files import refuse_shared_files
from paac.training.episodes import WINDOW_EPISODES, EpisodeTable
from paac.training.run_folder import RunFolder
from paac.training.state import NOT_FINITE


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
        """The numbers of decisions at which the score of a run is looked at; the last is the length of the run."""
        return [*range(self.interval, self.decisions, self.interval), self.decisions]


def mean_score(episodes: EpisodeTable, step: int) -> float | None:
    """The mean score of the last `WINDOW_EPISODES` episodes that ended within `step` decisions; None without any."""
    count = int(np.searchsorted(episodes.steps, step, side="right"))
    return float(episodes.rewards[:count][-WINDOW_EPISODES:].mean()) if count else None


class TrialRun:
    """The run of a trial. It reports its score to the trial at each rung that the training has passed."""

    def __init__(self, trial: Trial, run: RunFolder, rungs: Sequence[int]):
        self.trial, self.run = trial, run
        self.last_line = ""  # of the output of train.py
        self.is_pruned = False
        self._last_rung = rungs[-1]
        reported = max(self.reported, default=0)
        self._rungs = [rung for rung in rungs if rung > reported]

    @property
    def reported(self) -> dict[int, float]:
        """The score at each rung, by its number of decisions."""
        return self.trial.study.trials[self.trial.number].intermediate_values

    @property
    def is_finished(self) -> bool:
        """Whether the run has a checkpoint at its last decision."""
        return max(self.run.checkpoints.steps(), default=0) >= self._last_rung

    def report(self, ended: bool = False) -> None:
        """Report what is new, until the pruner ends the trial. If the training has `ended`, all rungs are passed.

        Otherwise a rung is passed when an episode has ended after it. Raises UserError if episodes.csv cannot be read.
        """
        episodes = self.run.read_episodes()
        last = int(episodes.steps[-1]) if len(episodes.steps) else 0
        while self._rungs and not self.is_pruned and (ended or last > self._rungs[0]):
            rung = self._rungs[0]
            score = mean_score(episodes, rung)
            if score is not None:
                self.trial.report(score, rung)
                self.print_line(f"{rung:,} of {self._last_rung:,} decisions, mean score {score:.2f}")
                self.is_pruned = rung < self._last_rung and self.trial.should_prune()
            del self._rungs[0]  # not earlier: what could not be reported is reported at the next look

    def should_stop(self) -> bool:
        """Report what is new, and return whether the pruner ends the trial."""
        with suppress(UserError, OSError, *STORAGE_ERRORS):  # the end of the trial will raise them again
            self.report()
        return self.is_pruned

    def print_line(self, line: str) -> None:
        """Print a line with the name of the trial before it."""
        print(f"[trial {self.trial.number}] {line}", flush=True)

    def log_line(self, line: str) -> None:
        """Print a line of train.py, and write it to the run's log."""
        self.last_line = line
        self.print_line(line)
        log_line(self.run, line)


class Search:
    """Runs the trials of a study."""

    def __init__(self, study: optuna.Study, file: Path, settings: Settings, jobs: int):
        """`file` is that of the study. The run of trial N is in trial-N, in the folder FILE for FILE.db.

        `jobs` trials run at the same time.
        """
        self.study, self.settings, self.jobs = study, settings, jobs
        self.folder = file.with_suffix("")
        self._file = file
        self._trainings = Trainings(jobs)
        self._lock = threading.Lock()
        self._failures: list[str] = []
        self._to_resume = [trial for trial in study.trials if trial.state == TrialState.RUNNING]

    @property
    def is_stopped(self) -> bool:
        """Whether a signal has stopped the search, or one of its trainings."""
        return self._trainings.stopping or any(trial.state == TrialState.RUNNING for trial in self.study.trials)

    def run(self, trials: int) -> list[str]:
        """Run trials until the study has that many; returns why trainings failed, a line for each.

        Trials that were stopped are resumed first. After a failure or a signal, no other trial starts. Raises UserError
        if the study cannot be written.
        """
        with self._trainings.passing_signals(), ThreadPoolExecutor(self.jobs) as workers:
            futures = [workers.submit(self._run_trials, trials) for _ in range(self.jobs)]
        try:
            for future in futures:
                future.result()
        except STORAGE_ERRORS as error:
            raise UserError(f"--study {self._file}: cannot be written ({str(error).splitlines()[0]})") from None
        return self._failures

    def _run_trials(self, trials: int) -> None:
        while (trial := self._next_trial(trials)) is not None:
            try:
                self._run_trial(trial)
            except UserError as error:
                self._failures.append(f"trial {trial.number} failed: {error}")
            except BaseException as error:
                self._failures.append(str(error))  # so that other jobs start no more trials
                raise

    def _next_trial(self, trials: int) -> Trial | None:
        with self._lock:
            if self._trainings.stopping or self._failures:
                return None
            if self._to_resume:
                return self._reopened(self._to_resume.pop(0))
            number = sum(trial.state != TrialState.WAITING for trial in self.study.trials)
            if number >= trials:
                return None
            waiting = [trial.number for trial in self.study.trials if trial.state == TrialState.WAITING]
            run = self._run_of(min(waiting, default=len(self.study.trials)))
            if run.exists():
                self._failures.append(f"{run} is a run of another search; move it away")
                return None
            if not self.study.trials:  # the first one starts from the options without a search
                start = vars(self._resolve(self.settings.start, seed=self.settings.seed))
                self.study.enqueue_trial(point_of(start, self.settings.space))
            self.study.sampler = self._sampler(number)
            return self.study.ask(self.settings.space)

    def _run_of(self, number: int) -> RunFolder:
        return RunFolder(self.folder / f"trial-{number}")

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        # One for each trial: what it draws does not depend on where the search was stopped.
        return optuna.samplers.TPESampler(seed=self.settings.seed + number)

    def _reopened(self, trial: FrozenTrial) -> Trial:
        """Return a trial that was stopped. If this was while it was created, the values that it lacks are drawn."""
        self.study.sampler = self._sampler(trial.number)
        reopened = Trial(self.study, trial._trial_id)
        for name, distribution in self.settings.space.items():
            reopened._suggest(name, distribution)
        return reopened

    def _resolve(self, values: Mapping[str, Any], seed: int) -> Options:
        given = {**self.settings.options, **values}
        return resolve({**given, "max_global_steps": self.settings.decisions, "random_seed": seed})

    def _run_trial(self, trial: Trial) -> None:
        run = self._run_of(trial.number)
        trial_run = TrialRun(trial, run, self.settings.rungs)
        if not run.exists():
            trial_run.print_line(f"starts with {shown_values(trial.params)}")
            values = {**trial.params, "debugging_folder": str(run)}
            try:
                options = self._resolve(values, self.settings.seed + trial.number)
            except UserError as error:  # values that contradict each other
                self._fail(trial_run, str(error))
                return
            run.save_options(options)
        else:
            trial_run.print_line("resumes")
        refuse_shared_files(run.path / TRAIN_LOG)
        arguments = ["-df", str(run), *self.settings.arguments]
        code = self._trainings.train(arguments, trial_run.log_line, stop_when=trial_run.should_stop)
        self._end_trial(trial_run, code)

    def _end_trial(self, run: TrialRun, code: int | None) -> None:
        """Tell the study how a trial ended. It stays open if it was stopped or failed for a reason outside its options."""
        is_finished = code == 0 and run.is_finished
        if is_finished:
            run.report(ended=True)
        failure = run.last_line if code and NOT_FINITE in run.last_line else ""
        if is_finished and not run.reported:
            failure = "no episode has ended"
        if failure:
            self._fail(run, failure)
            return
        if run.is_pruned:
            self.study.tell(run.trial, state=TrialState.PRUNED)
        elif is_finished:
            self.study.tell(run.trial, run.reported[self.settings.decisions])
        elif code and not (self._trainings.stopping and was_stopped(code)):
            raise UserError(failure_reason(code, run.last_line))
        run.print_line(state_of(self.study.trials[run.trial.number]))

    def _fail(self, run: TrialRun, reason: str) -> None:
        """Tell the study that the options of the trial give no score."""
        run.trial.set_user_attr(FAILED, reason)
        self.study.tell(run.trial, state=TrialState.PRUNED)
        run.print_line(state_of(self.study.trials[run.trial.number]))

    def best_preset(self) -> dict[str, Any] | None:
        """The options of the trial with the highest score, as the content of a preset's file; None without a score."""
        best = best_trial(self.study)
        if best is None:
            return None
        return {
            "about": {
                "decisions": self.settings.decisions,
                "score": best.value,
                "seeds": [self.settings.seed + best.number],
                "source": f"trial {best.number} of {len(self.study.trials)} in {self._file}",
            },
            "options": {**self.settings.options, **best.params},
        }
