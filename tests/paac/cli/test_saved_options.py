"""Saving and loading of options: command line <-> dataclass <-> args.json."""

import dataclasses
import json

import pytest

from paac.cli.args_json import load_options, save_options
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve
from tests.helpers.messages import message_of
from tests.helpers.options import parse_options

# For every option a value that is not the default.
CHANGED = {
    "game": "breakout",
    "env_kwargs": '{"size": 8}',
    "rom_path": "elsewhere",
    "protocol": "machado",
    "random_start": True,
    "sticky_actions": 0.125,
    "full_action_space": False,
    "single_life_episodes": True,
    "max_episode_frames": 1000,
    "frame_skip": 3,
    "rgb": True,
    "emulator_counts": 7,
    "emulator_workers": 3,
    "shards": 4,
    "visualize": 1,
    "arch": "NATURE",
    "activation": "leaky_relu",
    "alpha_leaky_relu": 0.25,
    "precision": "bfloat16",
    "keep_percentage": 0.5,
    "max_repetition": 10,
    "nb_choices": 6,
    "figar_discount": "play",
    "initial_lr": 1e-3,
    "scale_lr": True,
    "lr_annealing_steps": 11,
    "entropy_regularisation_strength": 0.05,
    "reward_clip": 2.0,
    "gamma": 0.9,
    "max_local_steps": 3,
    "max_global_steps": 13,
    "alpha": 0.5,
    "e": 1e-8,
    "clip_norm": 0.5,
    "clip_norm_type": "ignore",
    "random_seed": 0,
    "softmax_temp": 2.0,
    "egreedy": True,
    "epsilon": 0.0,
    "annealed": True,
    "annealed_steps": 17,
    "debugging_folder": "runs/x",
    "device": "/cpu:0",
    "op_threads": 2,
    "eval_interval": 23,
    "eval_episodes": 29,
    "checkpoint_interval": 19,
    "visualize_convs": True,
    "log_video": True,
    "keep_checkpoints": 1,
}


def argv_of(values):
    """Return the command line that sets these values, with long flags."""
    names = {"game": "-g", "random_seed": "--seed", "entropy_regularisation_strength": "--entropy"}
    argv = []
    for name, value in values.items():
        flag = names.get(name, f"--{name}")
        if isinstance(value, bool):
            argv.append(flag if value else flag.replace("--", "--no-"))
        else:
            argv += [flag, str(value)]
    return argv


def write_args(folder, values):
    file = folder / "args.json"
    file.write_text(values if isinstance(values, str) else json.dumps(values))
    return file


def test_changed_has_all_options_and_no_default_value():
    defaults = {field.name: field.default for field in dataclasses.fields(Options)}
    assert CHANGED.keys() == defaults.keys()
    assert not [name for name, value in CHANGED.items() if value == defaults[name]]


def test_args_json_preserves_all_options_of_the_command_line(tmp_path):
    options = parse_options(argv_of(CHANGED))
    assert dataclasses.asdict(options) == CHANGED
    file = tmp_path / "args.json"
    save_options(options, file)
    assert load_options(file) == options
    assert json.loads(file.read_text()) == CHANGED  # flat, with the names of the original
    assert list(tmp_path.iterdir()) == [file]  # no temporary file is left


def test_args_json_preserves_the_defaults(tmp_path):
    save_options(resolve({"random_seed": 5}), tmp_path / "args.json")
    assert load_options(tmp_path / "args.json") == resolve({"random_seed": 5}) == parse_options(["--seed", "5"])


def test_missing_keys_take_their_defaults(tmp_path):
    assert load_options(write_args(tmp_path, {"random_seed": 5})) == resolve({"random_seed": 5})
    assert load_options(write_args(tmp_path, {"arch": "PWYX"})).arch == "PWYX"


@pytest.mark.parametrize(
    ("game", "skip"), [("pong", 4), ("tetris", 1), ("FrozenLake-v1", 2), ("CartPole-v0", 2), ("MinAtar/Breakout-v1", 2)]
)
def test_an_earlier_run_without_a_frame_skip_keeps_that_of_its_time(game, skip, tmp_path):
    assert load_options(write_args(tmp_path, {"game": game})).frame_skip == skip


@pytest.mark.parametrize("written", [{"b": [1, 2.5], "a": None}, '{"b":[1,2.5],"a":null}'])
def test_arguments_of_an_environment_may_be_an_object_or_its_text(written, tmp_path):
    options = load_options(write_args(tmp_path, {"env_kwargs": written}))
    assert options.env_kwargs == '{"a": null, "b": [1, 2.5]}'
    typed = written if isinstance(written, str) else json.dumps(written)
    assert parse_options(["--env_kwargs", typed]).env_kwargs == options.env_kwargs


