"""What a user reads who typed an option, a value or a number in another way than the program does."""

import pytest
from plot import PlotOptions

from paac.cli.command_line import option_fields, parse, spellings, typed_options
from paac.cli.errors import UserError
from paac.cli.film_options import FilmOptions
from paac.cli.options import Options
from paac.cli.words import counted, did_you_mean
from tests.helpers.messages import message_of
from tests.helpers.options import parse_options


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("--lr 0.1", "there is no option --lr; did you mean -lr?"),
        ("--gam 0.9", "there is no option --gam; did you mean --game or --gamma?"),
        ("--gama=0.9", "there is no option --gama; did you mean --gamma?"),
        ("--max-global-steps 9", "there is no option --max-global-steps; did you mean --max_global_steps?"),
        ("--workers 2", "there is no option --workers; did you mean --emulator_workers?"),
        ("-entropy 0.1", "there is no option -entropy; did you mean --entropy?"),
        ("-game pong", "there is no option -game; did you mean --game?"),  # argparse would take it for -g ame
        ("--no_random_start", "there is no option --no_random_start; did you mean --no-random_start?"),
        ("--no-rs", "there is no option --no-rs; did you mean --no-random_start?"),
        ("--qqq", "there is no option --qqq;"),
        ("-g pong breakout", "breakout: no option takes this value; type the option before it;"),
    ],
)
def test_an_unknown_option_is_answered_with_the_one_that_was_meant(typed, message):
    with pytest.raises(UserError) as error:
        parse_options(typed.split())
    assert message_of(error) == f"{message} --help lists the options"


@pytest.mark.parametrize("typed", ["a b --x frames", "a --x frames b", "--x frames a b"])
def test_an_option_may_stand_between_the_folders_of_a_script(typed):
    options = parse(PlotOptions, typed.split(), "")
    assert (options.runs, options.x) == (["a", "b"], "frames")
    assert parse(PlotOptions, ["--x", "frames", "--", "-a", "--x"], "").runs == ["-a", "--x"]


@pytest.mark.parametrize(
    "typed", ["-rs 0", "-rs=0", "--random_start False", "--random_start=no", "--no-random_start=1"]
)
def test_a_switch_with_a_value_is_answered_with_its_two_forms(typed):
    with pytest.raises(UserError) as error:
        parse_options(typed.split())
    name = typed.replace("=", " ").split()[0]
    forms = "type --random_start for on and --no-random_start for off"
    assert message_of(error) == f"{name}: this option takes no value; {forms}"


def test_a_switch_without_an_off_form_takes_no_value_either():
    with pytest.raises(UserError, match="^--help: this option takes no value; leave the value out$"):
        typed_options(Options, ["--help=atari"], "")


@pytest.mark.parametrize(
    ("typed", "meant"), [("--arch nature", "NATURE"), ("--arch LTSM", "LSTM"), ("--clip_norm_type Global", "global")]
)
def test_a_value_that_is_not_in_the_list_is_answered_with_a_similar_one(typed, meant):
    with pytest.raises(UserError, match=rf"must be one of .*; did you mean {meant}\?$"):
        parse_options(typed.split())


@pytest.mark.parametrize(
    ("typed", "value"), [("10M", 10**7), ("500k", 500_000), ("1.1m", 1_100_000), ("1.50K", 1500), ("2G", 2 * 10**9)]
)
def test_integers_may_be_typed_as_the_progress_bar_shows_them(typed, value):
    assert parse_options(["--max_global_steps", typed]).max_global_steps == value


@pytest.mark.parametrize("typed", ["M", "k", "1.23456k", "1e3k", "10 MB", "nanM"])
def test_other_words_are_no_numbers(typed):
    with pytest.raises(UserError, match="--max_global_steps: must be a whole number"):
        parse_options(["--max_global_steps", typed])


def test_no_two_options_have_the_same_name_in_a_file():
    fields = [field for field, _ in option_fields(Options)]
    names = [name for field in fields for name in {spelling.lstrip("-") for spelling in spellings(field)}]
    assert len(names) == len(set(names)) > len(fields)


def test_similar_names_are_found_by_letters_then_by_their_beginning_then_by_their_spelling():
    known = ["--alpha", "--alpha_leaky_relu", "-a"]
    assert did_you_mean("ALPHA", known) == "; did you mean --alpha?"
    assert did_you_mean("alp", known) == "; did you mean --alpha or --alpha_leaky_relu?"
    assert did_you_mean("aplha", known) == "; did you mean --alpha?"
    assert did_you_mean("leaky", known) == "; did you mean --alpha_leaky_relu?"
    assert did_you_mean("--", known) == did_you_mean("xyz", known) == ""


def test_a_number_has_the_right_form_of_its_noun():
    assert [counted(number, "run") for number in (0, 1, 2000)] == ["0 runs", "1 run", "2,000 runs"]
    assert [counted(number, "process") for number in (1, 2)] == ["1 process", "2 processes"]


def test_an_option_of_test_py_is_suggested_too():
    with pytest.raises(UserError, match=r"^there is no option --gif-name; did you mean --gif_name\?"):
        parse(FilmOptions, ["--gif-name", "a"], "")
