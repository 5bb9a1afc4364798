"""Tests of the comparison of algorithms over games, against values computed by hand."""

import json

import numpy as np
import pytest

from emulators import list_games
from figures import scores
from figures.comparison import comparison_table, draw_comparison
from figures.groups import group_runs
from figures.published_scores import HUMAN_SCORES
from paac.cli.errors import UserError
from tests.helpers.made_runs import scored


def test_human_scores_are_of_existing_games():
    assert len(HUMAN_SCORES) == 57
    assert set(HUMAN_SCORES) - set(list_games()["atari"]) <= {"surround"}
    assert all(random != human for random, human in HUMAN_SCORES.values())


def test_the_final_score_is_the_mean_of_the_last_tenth(tmp_path):
    assert scores.final_score(scored(tmp_path / "a", *[0] * 18, 2, 4)) == 3  # steps above 180 of 200
    assert scores.final_score(scored(tmp_path / "b", 5)) == 5


def test_random_play_is_normalised_to_0_and_the_reference_to_1():
    assert scores.normalised_score(-20.7, HUMAN_SCORES["pong"]) == 0
    assert scores.normalised_score(14.6, HUMAN_SCORES["pong"]) == 1
    assert scores.normalised_score(15, (20, 10)) == 0.5


def test_the_interquartile_mean_trims_a_quarter_from_each_end():
    assert scores.interquartile_mean([np.array([100, 1, 2, 3]), np.array([-50, 4, 5, 6.0])]) == 3.5  # 2, 3, 4, 5 remain
    assert scores.interquartile_mean([np.array([1, 2, 9.0])]) == 4  # int(3 / 4) is 0
    assert scores.interquartile_mean([np.array([0, 1, 3, 5, 100.0])]) == 3


def test_median_and_mean_are_over_the_games():
    games = [np.array([1, 3.0]), np.array([10.0]), np.array([4, 5, 6.0])]
    assert scores.median(games) == 5
    assert scores.mean(games) == pytest.approx(17 / 3)


def test_the_bootstrap_resamples_seeds_within_each_game_only():
    """If all seeds of each game have the same score, all resamples are equal."""
    games = [np.array([0.0, 0, 0]), np.array([5.0, 5]), np.array([100.0, 100, 100])]
    for aggregate in scores.AGGREGATES.values():
        value = float(aggregate(games))
        assert scores.bootstrap(games, aggregate) == (value, value, value)


def test_the_bootstrap_interval_is_reproducible_and_has_the_computed_width():
    games = [np.array([0.0, 1]), np.array([3.0, 3])]
    interval = scores.bootstrap(games, scores.mean)
    # The mean of the first game is 0, 0.5 or 1 with probability 1/4, 1/2 or 1/4, so the 95% interval has both ends.
    assert interval == (1.75, 1.5, 2.0)
    assert scores.bootstrap(games, scores.mean) == interval


def test_one_seed_has_no_interval():
    assert scores.bootstrap([np.array([1.0]), np.array([3.0])], scores.mean) == (2.0, None, None)


def comparable(folder):
    """Runs of NIPS (two seeds) and NATURE on pong and breakout, and of NIPS on two games that cannot be compared.

    Only NIPS has played seaquest, and Snake-v0 has no human score.
    """
    return [
        scored(folder / "1", -20.7, game="pong"),
        scored(folder / "2", 14.6, game="pong", random_seed=2),
        scored(folder / "3", 30.5, game="breakout"),
        scored(folder / "4", 1.7, game="breakout", random_seed=2),
        scored(folder / "5", 14.6, game="pong", arch="NATURE"),
        scored(folder / "6", 30.5, game="breakout", arch="NATURE"),
        scored(folder / "7", 30.5, game="seaquest"),
        scored(folder / "8", 3, game="Snake-v0"),
    ]


