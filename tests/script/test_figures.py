"""What pictures of runs are made of, checked by hand."""

import numpy as np
import pytest

from figures.curves import bin_means, draw_curves, fill_gaps, learning_curves
from figures.groups import group_runs, label, seeds
from figures.repetitions import Repetitions, count_plays, draw_repetitions, fractions_in_bins
from figures.runs import load_run, load_runs, short_names
from figures.style import line, save, wrap
from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.training import episodes
from paac.training.episodes import COLUMNS
from paac.training.run_folder import RunFolder
from tests.helpers.made_runs import make_run, scored

FIGAR = {"max_repetition": 4, "nb_choices": 3}


# Reading.


def test_a_run_is_its_episodes(tmp_path):
    run = make_run(tmp_path / "run", [(20, 1.5, 3, -1, 5), (40, 3600, 0, 2.5, 7)], game="atari:pong")
    assert run.game == "pong"
    assert run.steps.tolist() == [20, 40] and run.scores.tolist() == [-1, 2.5]
    assert run.at("decisions").tolist() == [20, 40]
    assert run.at("hours").tolist() == [1.5 / 3600, 1]


def test_the_last_scores_are_of_as_many_episodes_as_in_the_training(tmp_path):
    assert scored(tmp_path, *range(60)).last_scores.tolist() == list(range(60 - episodes.WINDOW_EPISODES, 60))


def test_a_line_that_a_training_is_just_writing_is_left_out(tmp_path):
    make_run(tmp_path / "run", [(20, 1, 0, 1, 5)])
    with (tmp_path / "run/episodes.csv").open("a") as file:
        file.write("40,2.0,1,-1")
    assert load_run(RunFolder(tmp_path / "run")).steps.tolist() == [20]


CSV_HEADER = ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize("text", ["step,reward\n1,2\n", CSV_HEADER + "1,2,3\n", CSV_HEADER + "1,2,3,four,5\n"])
def test_a_broken_list_of_episodes_is_named(tmp_path, text):
    make_run(tmp_path / "run")
    (tmp_path / "run/episodes.csv").write_text(text)
    with pytest.raises(UserError, match=r"run/episodes.csv cannot be read"):
        load_run(RunFolder(tmp_path / "run"))


def test_runs_without_episodes_are_named_and_left_out(tmp_path):
    make_run(tmp_path / "a/full")
    make_run(tmp_path / "a/empty", [])
    (make_run(tmp_path / "b").folder / "episodes.csv").unlink()
    runs, lines = load_runs([str(tmp_path / "a"), str(tmp_path / "a/full"), str(tmp_path)])
    assert [run.folder.name for run in runs] == ["full"], "each run once, however it is named"
    assert [line.split(":")[0] for line in lines] == [str(tmp_path / "a/empty"), str(tmp_path / "b")]
    with pytest.raises(UserError, match="RUN .*no episode has ended"):
        load_runs([str(tmp_path / "b")])
    with pytest.raises(UserError, match="RUN .*: no such folder"):
        load_runs([str(tmp_path / "c")])


def test_names_of_runs_differ(tmp_path):
    one, other = make_run(tmp_path / "x/seed1"), make_run(tmp_path / "y/seed1")
    assert short_names([one]) == ["seed1"]
    assert short_names([one, other]) == ["x/seed1", "y/seed1"]


# Frames.


@pytest.mark.parametrize(("game", "frames"), [("pong", 400), ("Snake-v0", 200), ("tetris", 100), ("atari:tetris", 400)])
def test_without_figar_frames_are_decisions_times_the_frame_skip(tmp_path, game, frames):
    assert make_run(tmp_path / "run", [(100, 1, 0, 0, 9)], game=game).at("frames").tolist() == [frames]


