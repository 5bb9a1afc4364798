"""Tests of the data in pictures of runs, against values computed by hand."""

import dataclasses

import numpy as np
import pytest

from figures.curves import bin_count, bin_means, draw_curves, fill_gaps, learning_curves, shortened_curves
from figures.groups import group_runs
from figures.runs import load_run, load_runs, short_names
from figures.style import curve_style, save_figure, wrap
from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.training import episodes
from paac.training.episodes import COLUMNS
from paac.training.run_folder import RunFolder
from tests.helpers.made_runs import make_run, scored

FIGAR = {"max_repetition": 4, "nb_choices": 3}


# Reading runs.


def test_a_run_has_the_episodes_of_its_file(tmp_path):
    run = make_run(tmp_path / "run", [(20, 1.5, 3, -1, 5), (40, 3600, 0, 2.5, 7)], game="atari:pong")
    assert run.game == "pong"
    assert run.steps.tolist() == [20, 40] and run.scores.tolist() == [-1, 2.5]
    assert run.positions("decisions").tolist() == [20, 40]
    assert run.positions("hours").tolist() == [1.5 / 3600, 1]


def test_the_last_scores_have_the_window_of_the_training(tmp_path):
    assert scored(tmp_path, *range(60)).last_scores.tolist() == list(range(60 - episodes.WINDOW_EPISODES, 60))


def test_the_last_scores_are_the_last_not_the_highest(tmp_path):
    assert scored(tmp_path, *range(60, 0, -1)).last_scores.tolist() == list(range(50, 0, -1))


def test_an_incomplete_last_line_is_ignored(tmp_path):
    make_run(tmp_path / "run", [(20, 1, 0, 1, 5)])
    with (tmp_path / "run/episodes.csv").open("a") as file:
        file.write("40,2.0,1,-1")
    assert load_run(RunFolder(tmp_path / "run")).steps.tolist() == [20]


CSV_HEADER = ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize("text", ["step,reward\n1,2\n", CSV_HEADER + "1,2,3\n", CSV_HEADER + "1,2,3,four,5\n"])
def test_a_malformed_episodes_file_is_named(tmp_path, text):
    make_run(tmp_path / "run")
    (tmp_path / "run/episodes.csv").write_text(text)
    with pytest.raises(UserError, match=r"run/episodes.csv cannot be read"):
        load_run(RunFolder(tmp_path / "run"))


def test_files_and_folders_without_runs_among_several_names_are_passed_over(tmp_path):
    """A pattern of the shell, such as pretrained/*, gives them too."""
    for name in ("a", "b/c"):
        make_run(tmp_path / name)
    (tmp_path / "a.gif").touch()
    (tmp_path / "empty").mkdir()
    names = [str(tmp_path / name) for name in ("a.gif", "a", "b", "empty")]
    runs, messages = load_runs(names)
    assert [run.folder for run in runs] == [tmp_path / "a", tmp_path / "b/c"]
    assert messages == [f"{tmp_path / 'empty'}: no run there; passed over"]
    for alone, message in ((names[:1], "a.gif: that is a file"), (names[3:], "empty: no run there")):
        with pytest.raises(UserError, match=message):
            load_runs(alone)
    with pytest.raises(UserError, match="typo: no such folder"):
        load_runs([*names, str(tmp_path / "typo")])


def test_runs_without_episodes_are_named_and_left_out(tmp_path):
    make_run(tmp_path / "a/full")
    make_run(tmp_path / "a/empty", [])
    (make_run(tmp_path / "b").folder / "episodes.csv").unlink()
    runs, messages = load_runs([str(tmp_path / "a"), str(tmp_path / "a/full"), str(tmp_path)])
    assert [run.folder.name for run in runs] == ["full"], "each run once, even if it is named several times"
    assert [message.split(":")[0] for message in messages] == [str(tmp_path / "a/empty"), str(tmp_path / "b")]
    with pytest.raises(UserError, match="no episode has ended"):
        load_runs([str(tmp_path / "b")])
    with pytest.raises(UserError, match=": no such folder"):
        load_runs([str(tmp_path / "c")])


