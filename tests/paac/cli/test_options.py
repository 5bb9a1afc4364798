"""Parsing of the command line: the flags of the original Manette, bad values, and --help."""

import json
import subprocess
import sys

import pytest

from networks.registry import TORSOS, TORSOS_WITHOUT_DROPOUT
from paac.cli.args_json import load_options
from paac.cli.command_line import parse, typed_options
from paac.cli.errors import UserError
from paac.cli.film_options import FilmOptions
from paac.cli.film_options import TestOptions as OptionsOfTest  # pytest collects classes named Test...
from paac.cli.options import Options
from tests.helpers import ROOT
from tests.helpers.messages import message_of
from tests.helpers.options import parse_options

DRAWN = object()  # stands for the default of the seed, which is random

# Flags of the original Manette, name in args.json, default, another value as typed and as parsed.
ORIGINAL = [
    (["-g", "--game"], "game", "pong", "breakout", "breakout"),
    (["-d", "--device"], "device", "/gpu:0", "/cpu:0", "/cpu:0"),
    (["--rom_path"], "rom_path", "./atari_roms", "/roms", "/roms"),
    (["-v", "--visualize"], "visualize", 0, "2", 2),
    (["--e"], "e", 0.1, "0.01", 0.01),
    (["--alpha"], "alpha", 0.99, "0.9", 0.9),
    (["-lr", "--initial_lr"], "initial_lr", 0.0224, "0.01", 0.01),
    (["-lra", "--lr_annealing_steps"], "lr_annealing_steps", 80_000_000, "500", 500),
    (["--entropy"], "entropy_regularisation_strength", 0.02, "0.05", 0.05),
    (["--clip_norm"], "clip_norm", 3.0, "40", 40.0),
    (["--clip_norm_type"], "clip_norm_type", "global", "local", "local"),
    (["--gamma"], "gamma", 0.99, "0.9", 0.9),
    (["--max_global_steps"], "max_global_steps", 80_000_000, "1000", 1000),
    (["--max_local_steps"], "max_local_steps", 5, "20", 20),
    (["--arch"], "arch", "NIPS", "PWYX", "PWYX"),
    (["-ec", "--emulator_counts"], "emulator_counts", 32, "64", 64),
    (["-ew", "--emulator_workers"], "emulator_workers", None, "4", 4),
    (["-df", "--debugging_folder"], "debugging_folder", "logs/", "runs/a", "runs/a"),
    (["--seed"], "random_seed", DRAWN, "3", 3),
    (["--epsilon"], "epsilon", 0.05, "0.2", 0.2),
    (["--annealed_steps"], "annealed_steps", 80_000_000, "7", 7),
    (["--softmax_temp"], "softmax_temp", 1.0, "0.5", 0.5),
    (["--keep_percentage"], "keep_percentage", 0.9, "0.5", 0.5),
    (["--max_repetition"], "max_repetition", 0, "0", 0),
    (["--nb_choices"], "nb_choices", 1, "1", 1),
    (["--checkpoint_interval"], "checkpoint_interval", 1_000_000, "10", 10),
    (["--activation"], "activation", "relu", "leaky_relu", "leaky_relu"),
    (["--alpha_leaky_relu"], "alpha_leaky_relu", 0.1, "0.3", 0.3),
]
ORIGINAL_SWITCHES = [  # flags without a value, name in args.json, default
    (["-rs", "--random_start"], "random_start", True),
    (["--single_life_episodes"], "single_life_episodes", False),
    (["--egreedy"], "egreedy", False),
    (["--annealed"], "annealed", False),
    (["--rgb"], "rgb", False),
]


@pytest.mark.parametrize(("flags", "name", "default", "typed", "value"), ORIGINAL, ids=[row[1] for row in ORIGINAL])
def test_each_flag_of_the_original_sets_its_option(flags, name, default, typed, value):
    assert default is DRAWN or getattr(parse_options([]), name) == default
    for flag in flags:
        parsed = getattr(parse_options([flag, typed]), name)
        assert parsed == value
        assert type(parsed) is type(value)


@pytest.mark.parametrize(("flags", "name", "default"), ORIGINAL_SWITCHES, ids=[row[1] for row in ORIGINAL_SWITCHES])
def test_each_switch_of_the_original_can_be_turned_on_and_off(flags, name, default):
    assert getattr(parse_options([]), name) is default
    for flag in flags:
        assert getattr(parse_options([flag]), name) is True
    assert getattr(parse_options([flags[-1].replace("--", "--no-")]), name) is False


