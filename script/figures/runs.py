"""Runs and their episodes, read from the folders of runs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emulators import short_name
from paac.cli.errors import UserError
from paac.cli.folders import unique_names, valid_utf8
from paac.cli.options import Options
from paac.training.episodes import WINDOW_EPISODES
from paac.training.find_runs import find_runs
from paac.training.run_folder import RunFolder

AXES = {"decisions": "decisions of all emulators", "frames": "frames of all emulators", "hours": "hours of training"}


@dataclass(frozen=True, eq=False)
class Run:
    """A run and its episodes, in the order in which they ended; each array is [episodes]."""

    folder: Path
    options: Options
    steps: np.ndarray  # int64, number of the episode's last decision among those of all emulators
    seconds: np.ndarray  # float64, seconds of training at the end of the episode
    emulators: np.ndarray  # int64, number of the emulator, among those of all processes, that played the episode
    scores: np.ndarray  # float64, raw scores
    lengths: np.ndarray  # int64, plays of the episode

    @property
    def game(self) -> str:
        """The game's name, without the platform where the name alone is unique."""
        return short_name(self.options.game)

    @property
    def last_scores(self) -> np.ndarray:
        """Scores of the last 50 episodes, or of all if there are fewer."""
        return self.scores[-WINDOW_EPISODES:]

    @property
    def num_processes(self) -> int:
        """The number of processes that trained the run: emulators are numbered through all of them.

        It is too low as long as no emulator of the last process has finished an episode.
        """
        return 1 + int(self.emulators.max(initial=0)) // self.options.emulator_counts

    def positions(self, axis: str) -> np.ndarray:
        """Position of each episode's end on `axis`, one of AXES, float64 [episodes]."""
        if axis == "decisions":
            return self.steps.astype(float)
        if axis == "hours":
            return self.seconds / 3600
        return self.plays() * self.options.frame_skip

    def plays(self) -> np.ndarray:
        """Plays of all emulators at the end of each episode, float64 [episodes].

        Without FiGAR each decision is one play. With FiGAR this is an estimate. It assumes that an emulator makes plays
        at a constant rate within an episode, keeps the rate of its last finished episode after it, and makes as many
        plays as the others on average if it has no finished episode. Before an emulator's first
        line in episodes.csv, its mean rate after that line is used.
        """
        if self.options.repetition_table == [0]:
            return self.steps.astype(float)
        emulators = np.unique(self.emulators)
        plays = np.array([self._plays_of(emulator) for emulator in emulators])
        return plays.mean(axis=0) * self.options.emulator_counts * self.num_processes

    def _plays_of(self, emulator: int) -> np.ndarray:
        own = self.emulators == emulator
        ends = np.concatenate([[0], self.steps[own]])
        plays = np.concatenate([[0], np.cumsum(self.lengths[own])])
        decisions = ends[1] / (self.options.emulator_counts * self.num_processes)  # until the first episode's end
        if plays[1] < decisions and len(ends) > 2:
            # episodes.csv begins later than the training, for example because the original began it.
            plays[1:] += int(ends[1] * (plays[-1] - plays[1]) / (ends[-1] - ends[1])) - plays[1]
        plays_per_step = (plays[-1] - plays[-2]) / (ends[-1] - ends[-2])
        return np.interp(self.steps, ends, plays) + plays_per_step * np.maximum(0, self.steps - ends[-1])


def load_runs(names: Sequence[str]) -> tuple[list[Run], list[str]]:
    """Load the runs in the folders `names`; returns those with finished episodes, and a message for each of the others.

    A pattern of the shell, such as logs/*, also gives names of files and of folders without runs: they are passed over
    if others of the `names` have runs. Raises UserError if no run has a finished episode, or if a file cannot be read.
    """
    folders, without_runs = _find_all(names)
    runs = [load_run(folder) for folder in folders.values()]
    left_out = [f"{run.folder}: no episode has ended there yet; left out" for run in runs if not len(run.steps)]
    if len(left_out) == len(runs):
        raise UserError(f"{' '.join(names)}: no episode has ended there yet; train longer, or name another run")
    return [run for run in runs if len(run.steps)], without_runs + left_out


def _find_all(names: Sequence[str]) -> tuple[dict[Path, RunFolder], list[str]]:
    """The runs in the folders `names` by their real paths, and a message for each folder without runs."""
    folders: dict[Path, RunFolder] = {}
    errors: dict[str, UserError] = {}
    for name in names:
        try:
            folders |= {folder.path.resolve(): folder for folder in find_runs(name, typed_as="")}
        except UserError as error:
            if not os.path.exists(name):
                raise
            errors[name] = error
    if not folders:
        raise next(iter(errors.values()))
    return folders, [f"{name}: no run there; passed over" for name in errors if os.path.isdir(name)]


def load_run(folder: RunFolder) -> Run:
    """Load the run in `folder`, which may have no episodes yet. Raises UserError if a file cannot be read."""
    steps, seconds, emulators, scores, lengths = folder.read_episodes()
    return Run(folder.path, folder.load_options(), steps, seconds, emulators, scores, lengths)


def short_names(runs: Sequence[Run]) -> list[str]:
    """A different name for each run: its folder's name or, if two are equal, its path below their common folder."""
    names = [run.folder.resolve().name for run in runs]
    if len(set(names)) < len(names):
        common = os.path.commonpath([run.folder.resolve() for run in runs])
        paths = [run.folder.resolve().relative_to(common) for run in runs]
        names = unique_names(str(path) if path.parts else os.path.basename(common) for path in paths)
    return [valid_utf8(name) for name in names]
