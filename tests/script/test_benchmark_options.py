"""The options of benchmark.py."""

import pytest

from benchmarking.options import UNUSED_OPTIONS, BenchmarkOptions, read_options
from paac.cli.command_line import option_fields
from paac.cli.errors import UserError


def test_the_help_lists_no_option_that_changes_nothing_there(capsys):
    assert {field.name for field, _ in option_fields(BenchmarkOptions)} > UNUSED_OPTIONS
    with pytest.raises(SystemExit):
        read_options(["--help"], "")
    shown = capsys.readouterr().out
    assert all(flag in shown for flag in ("--rounds", "--game", "--max_repetition", "--precision", "--emulator_counts"))
    assert not [name for name in UNUSED_OPTIONS if f"--{name}" in shown.replace(",", " ").split()]
    with pytest.raises(UserError, match="there is no option --gamma;"):
        read_options(["--gamma", "0.9"], "")


def test_a_network_in_other_letters_is_answered_with_its_name():
    with pytest.raises(UserError, match=r"'nature' is not one of .*; did you mean NATURE\?$"):
        read_options(["--archs", "nature"], "")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("--tune --folder out", "--folder out: has no effect with --tune; leave it out"),
        ("--tune --archs LSTM", "--archs LSTM: has no effect with --tune; leave it out"),
        ("--arch NATURE --archs NIPS", "--archs NIPS: has no effect with --arch; leave one of them out"),
    ],
)
def test_options_without_an_effect_are_refused(typed, message):
    with pytest.raises(UserError, match=f"^{message}$"):
        read_options(typed.split(), "")


def test_the_options_that_are_left_out_have_their_defaults():
    options, archs = read_options(["--archs", "LSTM,PWYX", "--max_repetition", "10"], "")
    assert (archs, options.nb_choices, options.gamma) == (["LSTM", "PWYX"], 11, 0.99)