def test_args_json_of_the_original_loads(tmp_path):
    original = {
        **{"game": "pong", "device": "/gpu:0", "rom_path": "./atari_roms", "visualize": 0, "e": 0.1, "alpha": 0.99},
        **{"initial_lr": 0.0224, "lr_annealing_steps": 80000000, "entropy_regularisation_strength": 0.05},
        **{"clip_norm": 3.0, "clip_norm_type": "global", "gamma": 0.99, "max_global_steps": 80000000},
        **{"max_local_steps": 5, "arch": "PWYX", "single_life_episodes": False, "emulator_counts": 32},
        **{"emulator_workers": 8, "debugging_folder": "logs/pong", "random_start": True, "random_seed": 3},
        **{"egreedy": False, "epsilon": 0.05, "softmax_temp": 1.0, "annealed": False, "annealed_steps": 80000000},
        **{"keep_percentage": 0.9, "rgb": False, "max_repetition": 10, "nb_choices": 11},
        **{"checkpoint_interval": 1000000, "activation": "relu", "alpha_leaky_relu": 0.1},
    }
    file = tmp_path / "args.json"
    file.write_text(json.dumps(original))
    options = load_options(file)
    assert {name: getattr(options, name) for name in original} == original
    assert options.repetition_table == list(range(11))
    assert {row[1] for row in ORIGINAL + ORIGINAL_SWITCHES} == original.keys()


def test_max_repetition_and_nb_choices_make_the_repetition_table():
    options = parse_options(["--max_repetition", "10", "--nb_choices", "6"])
    assert options.repetition_table == [0, 2, 4, 6, 8, 10]
    assert parse_options([]).repetition_table == [0]
    assert parse_options(["--max_repetition", "3"]).repetition_table == [0, 1, 2, 3]  # all, if nothing else is typed
    assert parse_options(["--max_repetition", "3", "--nb_choices", "1"]).repetition_table == [3]
    with pytest.raises(UserError, match=r"^--max_repetition 1000: at most 1000 .*; add a smaller --nb_choices$"):
        parse_options(["--max_repetition", "1000"])
    for typed in (["--nb_choices", "2"], ["--max_repetition", "3", "--nb_choices", "9"]):
        with pytest.raises(UserError, match=rf"^--nb_choices {typed[-1]}: .*--max_repetition {int(typed[-1]) - 1}$"):
            parse_options(typed)


def test_the_flags_of_test_py_and_gif_py():
    defaults = OptionsOfTest()
    assert (defaults.folder, defaults.test_count, defaults.gif_folder) == ("logs/", 1, "./gifs")
    assert defaults.gif_name is None and defaults.gif_seconds == 300
    argv = ["-f", "runs/a", "-tc", "5", "-np", "0", "-gn", "a", "-gf", "g", "-d", "/cpu:0", "--json", "r.json"]
    typed = {"folder": "runs/a", "test_count": 5, "noops": 0, "gif_name": "a", "gif_folder": "g", "device": "/cpu:0"}
    assert typed_options(OptionsOfTest, argv, "") == {**typed, "json": "r.json"}
    long = ["--folder", "runs/a", "--test_count", "5", "--noops", "0", "--gif_name", "a", "--gif_folder", "g"]
    assert typed_options(FilmOptions, [*long, "--device", "/cpu:0"], "") == typed


def test_a_line_says_that_the_learning_rate_is_0_before_the_training_ends():
    (early,) = parse_options(["-lra", "1000", "--max_global_steps", "5000"]).notes
    assert early.startswith("--lr_annealing_steps 1,000 is less than --max_global_steps 5,000: after 1,000 decisions ")
    assert parse_options(["-lra", "5000", "--max_global_steps", "5000"]).notes == []
    assert parse_options([]).notes == []


def test_a_line_says_that_the_training_ends_before_its_first_evaluation():
    (never,) = parse_options(["--eval_interval", "6000", "--max_global_steps", "5000"]).notes
    assert never == "--eval_interval 6,000 is more than --max_global_steps 5,000: there is no evaluation"
    assert parse_options(["--eval_interval", "5000", "--max_global_steps", "5000"]).notes == []


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (["--epsilon", "1e-5"], "--epsilon 1e-05 has no effect without --egreedy; --e is the epsilon of RMSProp"),
        (["--egreedy", "--annealed_steps", "5"], "--annealed_steps 5 has no effect without --egreedy and --annealed"),
        (["--annealed"], "--annealed has no effect without --egreedy"),
        (["-lr", "0.1", "--scale_lr"], "--initial_lr 0.1 has no effect with --scale_lr"),
        (["--figar_discount", "play"], "--figar_discount play has no effect without --max_repetition"),
        (["--keep_percentage", "0.5"], "--keep_percentage 0.5 has no effect without --arch BAYESIAN"),
        (["--alpha_leaky_relu", "0.2"], "--alpha_leaky_relu 0.2 has no effect without --activation leaky_relu"),
        (
            ["--clip_norm", "1", "--clip_norm_type", "ignore"],
            "--clip_norm 1.0 has no effect with --clip_norm_type ignore",
        ),
        (["--eval_episodes", "20"], "--eval_episodes 20 has no effect without --eval_interval"),
    ],
)
def test_a_line_names_an_option_without_effect(arguments, note):
    assert parse_options(arguments).notes == [note]