def test_with_figar_frames_follow_the_lengths_of_episodes(tmp_path):
    # Two emulators. 0 makes 10 decisions with 20 plays until step 20, then 10 more with 40 until step 40.
    # 1 makes 15 decisions with 30 plays until step 30, and goes on at 2 plays a decision.
    episodes = [(20, 1, 0, 0, 20), (30, 1, 1, 0, 30), (40, 1, 0, 0, 40)]
    run = make_run(tmp_path / "run", episodes, game="Snake-v0", emulator_counts=2, **FIGAR)
    assert run.plays().tolist() == [20 + 20, 40 + 30, 60 + 40]
    assert run.at("frames").tolist() == [80, 140, 200]


def test_emulators_without_an_episode_play_like_the_others(tmp_path):
    run = make_run(tmp_path / "run", [(40, 1, 0, 0, 30)], emulator_counts=4, **FIGAR)
    assert run.plays().tolist() == [120]


# Groups and labels.


def test_seed_folder_and_length_make_no_other_group(tmp_path):
    runs = [
        make_run(tmp_path / "runs/a", random_seed=1),
        make_run(tmp_path / "runs/b", random_seed=2, device="/cpu:0", emulator_workers=3, max_global_steps=99),
        make_run(tmp_path / "runs/c", random_seed=1, game="Snake-v0"),  # it takes no random start
    ]
    (group,), lines = group_runs(runs)
    assert (group.label, group.runs, lines) == ("runs", runs, [])
    assert group.games == ["Snake-v0", "pong"]
    assert group.of("pong") == runs[:2]


def test_labels_say_what_differs(tmp_path):
    runs = [
        make_run(tmp_path / "a"),
        make_run(tmp_path / "b", arch="NATURE", random_seed=2),
        make_run(tmp_path / "c", entropy_regularisation_strength=0.05, max_repetition=10, nb_choices=11),
        make_run(tmp_path / "d", random_start=False),
    ]
    groups, _ = group_runs(runs)
    assert [group.label for group in groups] == [
        "random_start, arch NIPS, no FiGAR, entropy 0.02",
        "random_start, arch NATURE, no FiGAR, entropy 0.02",
        "random_start, arch NIPS, FiGAR 10, entropy 0.05",
        "no random_start, arch NIPS, no FiGAR, entropy 0.02",
    ]
    assert [group.label for group in group_runs(runs[:2])[0]] == ["arch NIPS", "arch NATURE"]
    assert [group.label for group in group_runs(runs[1:2])[0]] == ["b"]
    assert label(resolve(dict(max_repetition=10, nb_choices=3)), ["nb_choices"]) == "FiGAR 10 in 3 choices"


def test_a_copy_of_a_run_is_no_second_seed(tmp_path):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "copy"), make_run(tmp_path / "c", game="breakout")]
    (group,), lines = group_runs(runs)
    assert group.runs == [runs[0], runs[2]]
    assert lines == [f"{tmp_path / 'copy'}: the same options and seed as {tmp_path / 'a'}; left out"]


def test_numbers_of_seeds_in_words():
    assert [seeds([1]), seeds([2, 2]), seeds([3, 1, 2])] == ["1 seed", "2 seeds", "1 to 3 seeds"]


# Curves.


def test_bins_take_the_mean_of_their_episodes():
    means = bin_means(np.array([1, 10, 10.5, 20, 40.0]), np.array([1, 3, 5, 7, 9.0]), np.linspace(0, 40, 5))
    np.testing.assert_array_equal(means, [2, 6, np.nan, 9])


def test_gaps_are_bridged_and_ends_left():
    np.testing.assert_array_equal(
        fill_gaps(np.array([np.nan, 1, np.nan, np.nan, 4, np.nan])), [np.nan, 1, 2, 3, 4, np.nan]
    )


def test_curves_are_the_mean_of_seeds_as_far_as_all_have_got(tmp_path):
    runs = [scored(tmp_path / "runs/a", 1, 2, 3, 4), scored(tmp_path / "runs/b", 3, 6, 1, random_seed=2)]
    curves = learning_curves(runs, "decisions", np.linspace(0, 40, 5))
    np.testing.assert_array_equal(curves, [[1, 2, 3, 4], [3, 6, 1, np.nan]])
    figure = draw_curves(group_runs(runs)[0], bins=4)
    (panel,) = figure.axes
    (curve,) = panel.lines
    np.testing.assert_array_equal(curve.get_xdata(), [5, 15, 25, 35])
    np.testing.assert_array_equal(curve.get_ydata(), [2, 4, 2, np.nan])
    band = panel.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (1, 6)
    assert [text.get_text() for text in figure.legends[0].get_texts()][0] == "runs (2 seeds)"