def test_a_comparison_uses_the_games_that_all_groups_have_played(tmp_path):
    comparison = scores.compare(group_runs(comparable(tmp_path))[0])
    assert (comparison.games, comparison.reference) == (["breakout", "pong"], "human")
    nips, nature = comparison.rows
    assert (nips.label, nips.seed_counts) == ("arch NIPS", [2, 2])
    assert nips.aggregates["mean"] == (0.5, 0, 1)
    assert nature.aggregates["interquartile mean"] == (1, None, None)
    assert [note.split(":")[0] for note in comparison.notes] == ["Snake-v0", "seaquest", "arch NATURE"]
    table = comparison_table(comparison)
    assert "| arch NIPS | 2 | 0.500 (0.000 to 1.000) |" in table and "| arch NATURE | 1 | 1.000 |" in table
    figure = draw_comparison(comparison)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["interquartile mean", "median", "mean"]
    assert [len(panel.collections) for panel in figure.axes] == [1, 1, 1], (
        "only NIPS has an interval: NATURE has one seed"
    )


@pytest.mark.parametrize("different", [{"random_seed": 2}, {"gamma": 0.9}])
def test_trainings_of_different_lengths_give_a_note(tmp_path, different):
    runs = [scored(tmp_path / "1", *[3] * 100), scored(tmp_path / "2", *[3] * 50, **different)]
    notes = scores.compare(group_runs(runs)[0]).notes
    assert [note for note in notes if "end at" in note] == [
        "pong: the last episodes of the trainings end at 500 to 1,000 decisions"
    ]


def test_given_references_are_used_before_human_scores(tmp_path):
    (tmp_path / "scores.json").write_text(json.dumps({"Snake-v0": [-5, 11], "pong": [-21, 21]}))
    references = scores.load_references(str(tmp_path / "scores.json"))
    groups, _ = group_runs([scored(tmp_path / "1", 3, game="Snake-v0"), scored(tmp_path / "2", 0, game="pong")])
    comparison = scores.compare(groups, references)
    assert comparison.games == ["Snake-v0", "pong"] and comparison.reference == "reference"
    assert comparison.rows[0].aggregates["mean"].value == 0.5


@pytest.mark.parametrize(
    "text",
    [
        *["", "[]", '{"pong": 3}', '{"pong": [1]}', '{"pong": [1, 1]}', '{"pong": [1, NaN]}', "[" * 100_000],
        *['{"pong": [1, 2], "pong": [1, 3]}', f'{{"pong": [1, {10**400}]}}'],
    ],
)
def test_bad_references_give_an_error(tmp_path, text):
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(UserError, match="--references .*scores.json"):
        scores.load_references(str(tmp_path / "scores.json"))


def test_runs_without_a_common_game_give_an_error(tmp_path):
    runs = comparable(tmp_path)
    with pytest.raises(UserError, match="no reference scores of Snake-v0"):
        scores.compare(group_runs(runs[7:])[0])
    with pytest.raises(UserError, match="set of options .arch NATURE: breakout; arch NIPS: seaquest.; train"):
        scores.compare(group_runs(runs[5:7])[0])
    games = "pong", "breakout", "seaquest", "qbert"
    different = [scored(tmp_path / game, 1.0, game=game, gamma=number / 10) for number, game in enumerate(games)]
    with pytest.raises(UserError, match=r"gamma 0.2: seaquest; \.\.\.\); train"):
        scores.compare(group_runs(different)[0])


def test_groups_without_a_known_game_are_left_out(tmp_path):
    runs = [scored(tmp_path / "1", 3, game="Snake-v0"), scored(tmp_path / "2", 3, game="pong", arch="LSTM")]
    comparison = scores.compare(group_runs(runs)[0])
    assert [row.label for row in comparison.rows] == ["arch LSTM"]
    assert any(note.startswith("arch NIPS: no run of a game") for note in comparison.notes)


def test_scores_of_single_lives_give_a_note(tmp_path):
    comparison = scores.compare(group_runs([scored(tmp_path / "1", 3, single_life_episodes=True)])[0])
    assert comparison.notes[0].startswith("--single_life_episodes")


def test_the_interval_has_95_percent():
    # All three draws of a resample give the 1 with probability 1/27, more than 2.5% and less than 5%.
    assert scores.bootstrap([np.array([0.0, 0, 1])], scores.mean) == (pytest.approx(1 / 3), 0, 1)


def test_games_with_one_seed_among_several_give_a_note(tmp_path):
    runs = [scored(tmp_path / str(seed), 1, random_seed=seed) for seed in (1, 2)]
    runs.append(scored(tmp_path / "3", 1, game="breakout"))
    notes = scores.compare(group_runs(runs)[0]).notes
    assert len(notes) == 1 and "only one seed in some games" in notes[0]