def test_options_with_an_effect_need_no_line():
    explored = ["--egreedy", "--epsilon", "0.5", "--annealed", "--annealed_steps", "5", "--arch", "BAYESIAN"]
    others = ["--keep_percentage", "0.5", "--max_repetition", "2", "--figar_discount", "play", "--clip_norm", "1"]
    assert parse_options([*explored, *others]).notes == []
    assert set(TORSOS) - set(TORSOS_WITHOUT_DROPOUT) == {"BAYESIAN"} and set(TORSOS_WITHOUT_DROPOUT) < set(TORSOS)


def test_the_home_folder_is_inserted_in_paths(monkeypatch):
    monkeypatch.setenv("HOME", "/home/lea")
    typed = typed_options(Options, ["--rom_path=~/roms", "-df", "~", "-g", "~/pong"], "")
    assert typed == {"rom_path": "/home/lea/roms", "debugging_folder": "/home/lea", "game": "~/pong"}
    assert typed_options(OptionsOfTest, ["--json=~/a.json"], "") == {"json": "/home/lea/a.json"}
    assert typed_options(Options, ["--rom_path=a~/b", "-df=~\0"], "") == {"rom_path": "a~/b", "debugging_folder": "~\0"}


def test_a_run_needs_a_folder_with_a_name_in_utf8():
    with pytest.raises(UserError) as error:
        parse_options(["-df", "a/\udcff"])
    assert message_of(error) == "--debugging_folder a/\udcff: must be a path in valid UTF-8, not empty"
    assert parse_options(["-df", "a/é", "--rom_path", "b/\udcff"]).debugging_folder == "a/é"


def test_typed_options_contain_only_what_was_typed():
    assert typed_options(Options, [], "") == {}
    # A typed default value is included too, because a resume must know it.
    typed = typed_options(Options, ["-g", "pong", "--no-rgb", "-lr", "0.0224"], "")
    assert typed == {"game": "pong", "rgb": False, "initial_lr": 0.0224}


@pytest.mark.parametrize(("typed", "value"), [("1e6", 10**6), ("1_000_000", 10**6), ("2.0", 2), ("8e7", 8 * 10**7)])
def test_integers_may_be_typed_in_other_notations(typed, value):
    steps = parse_options(["--max_global_steps", typed]).max_global_steps
    assert steps == value
    assert type(steps) is int


@pytest.mark.parametrize("typed", ["1.5", "1e-3", "many", "nan", "inf", "1e999", ""])
def test_a_value_that_is_not_an_integer_is_refused(typed):
    with pytest.raises(UserError) as error:
        parse_options(["--max_global_steps", typed])
    assert "--max_global_steps" in message_of(error)


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--gama", "0.9"], "--gama"),
        (["--max_global", "5"], "--max_global"),  # no abbreviations: a new option could make them ambiguous
        (["--gamma"], "--gamma"),
        (["--gamma", "high"], "--gamma"),
        (["pong"], "pong"),
    ],
)
def test_the_error_names_the_argument_and_mentions_help(argv, named):
    with pytest.raises(UserError) as error:
        parse_options(argv)
    assert named in message_of(error)
    assert "--help" in message_of(error)


@pytest.mark.parametrize(
    ("flag", "values"),
    [
        ("--protocol", ["sticky"]),
        ("--sticky_actions", ["-0.1", "1.1"]),
        ("--max_episode_frames", ["0"]),
        ("--emulator_counts", ["0", "-1"]),
        ("--emulator_workers", ["0", "33"]),
        ("--shards", ["0", "33"]),
        ("--visualize", ["-1", "3"]),
        ("--arch", ["nips", "RESNET"]),
        ("--activation", ["tanh"]),
        ("--alpha_leaky_relu", ["-0.1"]),
        ("--keep_percentage", ["0", "1.1"]),
        ("--max_repetition", ["-1"]),
        ("--nb_choices", ["0", "2"]),
        ("--figar_discount", ["frame"]),
        ("--initial_lr", ["-0.1", "nan", "inf"]),
        ("--lr_annealing_steps", ["0"]),
        ("--entropy", ["-0.1"]),
        ("--gamma", ["-0.1", "1.1", "nan"]),
        ("--max_local_steps", ["0"]),
        ("--max_global_steps", ["0"]),
        ("--alpha", ["-0.1", "1.1"]),
        ("--e", ["0", "-0.1"]),
        ("--clip_norm", ["0", "inf"]),
        ("--clip_norm_type", ["none"]),
        ("--seed", ["-1", str(2**31)]),
        ("--softmax_temp", ["0", "-1"]),
        ("--epsilon", ["-0.1", "1.1"]),
        ("--annealed_steps", ["0"]),
        ("--device", ["gpu", "/tpu:0", "/gpu", "/gpu:x", "/gpu:0 "]),
        ("--op_threads", ["0"]),
        ("--checkpoint_interval", ["0"]),
        ("--keep_checkpoints", ["0"]),
    ],
)
def test_a_value_out_of_its_limits_is_refused_with_its_flag(flag, values):
    for value in values:
        with pytest.raises(UserError) as error:
            parse_options([flag, value])
        assert flag in message_of(error), value


