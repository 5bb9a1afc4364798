"""Other libraries are measured in processes of their own, and one that fails costs only its own row."""

import importlib.util
import sys

import pytest

from benchmarking import options as benchmark_options
from benchmarking.peers import Peer, gym_name
from benchmarking.timing import WorkloadError, measure_in_rounds
from paac.cli.errors import UserError


def test_ales_vector_environment_plays_in_its_process():
    with Peer("ALE vector", "pong", 4, 1, 5, sys.executable) as peer:
        assert peer(3) == (12, 12) and peer(2) == (8, 8)
        process = peer._process
    assert process.returncode is not None


@pytest.mark.skipif(importlib.util.find_spec("envpool") is not None, reason="EnvPool is installed here")
def test_the_reason_of_a_failure_is_one_line():
    with Peer("EnvPool", "pong", 4, 1, 5, sys.executable) as peer, pytest.raises(WorkloadError) as failure:
        peer(3)
    assert str(failure.value) == "EnvPool failed and is left out: ModuleNotFoundError: No module named 'envpool'"


def test_a_workload_that_fails_is_left_out_and_the_others_are_measured(capsys):
    calls = []

    def fails_in_the_second_round(steps):
        calls.append(steps)
        if len(calls) > 3:  # two calls find out how many steps to make, and one is the first round
            raise WorkloadError("the other one failed and is left out: SIGSEGV")
        return steps, steps

    rounds = measure_in_rounds({"works": lambda steps: (steps, 2 * steps), "fails": fails_in_the_second_round}, 3, 1e-6)
    assert list(rounds) == ["works"] and len(rounds["works"]) == 3
    assert capsys.readouterr().out == "the other one failed and is left out: SIGSEGV\n"


@pytest.mark.parametrize(("python", "reason"), [("nowhere/python", "cannot be run"), (sys.executable, "not found by")])
def test_missing_libraries_give_one_line(python, reason, monkeypatch):
    monkeypatch.setattr(benchmark_options, "PEER_MODULES", ("no_such_module",))
    with pytest.raises(UserError, match=reason) as error:
        benchmark_options.check_peers(python)
    assert "\n" not in str(error.value)


def test_names_of_roms():
    assert [gym_name(rom) for rom in ("pong", "ms_pacman")] == ["Pong", "MsPacman"]
