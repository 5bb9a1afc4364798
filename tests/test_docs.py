"""The commands in the documentation can be typed as they are, and its pages name files that exist."""

import argparse
import dataclasses
import json
import re
import runpy
import shlex
import sys
import textwrap
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from emulators import find_game
from networks.torso import TorsoSettings
from paac.cli.command_line import typed_options
from paac.cli.options import TrainOptions, resolve
from paac.cli.presets import with_preset
from tests.helpers import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "script/README.md",
    ROOT / "pretrained/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


class Parsed(BaseException):
    """Ends a command as soon as its options have been parsed."""


def commands():
    """Return each command `python3 FILE.py ...` of the pages with the name of its page."""
    found = {}
    for page in PAGES:
        for line in re.findall(r"python3 ((?:script/)?\w+\.py[^\n`|]*)", page.read_text(encoding="utf-8")):
            words = shlex.split(re.split(" && | > ", line)[0], comments=True)
            if words[1:] != ["--help"] and "OLD_RUN" not in line:
                found.setdefault(shlex.join(words), str(page.relative_to(ROOT)))
    return [pytest.param(command, id=f"{page}: {command}") for command, page in found.items()]


@pytest.mark.parametrize("command", commands())
def test_the_commands_of_the_pages_are_valid(command, monkeypatch):
    parse = argparse.ArgumentParser.parse_known_intermixed_args

    def then_end(*arguments, **keywords):
        _, unknown = parse(*arguments, **keywords)
        assert not unknown
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_intermixed_args", then_end)
    script, *arguments = shlex.split(command)
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(Parsed):
        runpy.run_path(str(ROOT / script), run_name="__main__")


TRAININGS = [
    one
    for one in commands()
    # The network and the games of docs/extending.md are examples.
    if one.values[0].startswith("train.py ") and not str(one.id).startswith("docs/extending.md")
]


@pytest.mark.parametrize("command", TRAININGS)
def test_the_trainings_of_the_pages_have_games_presets_and_values_that_exist(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = typed_options(TrainOptions, shlex.split(command)[1:], "")
    if typed.get("preset", "").endswith(".json"):  # a file that another command writes
        del typed["preset"]
    own = {name: value for name, value in with_preset(typed).items() if name != "list_games"}
    game = resolve(own).game
    if ":" not in game and game != "LunarLander-v3":  # of modules and packages that are not installed here
        find_game(game)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that runs the parts of a program, one after the other, in another folder than the project's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")

    def run(parts):
        names = {"__name__": "__main__"}
        for part in parts:
            exec(compile(part, "part of a page", "exec"), names)
        return names

    return run


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_python_of_a_page_runs(page, program):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.S)
    names = program(blocks)
    assert names["run"].finished and Path("catcher.gif").is_file()


@pytest.mark.slow
def test_the_notebook_runs_twice_in_one_process(program):
    cells = json.loads((ROOT / "docs/example.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code") and len(cells) <= 15
    first, second = program(code), program(code)
    assert first["scores"] and not second["scores"], "the second time, the run is finished"
    assert first["run"].step == second["run"].step == 40_000
    assert first["score"] == second["score"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_files_that_a_page_names_exist(page):
    for name in re.findall(r"`((?:emulators|networks|figar|paac|script|tests)/[\w./]*)`", page.read_text("utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8")):
        name, _, heading = link.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), link
        assert not heading or heading in headings(file.read_text("utf-8")), link


def headings(text):
    """Return the anchors of the headings of a page."""
    without_code = re.sub(r"```.*?```", "", text, flags=re.S)
    titles = [line.lstrip("# ") for line in without_code.splitlines() if line.startswith("#")]
    return [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]


def test_the_environment_of_the_page_about_games_works():
    text = (ROOT / "docs/games.md").read_text("utf-8")
    (block,) = re.findall(r"```\n(import gymnasium.*?)```", text, re.S)
    names = {}
    exec(block, names)
    game = gymnasium.make("Dodge-v0", size=5, render_mode="rgb_array")
    game.reset(seed=1)
    assert game.render().shape == (40, 40, 3)
    rewards = []
    for _ in range(40):
        column, stone = game.unwrapped.column, game.unwrapped.stone[1]
        away = 1 if column != stone else 2 if column < 4 else 0
        _, reward, over, *_ = game.step(away)
        rewards.append(reward)
    assert sum(rewards) == 10 and not over, "a stone needs four steps, and each was avoided"
    game.unwrapped.stone = [3, game.unwrapped.column]
    assert game.step(1)[1:3] == (0.0, True)


def test_the_network_and_the_game_of_the_page_about_extending_work():
    text = (ROOT / "docs/extending.md").read_text("utf-8")
    names = {}
    for block in re.findall(r"^ *```\n(.*?)^ *```", text, re.S | re.M):
        if "class " in block:
            exec(textwrap.dedent(block), names)
    torso = names["SMALL"](TorsoSettings(np.random.default_rng(1)))
    features = torso.combine([torso.encode(np.zeros((3, 84, 84, 4), np.uint8))], np.zeros((3, 0), np.float32))
    assert features.shape == (3, 128)
    game = names["Chase"]("rgb_array")
    first, _ = game.reset(seed=1)
    steps = [game.step(1) for _ in range(63 - game.state["x"])]
    assert [reward for _, reward, *_ in steps] == [0.0] * (len(steps) - 1) + [1.0] and steps[-1][2]
    assert (steps[-1][0] != first).any()


def test_the_readme_is_short():
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 200 and len(text.split()) <= 2500
    assert all(len(line) <= 120 or line.startswith("|") for line in text.splitlines())


def test_the_readme_shows_options_with_their_defaults():
    fields = {flag: field for field in dataclasses.fields(TrainOptions) for flag in field.metadata["flags"]}
    fields |= {f"--{field.name}": field for field in dataclasses.fields(TrainOptions)}
    text = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (`-[^|]+) \| ([^|]*) \| [^|]+ \|$", text, re.M)
    assert len(rows) > 10
    for flags, defaults in rows:
        names, values = (re.findall("`([^`]+)`", cell) for cell in (flags, defaults))
        assert all(name in fields for name in names), flags
        for name, value in zip(names, values, strict=False):
            default = "logs/GAME" if name == "-df" else fields[name].default
            assert (float(value) if value[0].isdigit() else value) == default, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_tables_of_a_page_are_up_to_date(page):
    """`python3 docs/tables.py` writes them."""
    tables = runpy.run_path(str(ROOT / "docs/tables.py"))
    text = page.read_text("utf-8")
    assert tables["with_tables"](text) == text
    assert (page in tables["PAGES"]) == ("<!-- end -->" in text)


def test_the_page_of_options_has_all_of_them():
    lines = (ROOT / "docs/options.md").read_text("utf-8").partition("## Testing")[0].splitlines()
    for field in dataclasses.fields(TrainOptions):
        flags = ", ".join(f"`{flag}`" for flag in field.metadata["flags"] or (f"--{field.name}",))
        (line,) = (line for line in lines if line.startswith(f"| {flags} |"))
        assert field.metadata["kind"] in line
