"""testAll.py keeps the results that it has."""

import contextlib
import csv
import io
import json

import pytest
import testAll

from agents.commands import CommandError
from tests.script.test_batch import write


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Three runs in the folder logs."""
    write(tmp_path, {f"logs/{name}/args.json": {} for name in "abc"})
    monkeypatch.chdir(tmp_path)
    return tmp_path / "logs"


def report(run, *_):
    score = {column: 1.0 for column in testAll.COLUMNS}
    return score | {"run": str(run), "game": "pong", "step": 5}


def runs_in_tables(runs):
    """Return the runs in both tables."""
    with (runs / "tests.csv").open(encoding="utf-8", errors="surrogateescape") as file:
        rows = [row["run"] for row in csv.DictReader(file)]
    assert [row["run"] for row in json.loads((runs / "tests.json").read_text())] == rows
    return rows


def test_ctrl_c_keeps_the_results_of_the_agents_that_were_tested(runs, monkeypatch, capsys):
    def interrupted(run, *arguments):
        if run.name == "c":
            raise KeyboardInterrupt
        return report(run)

    monkeypatch.setattr(testAll, "test_agent", interrupted)
    with pytest.raises(KeyboardInterrupt):
        testAll.main(["-f", "logs"])
    assert runs_in_tables(runs) == ["logs/a", "logs/b"]
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "Wrote logs/tests.csv and logs/tests.json, with 2 of 3 agents"
    assert sum(line.startswith("logs/") for line in shown) == 2, "a row of the table for each agent"


def test_a_run_that_cannot_be_tested_does_not_stop_the_others(runs, monkeypatch, capsys):
    def failing(run, *arguments):
        if run.name == "a":
            raise CommandError("test.py: no intact checkpoint there")
        return report(run)

    monkeypatch.setattr(testAll, "test_agent", failing)
    with pytest.raises(SystemExit) as ended:
        testAll.main(["-f", "logs"])
    assert ended.value.code == 1 and runs_in_tables(runs) == ["logs/b", "logs/c"]
    assert "1 of 3 agents could not be tested" in capsys.readouterr().err
    write(runs, {"b/RESULT.json": {}})
    with pytest.raises(SystemExit):
        testAll.main(["-f", "logs"])
    assert capsys.readouterr().out.endswith("\nThe table has 2 of 3 agents\n"), "it is only printed"


def test_ctrl_c_before_the_first_result_says_that_nothing_was_written(runs, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(testAll, "test_agent", interrupted)
    with pytest.raises(KeyboardInterrupt):
        testAll.main(["-f", "logs"])
    assert capsys.readouterr().out.splitlines() == ["No agent was tested, and nothing was written."]
    assert not list(runs.glob("tests.*"))


def test_the_tables_of_an_earlier_call_are_kept(runs, monkeypatch, capsys):
    monkeypatch.setattr(testAll, "test_agent", report)
    for number in (1, 2, 3):
        testAll.main(["-f", "logs"])
        if number == 1:
            write(runs, {"tests.csv": "first", "tests-2.json": "of something else"})
    assert runs_in_tables(runs) == ["logs/a", "logs/b", "logs/c"]
    assert (runs / "tests-3.csv").read_text() == "first" and (runs / "tests-2.json").read_text() == "of something else"
    assert len(json.loads((runs / "tests-4.json").read_text())) == 3
    assert "Tables of an earlier call are kept: logs/tests-4.csv, logs/tests-4.json\n" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["logs", "logs/b"])
def test_tables_are_not_written_among_published_agents_unasked(runs, monkeypatch, capsys, folder):
    write(runs, {"b/RESULT.json": {}, "other/RESULT.json": {}})
    monkeypatch.setattr(testAll, "test_agent", report)
    before = sorted(runs.rglob("*"))
    testAll.main(["-f", folder])
    shown = capsys.readouterr().out
    assert shown.startswith(f"{folder} holds published agents: the table is only printed; --to FOLDER also writes it\n")
    assert "Wrote" not in shown and "\nlogs/b" in shown and sorted(runs.rglob("*")) == before
    testAll.main(["-f", folder, "--to", folder])
    assert (runs.parent / folder / "tests.csv").exists()


def test_tables_are_written_beside_the_results_of_another_program(runs, monkeypatch):
    write(runs, {"other/RESULT.json": {}})
    monkeypatch.setattr(testAll, "test_agent", report)
    testAll.main(["-f", "logs"])
    assert (runs / "tests.csv").exists()


def test_the_run_in_the_folder_itself_is_tested_too(runs, monkeypatch):
    write(runs, {"args.json": {}, "a/checkpoints_saved/5/args.json": {}})
    monkeypatch.setattr(testAll, "test_agent", report)
    testAll.main(["-f", "logs"])
    assert runs_in_tables(runs) == ["logs", "logs/a", "logs/b", "logs/c"]


def test_a_folder_whose_name_is_not_utf8_is_in_the_table(runs, monkeypatch):
    (runs / "b").rename(runs / "b\udcff")
    monkeypatch.setattr(testAll, "test_agent", report)
    with contextlib.redirect_stdout(io.StringIO()):
        testAll.main(["-f", "logs"])
    assert runs_in_tables(runs) == ["logs/a", "logs/b\udcff", "logs/c"]
