"""Tests of the space of a search: the options that vary, and the values that each may have."""

import json
from pathlib import Path

import pytest

from paac.cli.errors import UserError
from tests.helpers.messages import message_of

pytest.importorskip("optuna", reason="optuna is not installed: pip install -r script/requirements-tune.txt")

from experiments.search_space import DEFAULT_SPACE, point_of, read_space, split_options
from paac.cli.options import resolve


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with the file space.json."""
    monkeypatch.chdir(tmp_path)
    Path("space.json").write_text('{"lr": {"low": 0.001, "high": 0.1, "log": true}, "max_local_steps": [5, 10]}')


def test_the_default_space_has_the_default_options_inside():
    ranges, space = read_space(None)
    assert ranges == DEFAULT_SPACE
    assert point_of(vars(resolve({})), space) == {
        "initial_lr": 0.0224,
        "e": 0.1,
        "clip_norm": 3.0,
        "entropy_regularisation_strength": 0.02,
        "activation": "relu",
        "max_local_steps": 5,
    }


def test_a_file_that_does_not_exist_is_named_with_its_option(folder):
    with pytest.raises(
        UserError, match="^--space gone.json: no such file; name a JSON file of options and their ranges$"
    ):
        read_space("gone.json")


def test_a_space_may_have_flags_as_keys_and_what_lies_outside_is_no_point_of_it(folder):
    _, space = read_space("space.json")
    assert list(space) == ["initial_lr", "max_local_steps"] and space["initial_lr"].log
    assert point_of({"initial_lr": 0.5, "max_local_steps": 10}, space) == {"max_local_steps": 10}
    Path("space.json").write_text('{"max_local_steps": {"low": 5, "high": 20, "step": 5}}')
    _, space = read_space("space.json")
    assert [point_of({"max_local_steps": steps}, space) != {} for steps in (4, 5, 8, 20, 25)] == [0, 1, 0, 1, 0]
    Path("space.json").write_text('{"gamma": {"low": 0.9, "high": 0.99, "step": 0.01}}')
    assert point_of({"gamma": 0.99}, read_space("space.json")[1]) == {"gamma": 0.99}, "although 0.09 / 0.01 is not 9"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "holds no JSON object"),
        ({}, "space.json: names no option; an example is {"),
        ({"depth": [1]}, "space.json: unknown key 'depth'"),
        ({"gamma": []}, "space.json: gamma must be a list of values, or {"),
        ({"gamma": {"low": 0.9}}, "space.json: gamma must be a list of values, or {"),
        ({"gamma": {"low": 0.9, "high": 0.99, "base": 2}}, "space.json: gamma must be a list of values, or {"),
        ({"gamma": [0.9, 2.0]}, "space.json: --gamma 2.0: must be from 0 to 1"),
        ({"gamma": {"low": 0.9, "high": 2.0}}, "space.json: --gamma 2.0: must be from 0 to 1"),
        ({"gamma": ["high"]}, 'space.json: gamma must be a number, not "high"'),
        ({"gamma": {"low": 0.99, "high": 0.9}}, "space.json: gamma: "),
        ({"gamma": {"low": 0.0, "high": 0.9, "log": True}}, "space.json: gamma: "),
        ({"gamma": {"low": 0.1, "high": 0.9, "log": True, "step": 0.1}}, 'space.json: gamma: "log" must be'),
        ({"gamma": {"low": 0.1, "high": 0.9, "step": 0}}, 'space.json: gamma: "step" must be a number above 0'),
        (
            {"max_local_steps": {"low": 1, "high": 9, "step": 0.5}},
            'space.json: max_local_steps: "step" must be a whole number above 0',
        ),
        ({"max_local_steps": {"low": 1, "high": 9, "log": "yes"}}, 'space.json: max_local_steps: "log" must be'),
        ({"arch": {"low": "NIPS", "high": "PWYX"}}, "space.json: arch is not a number, so its values must be a list"),
        ({"arch": ["NOPE"]}, "space.json: --arch NOPE: must be one of"),
        ({"emulator_workers": [None]}, "space.json: emulator_workers cannot be searched for"),
        ({"seed": [1, 2]}, "space.json: random_seed cannot be searched for"),
        ({"max_global_steps": [1, 2]}, "space.json: max_global_steps cannot be searched for"),
        ({"lr": [0.1], "initial_lr": [0.2]}, "space.json: lr and initial_lr set the same option"),
    ],
)
def test_a_mistake_in_the_space_is_one_line_with_its_file_and_key(content, message, folder):
    Path("space.json").write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        read_space("space.json")
    assert message in message_of(error)


def test_typed_options_and_a_preset_are_those_of_each_trial_but_what_is_searched_for(folder):
    space = {"initial_lr": None, "max_repetition": None}
    typed = {"preset": "seaquest_figar", "gamma": 0.9, "device": "/cpu:0", "emulator_workers": 1, "trials": 3}
    shared, start, local = split_options(typed, space)
    assert shared == {"game": "seaquest", "entropy_regularisation_strength": 0.05, "gamma": 0.9}
    assert start == {"max_repetition": 10} and local == {"device": "/cpu:0", "emulator_workers": 1}
    assert split_options({"preset": "breakout", "random_seed": 1}, {}).shared["e"] == 1e-8
    assert "max_global_steps" not in split_options({"preset": "breakout"}, {}).shared, "the preset's would be too long"
    with pytest.raises(UserError, match="^--initial_lr: the space has initial_lr too"):
        split_options({"initial_lr": 0.1}, space)
