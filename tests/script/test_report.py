"""Tests of the HTML page of report.py."""

import base64
import io
import re
import shlex
import shutil
from html import unescape
from xml.etree import ElementTree

import pytest
from PIL import Image

from experiments.train_command import train_command
from paac.cli.errors import UserError
from paac.cli.options import resolve
from reporting.page import EpisodeSettings, data_url, key_figures, option_rows, run_section, with_episodes, write_page
from tests.helpers.commands import Commands
from tests.helpers.made_runs import make_run
from tests.helpers.options import parse_options

FIGAR = ["-g", "Catcher-v0", "-ec", "4", "-ew", "2", "--max_repetition", "2", "--nb_choices", "3"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page about an experiment of two runs, one of them with FiGAR."""
    commands = Commands(tmp_path_factory.mktemp("page"))
    short = ["--max_global_steps", "1200", "--max_episode_frames", "60"]
    commands.run("train.py", "-df", "logs/plain <b>", "--seed", "5", *FIGAR[:6], *short)
    commands.run("train.py", "-df", "logs/figar", "--seed", "6", *FIGAR, *short)
    shown = commands.run("script/report.py", "logs", "-tc", "2", "--gif_seconds", "1")
    assert "Wrote logs/report.html" in shown.stdout
    return commands.folder / "logs/report.html"


def images(page: str, media_type: str) -> list[bytes]:
    return [base64.b64decode(content) for content in re.findall(f'data:{re.escape(media_type)};base64,([^"]+)', page)]


@pytest.mark.slow
def test_the_page_contains_everything_and_needs_no_other_file(page):
    page = page.read_text()
    assert "http://" not in re.sub("xmlns[^ ]*", "", page) and "https://" not in page and "<script" not in page
    linked = set(re.findall(r' (?:src|href)="(data:[^;]+|[^"]{0,20})', page))
    assert linked == {"data:image/svg+xml", "data:image/gif", "#run1", "#run2"}
    assert "<summary>plain &lt;b&gt;</summary>" in page and "<summary>figar</summary>" in page
    assert "<td>FiGAR 2</td>" in page and "<td>no FiGAR</td>" in page, "the table on top says what differs"
    assert page.count("1 session<") == 2 and page.count("<th>tensorflow</th>") == 2
    curves, repetitions = (ElementTree.fromstring(svg) for svg in images(page, "image/svg+xml"))
    texts = [text.strip() for text in curves.itertext() if text.strip()]
    assert "Catcher-v0" in texts and any("FiGAR 2" in text for text in texts)
    assert any("plays of an action" in text for text in repetitions.itertext())
    films = [Image.open(io.BytesIO(film)) for film in images(page, "image/gif")]
    assert len(films) == 2 and all(film.n_frames > 5 for film in films)
    assert page.count("2 episodes of the agent at 1,200 decisions, seed 1") == 2
    again = [unescape(line) for line in re.findall("<pre>(.*)</pre>", page)]
    again = shlex.split(again[1])
    assert again[:4] == ["python3", "train.py", "-df", "logs/plain <b>-2"], "the command names a folder that is free"


@pytest.mark.slow
def test_a_browser_shows_every_picture(page, browser):
    browser.show(page.as_uri())
    assert {"plain <b>", "figar"} <= set(browser.texts())
    pictures = browser.images()
    assert len(pictures) == 4 and all(width > 100 and height > 100 for width, height in pictures)


@pytest.mark.slow
def test_without_a_checkpoint_nothing_is_tested_or_filmed(commands):
    commands.run("train.py", "-df", "run", "--max_global_steps", "400", "--max_episode_frames", "60", *FIGAR[:6])
    shutil.rmtree(commands.folder / "run/checkpoints")
    commands.run("script/report.py", "run", "--to", "page.html")
    page = (commands.folder / "page.html").read_text()
    assert "Not tested" in page and not images(page, "image/gif") and images(page, "image/svg+xml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [("", "RUN"), ("nowhere", "no such folder"), (". --to nowhere/page.html", "no run there"), (". -tc -1", "-1")],
)
def test_a_bad_argument_gives_a_one_line_error(commands, arguments, message):
    refused = commands.run("script/report.py", *arguments.split(), code=2)
    assert message in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-g breakout --seed 3 --entropy 0.05 --no-random_start",
        "-g seaquest --protocol machado --max_repetition 10 --nb_choices 11",
        "-g Snake-v0 --rgb -ec 5 --shards 3 --egreedy --annealed",
        "-g atari:tetris -ec 1 --sticky_actions 0.5",
        "-g FrozenLake-v1 --frame_skip 2",  # a new run would have 1
        "--max_repetition 1500 --nb_choices 6",  # more than could be chosen from without --nb_choices
    ],
)
def test_the_command_on_the_page_gives_the_same_options(typed):
    options = parse_options(typed.split())
    words = shlex.split(train_command(options, "again"))
    again = parse_options(words[2:])
    local = {"debugging_folder": options.debugging_folder, "emulator_workers": options.emulator_workers}
    assert {**vars(again), **local} == vars(options)


def test_the_command_for_several_processes_starts_all_of_them():
    options = parse_options(["-g", "pong", "-ec", "8", "--seed", "3"])
    alone, together = (shlex.split(train_command(options, "again", processes)) for processes in (1, 2))
    assert alone[:2] == ["python3", "train.py"]
    assert together == ["python3", "script/launch.py", "--processes", "2", "--", *alone[2:]]


def test_the_page_says_how_several_processes_trained_the_run(tmp_path):
    run = make_run(tmp_path / "run", [(40, 1.0, emulator, 0, 30) for emulator in range(4)], emulator_counts=2)
    section = run_section(run, "run")
    assert section.command.startswith("python3 script/launch.py --processes 2 -- -df logs/run ")


def test_an_agent_that_cannot_be_played_has_a_section_with_the_reason(tmp_path, capsys):
    run = make_run(tmp_path / "run", [(20, 1.0, 0, 1, 5)])
    (tmp_path / "run/checkpoints/100").mkdir(parents=True)
    section = with_episodes(run_section(run, "run"), run, EpisodeSettings(test_count=2, seed=1, film_seconds=1.0))
    assert section.tests is None and section.failed and "no intact checkpoint there" in section.missing
    assert "no intact checkpoint there" in capsys.readouterr().out


def test_a_malformed_file_is_found_before_any_agent_plays(tmp_path, monkeypatch):
    runs = [make_run(tmp_path / name, [(20, 1.0, 0, 1, 5)]) for name in ("good", "malformed")]
    (tmp_path / "malformed/sessions.jsonl").write_text("{\n")
    monkeypatch.setattr("reporting.page.with_episodes", lambda *_: pytest.fail("an agent has played"))
    with pytest.raises(UserError, match="malformed/sessions.jsonl"):
        write_page(runs, "title", EpisodeSettings(test_count=2, seed=1, film_seconds=1.0), tmp_path / "page.html")


def test_options_that_differ_from_the_default_are_marked():
    rows = {name: (value, changed) for name, value, changed in option_rows(resolve(dict(gamma=0.5, random_seed=3)))}
    assert rows["gamma"] == (0.5, True) and rows["arch"] == ("NIPS", False) and rows["random_seed"] == (3, False)
    assert "rom_path" not in rows


def test_a_data_url_contains_the_file():
    assert data_url("image/gif", b"GIF89a") == "data:image/gif;base64,R0lGODlh"


def test_the_rate_of_a_run_of_the_original_counts_only_its_own_decisions(tmp_path):
    """The run was trained for 1,000,000 decisions by the original, and for 300 in 3 seconds here."""
    run = make_run(tmp_path / "run", [(1_000_100, 1.0, 0, 1, 5), (1_000_400, 4.0, 0, 1, 5)])
    assert key_figures(run)["decisions per second"] == "100"


def test_episodes_that_ended_together_have_no_rate(tmp_path):
    run = make_run(tmp_path / "run", [(60, 1.0, 0, 1, 5), (60, 1.0, 1, 1, 5)])
    assert key_figures(run)["decisions per second"] == "-"


def test_the_figures_are_those_of_the_newest_checkpoint_or_of_a_later_episode(tmp_path):
    def figures():
        return [key_figures(run)[name] for name in ("decisions", "frames", "hours of training")]

    run = make_run(tmp_path / "run", [(60, 1.0, 0, 1, 5), (80, 7200.0, 0, 1, 5)])
    assert figures() == ["80", "320", "2.00"]
    for step in (40, 100):
        (tmp_path / f"run/checkpoints/{step}").mkdir(parents=True)
        assert figures() == (["80", "320", "2.00"] if step < 80 else ["100", "400", "2.50"])