def test_short_names_of_runs_are_different(tmp_path):
    first, second = make_run(tmp_path / "x/seed1"), make_run(tmp_path / "y/seed1")
    assert short_names([first]) == ["seed1"]
    assert short_names([first, second]) == ["x/seed1", "y/seed1"]
    assert short_names([make_run(tmp_path / "logs"), make_run(tmp_path / "logs/logs")]) == ["logs", "logs-2"]


# Frames.


@pytest.mark.parametrize(("game", "frames"), [("pong", 400), ("Snake-v0", 200), ("tetris", 100), ("atari:tetris", 400)])
def test_without_figar_frames_are_decisions_times_the_frame_skip(tmp_path, game, frames):
    assert make_run(tmp_path / "run", [(100, 1, 0, 0, 9)], game=game).positions("frames").tolist() == [frames]


def test_with_figar_frames_follow_the_lengths_of_episodes(tmp_path):
    # Emulator 0 makes 10 decisions with 20 plays until step 20, and 10 more with 40 plays until step 40.
    # Emulator 1 makes 15 decisions with 30 plays until step 30, and then continues with 2 plays per decision.
    episodes = [(20, 1, 0, 0, 20), (30, 1, 1, 0, 30), (40, 1, 0, 0, 40)]
    run = make_run(tmp_path / "run", episodes, game="Snake-v0", emulator_counts=2, **FIGAR)
    assert run.plays().tolist() == [20 + 20, 40 + 30, 60 + 40]
    assert run.positions("frames").tolist() == [80, 140, 200]


def test_emulators_without_a_finished_episode_count_like_the_others(tmp_path):
    run = make_run(tmp_path / "run", [(40, 1, 0, 0, 30)], emulator_counts=4, **FIGAR)
    assert run.plays().tolist() == [120]


def test_the_frames_of_several_processes_are_those_of_all_their_emulators(tmp_path):
    episodes = [(40, 1, number, 0, 30) for number in range(4)]
    one = make_run(tmp_path / "one", episodes, emulator_counts=4, **FIGAR)
    two = make_run(tmp_path / "two", episodes, emulator_counts=2, **FIGAR)
    assert (one.num_processes, two.num_processes) == (1, 2)
    assert one.plays().tolist() == two.plays().tolist() == [120] * 4


def test_with_figar_an_emulator_keeps_the_rate_of_its_last_episode(tmp_path):
    # Emulator 1 makes 1 play per decision until step 20, and then 3.
    episodes = [(20, 1, 1, 0, 10), (40, 1, 1, 0, 30), (80, 1, 0, 0, 40)]
    run = make_run(tmp_path / "run", episodes, emulator_counts=2, max_repetition=4, nb_choices=3)
    assert run.plays().tolist() == [10 + 10, 20 + 40, 40 + 100]


def test_with_figar_decisions_before_the_file_begins_have_the_rate_of_the_others(tmp_path):
    # One emulator makes 3 plays per decision: the file begins at decision 1000.
    episodes = [(1000 + 10 * number, 1, 0, 0, 30) for number in range(1, 5)]
    run = make_run(tmp_path / "run", episodes, game="Snake-v0", emulator_counts=1, max_repetition=4, nb_choices=5)
    assert run.plays().tolist() == [3 * step for step, *_ in episodes]


# Curves.


def test_a_bin_has_the_mean_of_its_episodes():
    means = bin_means(np.array([1, 10, 10.5, 20, 40.0]), np.array([1, 3, 5, 7, 9.0]), np.linspace(0, 40, 5))
    np.testing.assert_array_equal(means, [2, 6, np.nan, 9])