def test_an_integer_is_accepted_for_a_float_option(tmp_path):
    clip_norm = load_options(write_args(tmp_path, {"clip_norm": 3})).clip_norm
    assert clip_norm == 3.0
    assert type(clip_norm) is float


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ('{"gama": 0.9}', ["gama", "gamma"]),  # suggests a similar name
        ('{"qqq": 1}', ["qqq"]),
        ('{"env_kwargs": [1]}', ["env_kwargs", "a JSON object"]),
        ('{"env_kwargs": "{size: 8}"}', ["env_kwargs", "a JSON object"]),
        ('{"env_kwargs": {"size": NaN}}', ["env_kwargs", "a JSON object"]),
        ('{"gamma": "0.9"}', ["gamma", "a number"]),
        ('{"gamma": null}', ["gamma", "null"]),
        ('{"gamma": NaN}', ["--gamma", "finite"]),
        ('{"e": Infinity}', ["--e", "finite"]),
        ('{"clip_norm": 1e39}', ["--clip_norm", "1e+30"]),  # infinite as float32
        ('{"e": 1e-50}', ["--e", "1e-30"]),  # 0 as float32
        ('{"max_local_steps": 5.5}', ["max_local_steps", "a whole number"]),
        ('{"max_local_steps": true}', ["max_local_steps", "a whole number"]),
        ('{"rgb": 1}', ["rgb", "true or false"]),
        ('{"rgb": "false"}', ["rgb", "true or false"]),
        ('{"game": 7}', ["game", "a string"]),
        ('{"game": ["pong"]}', ["game", "a string"]),
        ('{"gamma": 1.5}', ["--gamma", "from 0 to 1"]),
        ('{"emulator_counts": 4, "shards": 5}', ["--shards"]),
        ('{"gamma": 0.9', ["cannot be read"]),
        ("", ["cannot be read"]),
        ("[1, 2]", ["no JSON object"]),
        ("null", ["no JSON object"]),
    ],
)
def test_a_wrong_args_json_is_named_in_one_line(content, parts, tmp_path):
    file = write_args(tmp_path, content)
    with pytest.raises(UserError) as error:
        load_options(file)
    for part in (str(file), *parts):
        assert part in message_of(error)


def test_an_args_json_that_is_not_utf8_is_named(tmp_path):
    file = tmp_path / "args.json"
    file.write_bytes(b'{"game": "\xff"}')
    with pytest.raises(UserError) as error:
        load_options(file)
    assert str(file) in message_of(error)


def test_a_number_too_large_for_a_float_is_named(tmp_path):
    file = write_args(tmp_path, '{"gamma": 1' + "0" * 400 + "}")
    with pytest.raises(UserError) as error:
        load_options(file)
    assert str(file) in message_of(error)


def test_a_file_may_have_the_names_of_the_command_line_and_its_numbers(tmp_path):
    written = {"g": "atari:pong", "lr": 0.5, "entropy": 1, "seed": 3, "max_global_steps": 1e6, "ec": "1e2"}
    options = load_options(write_args(tmp_path, written | {"checkpoint_interval": "500k", "lra": "10M"}))
    assert (options.game, options.initial_lr, options.entropy_regularisation_strength) == ("pong", 0.5, 1.0)
    assert (options.random_seed, options.max_global_steps, options.emulator_counts) == (3, 10**6, 100)
    assert (options.checkpoint_interval, options.lr_annealing_steps) == (500_000, 10**7)
    assert type(options.max_global_steps) is int


def test_two_names_of_one_option_in_a_file_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"args.json: lr and initial_lr set the same option; leave one of them out$"):
        load_options(write_args(tmp_path, {"lr": 0.1, "initial_lr": 0.1}))


def test_max_repetition_alone_in_a_file_means_all_repeats_up_to_it(tmp_path):
    assert load_options(write_args(tmp_path, {"max_repetition": 3})).repetition_table == [0, 1, 2, 3]
    assert load_options(write_args(tmp_path, {"max_repetition": 3, "nb_choices": 1})).repetition_table == [3]
    assert load_options(write_args(tmp_path, {})).repetition_table == [0]


def test_a_missing_args_json_is_named(tmp_path):
    with pytest.raises(UserError, match="args.json"):
        load_options(tmp_path / "args.json")


def test_the_home_folder_is_inserted_in_the_paths_of_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/lea")
    (tmp_path / "args.json").write_text(json.dumps({"rom_path": "~/roms", "debugging_folder": "~\0"}))
    with pytest.raises(UserError, match="must be a path"):
        load_options(tmp_path / "args.json")
    (tmp_path / "args.json").write_text(json.dumps({"rom_path": "~/roms"}))
    assert load_options(tmp_path / "args.json").rom_path == "/home/lea/roms"
