"""Tests of benchmark.py --tune."""

import pytest

from benchmarking import tuning
from benchmarking.options import read_options
from benchmarking.process_comparison import trainings
from tests.helpers.commands import TINY


def test_candidates_depend_on_the_cores_and_include_what_was_typed():
    options, _ = read_options(["-ec", "8", "-ew", "3", "--shards", "3"], "")
    assert tuning.candidates(options, cores=4) == {
        "emulator_workers": [1, 2, 3, 4, 8],
        "shards": [1, 2, 3, 4],
        "op_threads": [1, 2, 4],
    }
    few, _ = read_options(["-ec", "1"], "")
    assert tuning.candidates(read_options(["-ec", "128"], "")[0], cores=64)["emulator_workers"][-1] == 32
    assert tuning.candidates(few, cores=1) == {"emulator_workers": [1], "shards": [1], "op_threads": [1]}


def test_a_small_gain_may_be_noise_and_changes_nothing():
    rounds = {"1": [[100.0, 100.0]], "2": [[102.0, 102.0]]}
    assert tuning.fastest(rounds, "1") == "1"
    assert tuning.fastest(rounds | {"4": [[110.0, 110.0]]}, "1") == "4"


def test_each_option_is_tuned_with_the_best_values_of_those_before_it(monkeypatch):
    measured = []

    def measure(settings, options):
        measured.append([(chosen.workers, chosen.shards, chosen.op_threads) for chosen in settings.values()])
        return {label: [[float(label), float(label)]] for label in settings}  # more is always faster

    monkeypatch.setattr(tuning, "_measure", measure)
    monkeypatch.setattr(tuning, "usable_cores", lambda: 2)
    options, _ = read_options(["-g", "breakout", "-ew", "2", "--archs", "NATURE"], "")
    lines: list[str] = []
    typed = {"game": "breakout", "emulator_workers": 2, "archs": "NATURE", "rgb": True, "emulator_counts": 64}
    tuning.tune(options, typed, lines.append)
    assert measured == [
        [(1, 2, 1), (2, 2, 1), (4, 2, 1)],
        [(4, 1, 1), (4, 2, 1), (4, 4, 1)],
        [(4, 4, 1), (4, 4, 2)],
    ]
    command = "python3 train.py -g breakout --rgb --emulator_counts 64 --emulator_workers 4 --shards 4"
    command += " --arch NATURE --op_threads 2"
    assert lines[-1].endswith(command) and "| 4 | 4 |" in lines


@pytest.mark.slow
def test_trainings_run_in_processes_of_their_own():
    options, _ = read_options(["-g", "Catcher-v0", *TINY], "")
    with trainings({"tiny": options}) as workloads:
        assert workloads["tiny"](3)[0] == 3 * 20  # decisions