def test_gaps_are_interpolated_and_missing_ends_stay():
    np.testing.assert_array_equal(
        fill_gaps(np.array([np.nan, 1, np.nan, np.nan, 4, np.nan])), [np.nan, 1, 2, 3, 4, np.nan]
    )


def test_a_curve_is_the_mean_where_all_seeds_have_data(tmp_path):
    runs = [scored(tmp_path / "runs/a", 1, 2, 3, 4), scored(tmp_path / "runs/b", 3, 6, 1, random_seed=2)]
    curves = learning_curves(runs, "decisions", np.linspace(0, 40, 5))
    np.testing.assert_array_equal(curves, [[1, 2, 3, 4], [3, 6, 1, np.nan]])
    figure = draw_curves(group_runs(runs)[0], bins=4)
    (panel,) = figure.axes
    curve, longer = panel.lines
    np.testing.assert_array_equal(curve.get_xdata(), [5, 15, 25, 35])
    np.testing.assert_array_equal(curve.get_ydata(), [2, 4, 2, np.nan])
    np.testing.assert_array_equal(longer.get_xydata(), [[25, 3], [35, 4]])
    assert longer.get_linewidth() < curve.get_linewidth() and longer.get_color() == curve.get_color()
    band = panel.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (1, 6)
    assert "lowest to highest seed" in figure.get_supxlabel() and "thin lines" in figure.get_supxlabel()
    equal = draw_curves(group_runs([runs[0], scored(tmp_path / "runs/c", 1, 1, 1, 1, random_seed=3)])[0], bins=4)
    assert len(equal.axes[0].lines) == 1 and "thin lines" not in equal.get_supxlabel()
    assert panel.get_legend() is None, "there is nothing to compare"


def test_a_curve_does_not_go_beyond_its_run(tmp_path):
    run = make_run(tmp_path / "run", [(step, 1.0, 0, step, 5) for step in (10, 20, 30, 41)])
    curves = learning_curves([run], "decisions", np.linspace(0, 60, 4))
    np.testing.assert_array_equal(curves, [[15, 35.5, np.nan]], "41 is before 50, the centre of the third bin")
    short = make_run(tmp_path / "short", [(5, 1.0, 0, 1, 5)])
    np.testing.assert_array_equal(learning_curves([short], "decisions", np.linspace(0, 60, 4))[0, 0], 1)


def test_one_seed_has_no_band(tmp_path):
    figure = draw_curves(group_runs([scored(tmp_path / "a", 1, 2)])[0], "hours", bins=2)
    assert not figure.axes[0].collections
    assert figure.get_supxlabel() == "hours of training"


def test_the_legend_of_a_panel_names_what_differs_in_it(tmp_path):
    runs = [
        scored(tmp_path / "a", 1, 2),
        scored(tmp_path / "b", 1, 2, random_seed=2),
        scored(tmp_path / "c", 1, 2, initial_lr=0.01, lr_annealing_steps=4_000_000),
        scored(tmp_path / "d", 1, 2, game="Snake-v0", arch="LSTM"),
        scored(tmp_path / "e", 1, 2, game="Snake-v0", arch="PWYX"),
    ]
    snake, pong = draw_curves(group_runs(runs)[0]).axes
    assert [text.get_text() for text in pong.get_legend().get_texts()] == [
        "lr 0.0224, lra 80M (2 seeds)",
        "lr 0.01, lra 4M",
    ]
    assert [text.get_text() for text in snake.get_legend().get_texts()] == ["arch LSTM", "arch PWYX"]


@pytest.mark.parametrize(("episodes", "bins"), [(3, 10), (100, 20), (10_000, 100)])
def test_a_curve_of_few_episodes_has_few_bins(episodes, bins):
    assert bin_count(episodes, 100) == bins
    assert bin_count(episodes, 4) == 4