@pytest.mark.parametrize(
    "argv",
    [
        ["--sticky_actions", "0"],
        ["--sticky_actions", "1"],
        ["--keep_percentage", "1"],
        ["--gamma", "0"],
        ["--gamma", "1"],
        ["--epsilon", "0"],
        ["--epsilon", "1"],
        ["--seed", "0"],
        ["--seed", str(2**31 - 1)],
        ["-lr", "0"],
        ["--entropy", "0"],
        ["-ec", "1", "-ew", "1", "--shards", "1"],
        ["-ec", "3", "-ew", "3", "--shards", "3"],
        ["--device", "/GPU:12"],
        ["--max_repetition", "10", "--nb_choices", "11"],
    ],
    ids=" ".join,
)
def test_values_at_their_limits_are_accepted(argv):
    parse_options(argv)


@pytest.mark.parametrize(("max_repetition", "nb_choices"), [("0", "2"), ("10", "12")])
def test_figar_values_that_contradict_each_other_are_refused(max_repetition, nb_choices):
    with pytest.raises(UserError) as error:
        parse_options(["--max_repetition", max_repetition, "--nb_choices", nb_choices])
    assert "--max_repetition" in message_of(error)
    assert "--nb_choices" in message_of(error)


@pytest.mark.parametrize("flag", ["--emulator_workers", "--shards"])
def test_more_workers_or_shards_than_emulators_are_refused(flag):
    with pytest.raises(UserError) as error:
        parse_options(["-ec", "4", flag, "5"])
    assert flag in message_of(error)
    assert "at most 4, the value of --emulator_counts" in message_of(error)


@pytest.mark.parametrize(("flag", "typed"), [("--test_count", "0"), ("--gif_speed", "0")])
def test_options_of_test_py_have_limits_too(flag, typed):
    with pytest.raises(UserError, match=flag):
        parse(OptionsOfTest, [flag, typed], "")


def test_the_default_number_of_workers_depends_on_cores_and_emulators():
    assert 1 <= parse_options([]).workers <= 8
    assert parse_options(["-ec", "1"]).workers == 1
    assert parse_options(["-ew", "20"]).workers == 20


# Prints the help of an entry point, and fails if that imports TensorFlow.
HELP = """
import contextlib, io, runpy, sys
entry_point, sys.argv = sys.argv[1], sys.argv[1:] + ["--help"]
shown = io.StringIO()
with contextlib.redirect_stdout(shown):
    try:
        runpy.run_path(entry_point, run_name="__main__")
    except SystemExit as end:
        assert not end.code, end.code
assert not {"tensorflow", "keras"} & set(sys.modules), "TensorFlow was imported"
print(shown.getvalue())
"""


@pytest.mark.parametrize(
    ("entry_point", "flags"),
    [
        ("train.py", ["-g", "-df", "--entropy", "--no-random_start", "--nb_choices"]),
        ("test.py", ["-f", "-tc", "-np", "-gn", "-gf", "-d"]),
        ("gif.py", ["-f", "-gn", "-gf"]),
    ],
)
def test_help_lists_the_options_without_importing_tensorflow(entry_point, flags):
    shown = subprocess.run(
        [sys.executable, "-c", HELP, entry_point], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "options:" in shown.stdout and str(ROOT) not in shown.stdout
    for flag in flags:
        assert flag in shown.stdout


def test_the_advice_for_a_lower_learning_rate_fits_scale_lr():
    """With --scale_lr, a lower --initial_lr alone would have no effect."""
    assert parse_options([]).how_to_lower_lr == "a lower --initial_lr"
    assert parse_options(["--scale_lr"]).how_to_lower_lr == "--no-scale_lr and a lower --initial_lr"
