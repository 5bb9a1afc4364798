"""Final scores of many runs as a few numbers, after Agarwal et al. 2021, Deep Reinforcement Learning at the Edge of the
Statistical Precipice."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from figures.groups import RunGroup
from figures.published_scores import HUMAN_SCORES
from figures.runs import Run
from paac.cli.errors import UserError

FINAL_FRACTION = 0.1  # of a run, at its end
RESAMPLES = 10_000
CONFIDENCE = 0.95
TRIMMED = 0.25  # of the scores, from each end

References = Mapping[str, tuple[float, float]]  # game -> scores of random play and of the reference
Scores = Sequence[np.ndarray]  # normalised, float64 [..., seeds], one array a game


class Interval(NamedTuple):
    """A number and its bootstrap interval, None where no game has a second seed."""

    value: float
    low: float | None
    high: float | None


class Row(NamedTuple):
    """How one group of runs did over all games."""

    label: str
    counts: list[int]  # runs, one number a game
    measures: dict[str, Interval]  # by the names in MEASURES


class Comparison(NamedTuple):
    """All groups over the games that they share."""

    games: list[str]
    rows: list[Row]
    reference: str  # who has the score 1
    notes: list[str]  # lines to tell the user


def final_score(run: Run) -> float:
    """Mean score of the episodes that ended in the last 10% of the run's decisions."""
    return float(run.scores[run.steps > (1 - FINAL_FRACTION) * run.steps[-1]].mean())


def normalised(score: float, reference: tuple[float, float]) -> float:
    """0 for the score of random play, 1 for that of the reference."""
    random, other = reference
    return (score - random) / (other - random)


# Each measure is float64 [...]: as many as there are samples of all scores.


def interquartile_mean(scores: Scores) -> np.ndarray:
    """Mean of the middle half of all scores, whatever their games: of n, int(n / 4) are cut from each end."""
    together = np.sort(np.concatenate(scores, axis=-1), axis=-1)
    count = together.shape[-1]
    cut = int(TRIMMED * count)
    return together[..., cut : count - cut].mean(axis=-1)


def median(scores: Scores) -> np.ndarray:
    """Median over the games of each game's mean."""
    return np.median([game.mean(axis=-1) for game in scores], axis=0)


def mean(scores: Scores) -> np.ndarray:
    """Mean over the games of each game's mean."""
    return np.mean([game.mean(axis=-1) for game in scores], axis=0)


Measure = Callable[[Scores], np.ndarray]
MEASURES: dict[str, Measure] = {"interquartile mean": interquartile_mean, "median": median, "mean": mean}


def bootstrap(scores: Scores, measure: Measure) -> Interval:
    """`measure` with its stratified 95% percentile interval: seeds are drawn anew within each game, never across.

    `scores` are [seeds] each. The draws are the same each time.
    """
    value = float(measure(scores))
    if max(len(game) for game in scores) < 2:
        return Interval(value, None, None)
    random = np.random.default_rng(0)
    drawn = [game[random.integers(len(game), size=(RESAMPLES, len(game)))] for game in scores]
    low, high = np.quantile(measure(drawn), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, float(low), float(high))


def load_references(file: str) -> dict[str, tuple[float, float]]:
    """A JSON file of {game: [random, reference]}. Raises UserError."""
    try:
        rows = json.loads(Path(file).read_text(encoding="utf-8"))
        references = {game: (float(random), float(other)) for game, (random, other) in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it must be {game: [random, reference], ...}"
        raise UserError(f"--references {file}: cannot be read ({reason})") from None
    for game, (random, other) in references.items():
        if not np.isfinite(other - random) or random == other:
            raise UserError(f"--references {file}: {game} must have two different finite numbers")
    return references


def compare(groups: Sequence[RunGroup], references: References | None = None) -> Comparison:
    """Score the groups over all games that they share and that have a reference; `references` go before the human's.

    Raises UserError if there is no such game.
    """
    known = {**HUMAN_SCORES, **(references or {})}
    groups, games, notes = _comparable(groups, known)
    rows = []
    for group in groups:
        scores = [np.array([normalised(final_score(run), known[game]) for run in group.of(game)]) for game in games]
        measures = {name: bootstrap(scores, measure) for name, measure in MEASURES.items()}
        rows.append(Row(group.label, [len(game) for game in scores], measures))
    own = any(game in (references or {}) for game in games)
    if any(run.options.single_life_episodes for group in groups for game in games for run in group.of(game)):
        notes.append("--single_life_episodes: some scores are of one life, those they are compared with of whole games")
    return Comparison(games, rows, "reference" if own else "human", [*notes, *_notes_on_seeds(rows)])


def _comparable(groups: Sequence[RunGroup], known: References) -> tuple[list[RunGroup], list[str], list[str]]:
    """Groups that can be compared, the games to do it on, and what was left out."""
    every = sorted({game for group in groups for game in group.games})
    notes = [f"{game}: no scores to compare with (--references); left out" for game in every if game not in known]
    scored = [game for game in every if game in known]
    if not scored:
        raise UserError(f"--compare: no scores of {', '.join(every)} to compare with; give them with --references")
    left = [group for group in groups if set(group.games) & set(scored)]
    notes += [
        f"{group.label}: no run of a game with scores to compare with; left out"
        for group in groups
        if group not in left
    ]
    shared = [game for game in scored if all(group.of(game) for group in left)]
    if not shared:
        few = "; ".join(group.label for group in left)
        which = few if len(left) <= 3 else f"{len(left)} sets of options"
        raise UserError(f"--compare: no game was played by all of {which}: name runs that have games in common")
    notes += [f"{game}: not played by all groups; left out" for game in scored if game not in shared]
    return left, shared, notes


def _notes_on_seeds(rows: Sequence[Row]) -> list[str]:
    notes = []
    for row in rows:
        if max(row.counts) == 1:
            notes.append(f"{row.label}: one seed a game, so there is no interval: how far seeds differ is not known")
        elif min(row.counts) == 1:
            notes.append(f"{row.label}: one seed in some games, so its intervals are too narrow")
    return notes
