"""Aggregates of the final scores of many runs, with bootstrap confidence intervals.

Source: Agarwal et al. 2021, Deep Reinforcement Learning at the Edge of the Statistical Precipice.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from figures.groups import RunGroup
from figures.published_scores import HUMAN_SCORES
from figures.runs import Run
from paac.cli.errors import UserError
from paac.cli.input_files import load_json

FINAL_FRACTION = 0.1  # last fraction of a run's decisions, whose episodes make its final score
NUM_RESAMPLES = 10_000
CONFIDENCE = 0.95
TRIMMED_FRACTION = 0.25  # of the scores, trimmed from each end

References = Mapping[str, tuple[float, float]]  # game -> scores of random play and of the reference player
Scores = Sequence[np.ndarray]  # normalised scores, float64 [..., seeds]; one array per game


class Interval(NamedTuple):
    """An aggregate and its bootstrap confidence interval, which is None if no game has a second seed."""

    value: float
    low: float | None
    high: float | None


class ComparisonRow(NamedTuple):
    """The aggregates of one group of runs over all games."""

    label: str
    seed_counts: list[int]  # number of runs for each game
    aggregates: dict[str, Interval]  # by the names in AGGREGATES


class Comparison(NamedTuple):
    """The comparison of all groups on the games that every group has played."""

    games: list[str]
    rows: list[ComparisonRow]
    reference: str  # name of the player whose normalised score is 1
    notes: list[str]  # messages for the user


def final_score(run: Run) -> float:
    """Mean score of the episodes that ended in the last 10% of the run's decisions."""
    return float(run.scores[run.steps > (1 - FINAL_FRACTION) * run.steps[-1]].mean())


def normalised_score(score: float, reference: tuple[float, float]) -> float:
    """The score on a scale where random play has 0 and the reference player has 1."""
    random_score, reference_score = reference
    return (score - random_score) / (reference_score - random_score)


# Aggregates: each returns float64 [...], the leading dimensions of the scores.


def interquartile_mean(scores: Scores) -> np.ndarray:
    """Mean of the middle half of the scores of all games: int(n / 4) of n scores are trimmed from each end."""
    all_scores = np.sort(np.concatenate(scores, axis=-1), axis=-1)
    count = all_scores.shape[-1]
    trimmed = int(TRIMMED_FRACTION * count)
    return all_scores[..., trimmed : count - trimmed].mean(axis=-1)


def median(scores: Scores) -> np.ndarray:
    """Median over the games of the mean score in each game."""
    return np.median([game.mean(axis=-1) for game in scores], axis=0)


def mean(scores: Scores) -> np.ndarray:
    """Mean over the games of the mean score in each game."""
    return np.mean([game.mean(axis=-1) for game in scores], axis=0)


Aggregate = Callable[[Scores], np.ndarray]
AGGREGATES: dict[str, Aggregate] = {"interquartile mean": interquartile_mean, "median": median, "mean": mean}


def bootstrap(scores: Scores, aggregate: Aggregate) -> Interval:
    """The aggregate of `scores`, [seeds] for each game, with its 95% confidence interval (percentile bootstrap).

    The bootstrap is stratified: it resamples the seeds within each game. Its random draws are the same at each call.
    """
    value = float(aggregate(scores))
    if max(len(game) for game in scores) < 2:
        return Interval(value, None, None)
    random = np.random.default_rng(0)
    resamples = [game[random.integers(len(game), size=(NUM_RESAMPLES, len(game)))] for game in scores]
    low, high = np.quantile(aggregate(resamples), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, float(low), float(high))


def load_references(file: str) -> dict[str, tuple[float, float]]:
    """Read a JSON file of {game: [random score, reference score]}. Raises UserError if it is not valid."""
    try:
        rows = load_json(Path(file))
        references = {game: (float(low), float(high)) for game, (low, high) in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError, OverflowError) as error:
        expected = "it must be {game: [random score, reference score], ...}"
        reason = error.strerror if isinstance(error, OSError) else expected
        raise UserError(f"--references {file}: cannot be read ({reason})") from None
    for game, (low, high) in references.items():
        if not np.isfinite(high - low) or low == high:
            raise UserError(f"--references {file}: {game} must have two different finite numbers")
    return references


def compare(groups: Sequence[RunGroup], references: References | None = None) -> Comparison:
    """Compare the groups on all games that every group has played and that have reference scores.

    `references` are used before the human scores. Raises UserError if there is no such game.
    """
    known = {**HUMAN_SCORES, **(references or {})}
    groups, games, notes = _comparable(groups, known)
    rows = []
    for group in groups:
        scores = [
            np.array([normalised_score(final_score(run), known[game]) for run in group.runs_of(game)]) for game in games
        ]
        aggregates = {name: bootstrap(scores, aggregate) for name, aggregate in AGGREGATES.items()}
        rows.append(ComparisonRow(group.label, [len(game) for game in scores], aggregates))
    sources = {"reference" if game in (references or {}) else "human" for game in games}
    if any(run.options.single_life_episodes for group in groups for game in games for run in group.runs_of(game)):
        notes.append("--single_life_episodes: some runs have scores of single lives, but references are of whole games")
    notes += [*_notes_on_lengths(groups, games), *_notes_on_seeds(rows)]
    return Comparison(games, rows, " or ".join(sorted(sources)), notes)


def _comparable(groups: Sequence[RunGroup], known: References) -> tuple[list[RunGroup], list[str], list[str]]:
    """The groups that can be compared, the games to compare them on, and messages about what is left out."""
    all_games = sorted({game for group in groups for game in group.games})
    notes = [f"{game}: no reference scores (add --references); left out" for game in all_games if game not in known]
    scored_games = [game for game in all_games if game in known]
    if not scored_games:
        raise UserError(f"--compare: no reference scores of {', '.join(all_games)}; give them with --references")
    kept = [group for group in groups if set(group.games) & set(scored_games)]
    notes += [
        f"{group.label}: no run of a game with reference scores; left out" for group in groups if group not in kept
    ]
    common_games = [game for game in scored_games if all(group.runs_of(game) for group in kept)]
    if not common_games:
        played = [f"{group.label}: {', '.join(sorted({*group.games} & {*scored_games}))}" for group in kept]
        shown = "; ".join([*played[:3], *(["..."] if len(played) > 3 else [])])
        raise UserError(f"--compare: no game was played with every set of options ({shown}); train the missing games")
    notes += [
        f"{game}: not played with every set of options; left out" for game in scored_games if game not in common_games
    ]
    return kept, common_games, notes


def _notes_on_lengths(groups: Sequence[RunGroup], games: Sequence[str]) -> list[str]:
    notes = []
    for game in games:
        ends = [run.steps[-1] for group in groups for run in group.runs_of(game)]
        if min(ends) < (1 - FINAL_FRACTION) * max(ends):
            notes.append(f"{game}: the last episodes of the trainings end at {min(ends):,} to {max(ends):,} decisions")
    return notes


def _notes_on_seeds(rows: Sequence[ComparisonRow]) -> list[str]:
    notes = []
    for row in rows:
        if max(row.seed_counts) == 1:
            notes.append(f"{row.label}: only one seed per game, so there is no confidence interval")
        elif min(row.seed_counts) == 1:
            notes.append(f"{row.label}: only one seed in some games, so its confidence intervals are too narrow")
    return notes
