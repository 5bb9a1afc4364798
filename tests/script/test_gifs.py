"""Tests of the agents that genGifs.py chooses, and of the folder of the gifs."""

import os
from pathlib import Path

import genGifs
import pytest

from agents import commands as agent_commands
from agents.commands import CommandError
from paac.training.find_runs import find_run
from tests.helpers.commands import assert_one_line
from tests.script.test_batch import write

STEPS = (800, 1000, 5_000_000, 40_000_000)


@pytest.fixture
def filmed(tmp_path, monkeypatch):
    """Films nothing, but returns the folder of each agent that genGifs.py films, by the path of its gif."""
    runs = ["logs/2026-11-26-one/pong", "logs/2026-11-26-two/pong", "logs/seaquest"]
    write(tmp_path, {f"{run}/args.json": {} for run in runs})
    for step in STEPS:
        (tmp_path / f"logs/seaquest/checkpoints_saved/{step}").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    films = {}

    def film(agent, *arguments):
        typed = dict(zip(arguments[::2], map(str, arguments[1::2]), strict=True))
        films[f"{typed['-gf']}/{typed['-gn']}"] = str(agent)
        return ""

    def run(*arguments: str) -> dict[str, str]:
        films.clear()
        genGifs.main(arguments)
        return dict(films)

    monkeypatch.setattr(genGifs, "film_agent", film)
    return run


def error_of(commands, *arguments: str) -> str:
    error = commands.run("script/genGifs.py", *arguments, code=2).stderr
    assert_one_line(error)
    return error


@pytest.mark.parametrize("arguments", [[], ["-f", "logs", "-gf", "", "-tc", "1", "-cp", "0", "-np", "30"]])
def test_the_newest_checkpoint_of_every_run_is_filmed_into_the_folder_gifs(filmed, arguments):
    assert filmed(*arguments) == {
        "logs/gifs/2026-11-26-one-pong": "logs/2026-11-26-one/pong",
        "logs/gifs/2026-11-26-two-pong": "logs/2026-11-26-two/pong",
        "logs/gifs/seaquest": "logs/seaquest",
    }


def test_gf_films_one_run_by_its_name_or_path(filmed, commands):
    assert filmed("-gf", "seaquest") == {"logs/gifs/seaquest": "logs/seaquest"}
    one = {"logs/gifs/2026-11-26-one-pong": "logs/2026-11-26-one/pong"}
    assert filmed("-gf", "2026-11-26-one/pong/") == one
    assert filmed("-f", "logs/2026-11-26-one", "-gf", "pong", "--to", "films") == {
        "films/pong": "logs/2026-11-26-one/pong"
    }
    assert filmed("-f", "logs/seaquest", "-gf", "seaquest") == {"logs/seaquest/gifs/seaquest": "logs/seaquest"}
    assert "-gf pong: several runs of that name; name one of 2026-11-26-one/pong, " in error_of(commands, "-gf", "pong")
    unknown = error_of(commands, "-gf", "films")
    assert "-gf films: no run of that name in logs; name one of " in unknown and "--to sets" in unknown


@pytest.mark.parametrize(
    ("number", "step"), [("1", 1000), ("3", 40_000_000), ("1000", 1000), ("5000000", 5_000_000), ("4e7", 40_000_000)]
)
def test_cp_takes_the_number_of_a_copy_or_a_step(filmed, number, step):
    copy = {f"logs/gifs/seaquest-{step}": f"logs/seaquest/checkpoints_saved/{step}"}
    assert filmed("-gf", "seaquest", "-cp", number) == copy


def test_cp_alone_takes_all_checkpoints_and_cp_0_the_newest(filmed):
    newest = {"logs/gifs/seaquest": "logs/seaquest"}
    copies = {f"logs/gifs/seaquest-{step}": f"logs/seaquest/checkpoints_saved/{step}" for step in STEPS}
    assert filmed("-cp", "-gf", "seaquest") == newest | copies
    assert filmed("-cp", "0", "-gf", "seaquest") == newest


