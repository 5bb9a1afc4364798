"""Runs with their episodes, read from their folders."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emulators import short_name
from emulators.registry import frame_skip
from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.training.episodes import WINDOW_EPISODES
from paac.training.run_folder import RunFolder, find_runs

AXES = {"decisions": "decisions of all emulators", "frames": "frames of all emulators", "hours": "hours of training"}


@dataclass(frozen=True, eq=False)
class Run:
    """A run and its episodes in the order in which they ended; every array is [episodes]."""

    folder: Path
    options: Options
    steps: np.ndarray  # int64, decisions of all emulators at the episode's end
    seconds: np.ndarray  # float64, of training until then
    emulators: np.ndarray  # int64, which one played it
    scores: np.ndarray  # float64, raw
    lengths: np.ndarray  # int64, plays

    @property
    def game(self) -> str:
        """Its name, short."""
        return short_name(self.options.game)

    @property
    def last_scores(self) -> np.ndarray:
        """Scores of the last 50 episodes, or of all if there are fewer."""
        return self.scores[-WINDOW_EPISODES:]

    def at(self, axis: str) -> np.ndarray:
        """Where each episode ended on `axis`, one of AXES, float64 [episodes]."""
        if axis == "decisions":
            return self.steps.astype(float)
        if axis == "hours":
            return self.seconds / 3600
        return self.plays() * frame_skip(self.options.game)

    def plays(self) -> np.ndarray:
        """Plays of all emulators at each episode's end, float64 [episodes].

        Without FiGAR a decision is a play. With it, an emulator is taken to have played at an even pace within an
        episode, and to go on at the pace of its last; those that have ended no episode at the pace of all others.
        """
        if self.options.repetition_table == [0]:
            return self.steps.astype(float)
        emulators = np.unique(self.emulators)
        plays = np.array([self._plays_of(emulator) for emulator in emulators])
        return plays.mean(axis=0) * self.options.emulator_counts

    def _plays_of(self, emulator: int) -> np.ndarray:
        mine = self.emulators == emulator
        ends = np.concatenate([[0], self.steps[mine]])
        plays = np.concatenate([[0], np.cumsum(self.lengths[mine])])
        pace = (plays[-1] - plays[-2]) / (ends[-1] - ends[-2])
        return np.interp(self.steps, ends, plays) + pace * np.maximum(0, self.steps - ends[-1])


def load_runs(names: Sequence[str]) -> tuple[list[Run], list[str]]:
    """The runs at or below each of `names` that have episodes, and a line for each that has none.

    Raises UserError if no run is left, or if a file cannot be read.
    """
    folders = {found.path.resolve(): found for name in names for found in find_runs(name, "RUN")}
    runs = [load_run(folder) for folder in folders.values()]
    left_out = [f"{run.folder}: no episode has ended there yet; left out" for run in runs if not len(run.steps)]
    if len(left_out) == len(runs):
        raise UserError(f"RUN {' '.join(names)}: no episode has ended there yet; train longer, or name another run")
    return [run for run in runs if len(run.steps)], left_out


def load_run(folder: RunFolder) -> Run:
    """The run in `folder`, with or without episodes. Raises UserError if a file cannot be read."""
    steps, seconds, emulators, scores, lengths = folder.read_episodes()
    return Run(folder.path, folder.load_options(), steps, seconds, emulators, scores, lengths)


def short_names(runs: Sequence[Run]) -> list[str]:
    """A name for each run, no two the same: its folder's, or its path below the folder that all share."""
    names = [run.folder.resolve().name for run in runs]
    if len(set(names)) == len(names):
        return names
    shared = os.path.commonpath([run.folder.resolve() for run in runs])
    return [str(run.folder.resolve().relative_to(shared)) for run in runs]