def test_one_seed_has_no_band(tmp_path):
    figure = draw_curves(group_runs([scored(tmp_path / "a", 1, 2)])[0], "hours", bins=2)
    assert not figure.axes[0].collections
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a (1 seed)"]
    assert figure.get_supxlabel() == "hours of training"
    assert "episodes in each of 2 bins" in figure.axes[0].get_ylabel()


def test_a_panel_a_game_with_the_same_colours_in_all(tmp_path):
    games = ["pong", "breakout", "Snake-v0", "tetris"]
    runs = [
        scored(tmp_path / f"{game}_{arch}", 1, 2, game=game, arch=arch) for arch in ("NIPS", "LSTM") for game in games
    ]
    figure = draw_curves(group_runs(runs[1:])[0])
    shown = [panel for panel in figure.axes if panel.get_visible()]
    assert [panel.get_title(loc="left") for panel in shown] == sorted(games)
    colours = {tuple(line.get_color() for line in panel.lines) for panel in shown}
    nips, lstm = line(0)["color"], line(1)["color"]
    assert colours == {(nips, lstm), (lstm,)}, "pong was played by LSTM alone"


def test_curves_can_be_told_apart():
    assert len({(line(n)["color"], line(n)["linestyle"]) for n in range(28)}) == 28


def test_labels_are_broken_after_commas():
    assert wrap("arch NIPS, entropy 0.05, FiGAR 10", 20) == "arch NIPS,\nentropy 0.05,\nFiGAR 10"


# Repetitions.


def histogram(plays):
    """As tf.summary.histogram would write it."""
    from tensorboard.plugins.histogram.summary_v2 import _buckets

    return _buckets(np.array(plays)).numpy()


@pytest.mark.parametrize("choices", range(2, 31))
def test_histograms_give_back_what_went_in(choices):
    plays = 1 + 3 * np.arange(choices)
    counts = np.random.default_rng(choices).integers(0, 4, choices)
    counts[choices // 2] += 1
    assert count_plays(histogram(np.repeat(plays, counts)), plays).tolist() == counts.tolist()


def test_plays_of_the_same_bucket_share_its_count():
    plays = np.arange(1, 62)  # 30 buckets of two plays each, the last of three
    counts = count_plays(histogram([1, 1, 1, 1, 61, 61, 61]), plays)
    assert counts[:2].tolist() == [2, 2] and counts[-3:].tolist() == [1, 1, 1] and counts.sum() == 7


def test_shares_weigh_points_by_their_decisions():
    repetitions = Repetitions(np.array([10, 20, 40]), np.array([1, 3]), np.array([[1, 3], [4, 0], [0, 2.0]]))
    shares = fractions_in_bins(repetitions, np.array([0, 20, 30, 40]))
    np.testing.assert_array_equal(shares, [[5 / 8, 3 / 8], [np.nan, np.nan], [0, 1]])


def test_the_heat_map_has_a_row_for_each_number_of_plays():
    repetitions = Repetitions(np.array([20, 40]), np.array([1, 3, 11]), np.array([[1, 1, 2], [4, 0, 0.0]]))
    panel, bar = draw_repetitions(repetitions, "a run").axes
    assert panel.collections[0].get_array().tolist() == [[0.25, 1], [0.25, 0], [0.5, 0]]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["1", "3", "11"]
    assert bar.get_ylabel() == "share of the decisions"


# Files.


def test_the_same_picture_is_the_same_file(tmp_path):
    groups, _ = group_runs([scored(tmp_path / "a", 1, 2)])
    for name in ("one", "other"):
        save(draw_curves(groups), tmp_path, name)
    for kind in ("png", "svg"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"other.{kind}").read_bytes()