def test_agents_whose_names_would_be_equal_have_different_gifs(filmed):
    runs = ["2026-11-26-two-pong", "seaquest-800", "seaquest/800"]
    write(Path("logs"), {f"{run}/args.json": {} for run in runs})
    films = filmed("-cp")
    assert films["logs/gifs/2026-11-26-two-pong"] == "logs/2026-11-26-two-pong"
    assert films["logs/gifs/2026-11-26-two-pong-2"] == "logs/2026-11-26-two/pong"
    assert [films[f"logs/gifs/seaquest-800{number}"] for number in ("", "-2", "-3")] == [
        *("logs/seaquest-800", "logs/seaquest/800", "logs/seaquest/checkpoints_saved/800")
    ]
    assert len(set(films.values())) == len(films) == 10
    for run, name in (("2026-11-26-two/pong", "2026-11-26-two-pong-2"), ("seaquest/800", "seaquest-800-2")):
        assert filmed("-gf", run) == {f"logs/gifs/{name}": f"logs/{run}"}, "the same name if it is filmed alone"


def test_long_names_are_shortened_and_stay_different(filmed):
    runs = [f"{'e' * 100}/{'option=1-' * 12}seed={seed}" for seed in (1, 2)]
    write(Path("logs"), {f"{run}/args.json": {} for run in runs})
    films = {folder: Path(name).name for name, folder in filmed().items()}
    names = [films[f"logs/{run}"] for run in runs]
    assert all(len(name) <= 160 and name.endswith(f"seed={seed}") for seed, name in enumerate(names, 1))


def test_the_run_in_the_folder_itself_is_filmed_too(filmed):
    write(Path("logs"), {"args.json": {}})
    films = filmed()
    assert films["logs/gifs/logs"] == "logs" and len(films) == 4


def test_scripts_test_and_film_a_run_itself_and_not_a_newer_one_below_it(tmp_path, monkeypatch):
    write(tmp_path, {"logs/args.json": {}, "logs/new/args.json": {}})
    for run in ("logs", "logs/new"):
        (tmp_path / run / "checkpoints/100").mkdir(parents=True)
    os.utime(tmp_path / "logs/checkpoints/100", (1000, 1000))
    assert find_run(tmp_path / "logs")[0].path == tmp_path / "logs/new"
    played = []

    def play(script, _, folder, *arguments):
        played.append(find_run(folder)[0].path)
        if "--json" in arguments:
            arguments[arguments.index("--json") + 1].write_text("{}")

    monkeypatch.setattr(agent_commands, "run_entry_point", play)
    agent_commands.test_agent(tmp_path / "logs", "-tc", "2")
    agent_commands.film_agent(tmp_path / "logs", "-gn", "film")
    assert played == [tmp_path / "logs", tmp_path / "logs"]


@pytest.mark.parametrize("number", ["4", "999", "1001", "-1"])
def test_a_copy_that_no_run_has_gives_a_one_line_error(filmed, commands, number):
    assert f" {number}: " in error_of(commands, "-f", "logs/seaquest", "-cp", number)


def test_runs_without_the_copy_are_reported_and_the_others_are_filmed(filmed, capsys):
    with pytest.raises(SystemExit) as ended:
        filmed("-cp", "2")
    shown = capsys.readouterr()
    assert ended.value.code == 1 and "2 of 3 agents could not be filmed" in shown.err
    assert "-cp 2: not in logs/2026-11-26-one/pong/checkpoints_saved, which has no copies" in shown.out


def test_an_agent_that_cannot_be_played_is_reported(filmed, monkeypatch, capsys):
    def fail(*_):
        raise CommandError("gif.py: no intact checkpoint there")

    monkeypatch.setattr(genGifs, "film_agent", fail)
    with pytest.raises(SystemExit):
        filmed()
    assert capsys.readouterr().out.count("no intact checkpoint there") == 3


def test_the_options_of_films_are_those_of_gif_py():
    options = genGifs.GifsOptions(mp4=True, annotate=True, gif_seconds=3.0)
    assert genGifs.gif_arguments(options) == ["-tc", "1", "--gif_seconds", "3.0", "--mp4", "--annotate"]
    assert genGifs.gif_arguments(genGifs.GifsOptions()) == ["-tc", "1"]