def test_each_game_has_a_panel_and_each_group_the_same_colour_in_all(tmp_path):
    games = ["pong", "breakout", "Snake-v0", "tetris"]
    runs = [
        scored(tmp_path / f"{game}_{arch}", 1, 2, game=game, arch=arch) for arch in ("NIPS", "LSTM") for game in games
    ]
    figure = draw_curves(group_runs(runs[1:])[0])
    panels = [panel for panel in figure.axes if panel.get_visible()]
    assert [panel.get_title(loc="left") for panel in panels] == sorted(games)
    colours = {tuple(line.get_color() for line in panel.lines) for panel in panels}
    nips, lstm = curve_style(0)["color"], curve_style(1)["color"]
    assert colours == {(nips, lstm), (lstm,)}, "only LSTM played pong"


def test_the_styles_of_28_curves_are_different():
    styles = [curve_style(number) for number in range(28)]
    assert len({(style["color"], style["linestyle"]) for style in styles}) == 28


def test_labels_are_wrapped_after_commas():
    assert wrap("arch NIPS, entropy 0.05, FiGAR 10", 20) == "arch NIPS,\nentropy 0.05,\nFiGAR 10"


def test_the_same_picture_gives_the_same_file(tmp_path):
    groups, _ = group_runs([scored(tmp_path / "a", 1, 2)])
    for name in ("first", "second"):
        save_figure(draw_curves(groups), tmp_path, name)
    for suffix in ("png", "svg"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()


def test_a_run_that_has_just_begun_does_not_make_the_other_curves_coarse(tmp_path):
    runs = [scored(tmp_path / "a", *range(1000)), scored(tmp_path / "b", 5, 7, arch="LSTM")]
    long, short = draw_curves(group_runs(runs)[0]).axes[0].lines
    assert np.isfinite(long.get_ydata()).sum() == 100
    assert short.get_marker() == "o" and np.nanmax(short.get_ydata()) == 6, "one point makes no line"


def test_a_line_says_that_a_curve_ends_with_its_shortest_seed(tmp_path):
    runs = [
        make_run(tmp_path / name, [(10**6 * end, 3600 * end, 0, 1, 9)], random_seed=end)
        for name, end in (("a", 10), ("b", 4), ("c", 10))
    ]
    groups = group_runs([runs[0], runs[1], dataclasses.replace(runs[2], options=resolve({"random_seed": 3}))])[0]
    begin = f"pong: the mean of 3 seeds ends with the shortest run, {tmp_path}/b, at "
    assert shortened_curves(groups, "decisions") == [f"{begin}4,000,000 decisions; {tmp_path}/c goes on to 10,000,000"]
    assert shortened_curves(groups, "hours") == [f"{begin}4.00 hours; {tmp_path}/c goes on to 10.00"]
    equal = [scored(tmp_path / "c", *range(100)), scored(tmp_path / "d", *range(99), random_seed=2)]
    assert shortened_curves(group_runs(equal)[0], "decisions") == []
    assert shortened_curves(group_runs(runs[:1])[0], "decisions") == []


def test_a_panel_with_one_of_several_groups_names_it(tmp_path):
    runs = [scored(tmp_path / "a", 1, 2), scored(tmp_path / "b", 1, 2, game="Snake-v0", gamma=0.9)]
    for panel, label in zip(draw_curves(group_runs(runs)[0]).axes, ("gamma 0.9", "gamma 0.99"), strict=True):
        assert [text.get_text() for text in panel.get_legend().get_texts()] == [label]


def test_the_run_with_the_fewest_episodes_sets_the_bins_of_a_panel(tmp_path):
    long_episodes = [(500 * (number + 1), number, 0, 1, 500) for number in range(60)]
    runs = [scored(tmp_path / "a", *range(3000)), make_run(tmp_path / "b", long_episodes, arch="LSTM")]
    (panel,) = draw_curves(group_runs(runs)[0]).axes
    assert [len(line.get_xdata()) for line in panel.lines] == [60 // 5] * 2
