"""Tests groups of runs with the same learning options, and their labels."""

import dataclasses

import pytest

from figures.groups import describe_options, describe_seeds, group_runs, learning_options
from paac.cli.options import resolve
from tests.helpers.made_runs import make_run, scored

FIGAR = {"max_repetition": 4, "nb_choices": 3}


def test_runs_of_one_group_can_differ_in_game_seed_machine_and_length(tmp_path):
    machine = {"device": "/cpu:0", "emulator_workers": 3, "op_threads": 2, "shards": 1}
    runs = [
        make_run(tmp_path / "runs/a", random_seed=1),
        make_run(tmp_path / "runs/b", random_seed=2, max_global_steps=99, **machine),
        make_run(tmp_path / "runs/c", random_seed=1, game="Snake-v0"),  # its default is no random start
    ]
    (group,), messages = group_runs(runs)
    assert (group.label, group.runs, messages) == ("runs", runs, [])
    assert group.games == ["Snake-v0", "pong"]
    assert group.runs_of("pong") == runs[:2]


@pytest.mark.parametrize(
    "unused",
    [
        *[{"alpha_leaky_relu": 0.2}, {"keep_percentage": 0.5}, {"figar_discount": "play"}, {"annealed": True}],
        {"epsilon": 0.5, "annealed_steps": 9},
    ],
)
def test_options_without_an_effect_may_differ_within_a_group(tmp_path, unused):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", random_seed=2, **unused)]
    assert len(group_runs(runs)[0]) == 1
    used = {"activation": "leaky_relu", "arch": "BAYESIAN", "max_repetition": 1, "egreedy": True}
    runs = [make_run(tmp_path / "c", **used), make_run(tmp_path / "d", **used, **unused)]
    assert len(group_runs(runs)[0]) == 2


def test_the_rate_may_differ_where_the_number_of_emulators_sets_it(tmp_path):
    runs = [make_run(tmp_path / str(seed), scale_lr=True, initial_lr=seed, random_seed=seed) for seed in (1, 2)]
    assert len(group_runs(runs)[0]) == 1


def test_a_group_that_has_the_default_of_each_game_has_a_label(tmp_path):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", game="Snake-v0")]
    runs.append(make_run(tmp_path / "c", random_start=False))
    assert [group.label for group in group_runs(runs)[0]] == ["default random_start", "no random_start"]


def test_labels_name_the_options_that_differ(tmp_path):
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
    games = [make_run(tmp_path / game, game=game, frame_skip=skip) for game, skip in (("Snake-v0", 2), ("pong", 4))]
    other = make_run(tmp_path / "e", game="pong", arch="NATURE", frame_skip=3)
    labels = [group.label for group in group_runs([*games, other])[0]]
    assert labels == ["arch NIPS", "frame_skip 3, arch NATURE"], "each game of the first group has its own default"
    assert [group.label for group in group_runs(runs[1:2])[0]] == ["b"]
    options = resolve(dict(max_repetition=10, nb_choices=3))
    assert describe_options(options, ["nb_choices"]) == "FiGAR 10 with 3 choices"
    held = resolve(dict(max_repetition=10, nb_choices=1))
    assert describe_options(held, ["nb_choices"]) == "FiGAR 10 with 1 choice"
    searched = dataclasses.replace(options, e=0.029830125693457155, clip_norm=3.0)
    assert describe_options(searched, ["e", "clip_norm"]) == "e 0.02983, clip_norm 3"


def test_a_copy_of_a_run_is_left_out(tmp_path):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "copy"), make_run(tmp_path / "c", game="breakout")]
    (group,), messages = group_runs(runs)
    assert group.runs == [runs[0], runs[2]]
    assert messages == [f"{tmp_path / 'copy'}: the same options and seed as {tmp_path / 'a'}; it is not drawn"]


def test_of_a_run_and_a_copy_that_was_trained_further_the_longer_one_is_kept(tmp_path):
    runs = [scored(tmp_path / "a", 1, 2), scored(tmp_path / "more", 1, 2, 3)]
    (group,), messages = group_runs(runs)
    assert group.runs == [runs[1]]
    assert messages == [f"{tmp_path / 'a'}: the same options and seed as {tmp_path / 'more'}; it is not drawn"]


def test_runs_of_more_processes_have_more_emulators_and_are_another_group(tmp_path):
    episodes = [(20, 1.0, 0, 1, 5), (40, 2.0, 40, 1, 5)]
    one, two = make_run(tmp_path / "one", episodes[:1]), make_run(tmp_path / "two", episodes, random_seed=2)
    assert [group.label for group in group_runs([one, two])[0]] == ["1 process", "2 processes"]


def test_numbers_of_seeds_in_words():
    descriptions = [describe_seeds(counts) for counts in ([1], [2, 2], [3, 1, 2])]
    assert descriptions == ["1 seed", "2 seeds", "1 to 3 seeds"]


def test_a_run_of_the_original_with_repeated_choices_is_grouped():
    options = resolve({"max_repetition": 2, "nb_choices": 5, "random_seed": 1}, started=True)
    assert learning_options(options)["nb_choices"] == 5
