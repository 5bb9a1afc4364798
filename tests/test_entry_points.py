"""train.py, test.py, gif.py and the scripts as files: where they find modules, and in what order they write."""

import contextlib
import io
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

import gif as gif_script
import test as test_script
from paac.evaluation import EpisodeResult
from paac.training.agent import AgentEvaluation
from tests.helpers import ROOT

FAST = ["train.py", "test.py", "gif.py", "script/testAll.py"]
SCRIPTS = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "script").glob("*.py"))


@pytest.mark.parametrize(
    "script", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SCRIPTS if name not in FAST)]
)
def test_an_entry_point_finds_its_modules_with_pythonsafepath(script, tmp_path):
    command = [sys.executable, "-P", str(ROOT / script), "--help"]  # -P does what PYTHONSAFEPATH=1 does
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert shown.returncode == 0 and shown.stdout.startswith("usage: "), shown.stderr


class ClosedPipe(io.StringIO):
    """A stdout whose reader, such as `head`, has ended."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_the_json_file_is_written_although_nobody_reads_the_output(tmp_path, monkeypatch):
    results = [EpisodeResult(score, 90, False, 0.0, 0.0) for score in (1.0, 2.0)]
    evaluation = AgentEvaluation("pong", tmp_path, 9, 1, 0, False, results, {})
    monkeypatch.setattr("paac.training.agent.evaluate_agent", lambda _: evaluation)
    with pytest.raises(BrokenPipeError), contextlib.redirect_stdout(ClosedPipe()):
        test_script.main(["-tc", "2", "--json", str(tmp_path / "report.json")])
    assert json.loads((tmp_path / "report.json").read_text())["scores"] == [1.0, 2.0]


@pytest.mark.parametrize("main", [test_script.main, gif_script.main])
def test_all_films_are_written_although_nobody_reads_the_output(main, tmp_path, monkeypatch):
    results = [EpisodeResult(score, 90, False, 0.0, 0.0) for score in (1.0, 2.0)]
    written = []
    films = {
        tmp_path / name: SimpleNamespace(
            save=lambda file, _: written.append(file.name),
            seconds=1.0,
            fitting_scale=2,
            is_shortened=False,
            scores=[1.0],
        )
        for name in ("a_1.gif", "a_2.gif")
    }
    evaluation = AgentEvaluation("pong", tmp_path, 9, 1, 0, False, results, films)
    monkeypatch.setattr("paac.training.agent.evaluate_agent", lambda _: evaluation)
    with contextlib.suppress(BrokenPipeError), contextlib.redirect_stdout(ClosedPipe()):
        main(["-tc", "2", "-gn", "a"])
    assert written == ["a_1.gif", "a_2.gif"]


def test_one_test_is_reported_as_one(tmp_path, monkeypatch, capsys):
    results = [EpisodeResult(1.0, 90, False, 0.0, 0.0)]
    evaluation = AgentEvaluation("pong", tmp_path, 9, 1, 0, False, results, {})
    monkeypatch.setattr("paac.training.agent.evaluate_agent", lambda _: evaluation)
    test_script.main([])
    assert capsys.readouterr().out.splitlines()[0] == "Performed 1 test for pong."
