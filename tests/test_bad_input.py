"""Any command line and any JSON file starts a training or gives an error of one line."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

import gif
import test as test_script
import train
from experiments.plan import read_plan
from paac.cli import entry_point
from paac.cli.command_line import option_fields
from paac.cli.errors import UserError
from paac.cli.film_options import FilmOptions
from paac.cli.options import Options
from tests.helpers import ROOT

TRIED = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
FIELDS = [field for field, _ in option_fields(Options)]
FLAGS = [flag for field in FIELDS for flag in (*field.metadata["flags"], f"--{field.name}", f"--no-{field.name}")]
FILM_FLAGS = [flag for field, _ in option_fields(FilmOptions) for flag in (*field.metadata["flags"], f"--{field.name}")]
KEYS = [field.name for field in FIELDS]

words = some.one_of(
    some.sampled_from(["pong", "Catcher-v0", "tetris", "NATURE", "global", "0", "1", "-1", "1e6", "1_0", "nan", "inf"]),
    some.integers(-10, 10**20).map(str),
    some.floats().map(repr),
    some.text(max_size=8),
)
commands = some.lists(some.one_of(some.sampled_from(FLAGS), words), max_size=8)
scalars = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8) | words
values = some.recursive(scalars, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner))
objects = some.dictionaries(some.one_of(some.sampled_from(KEYS), some.text(max_size=8)), values, max_size=6)
documents = some.one_of(objects.map(json.dumps), values.map(json.dumps), some.text(max_size=40)).map(str.encode)
contents = some.one_of(documents, some.binary(max_size=40))


@pytest.fixture
def exit_code_of(tmp_path, monkeypatch, capsys):
    """Return a function that runs an entry point without the training itself; nothing may be written before that."""
    monkeypatch.chdir(tmp_path)
    trained: list[Options] = []
    for place in ("paac.training.session", "paac.training.agent"):
        monkeypatch.setattr(f"{place}.start_tensorflow", lambda *_: "/cpu:0")
    monkeypatch.setattr("paac.training.loop.train", lambda options, *_: trained.append(options))

    def exit_code(main, argv: list[str]) -> int:
        before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
        monkeypatch.setattr(sys, "argv", ["the command", *argv])
        trained.clear()
        with pytest.raises(SystemExit) as ended:
            entry_point.run(main)
        error = capsys.readouterr().err
        assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before
        assert ended.value.code in (0, entry_point.USER_ERROR), (argv, error)
        if ended.value.code:
            assert error.startswith("the command: ") and error.count("\n") == 1 and not trained
        return ended.value.code

    return exit_code


@TRIED
@given(commands)
@example(["-g", "pong"])
@example(["-df", "x\0y"])
@example(["--rom_path", "\udcff"])
def test_any_command_line(exit_code_of, argv):
    exit_code_of(train.main, argv)


@TRIED
@given(some.lists(some.one_of(some.sampled_from(FILM_FLAGS), words), max_size=6))
def test_any_command_line_of_test_and_gif(exit_code_of, argv):
    exit_code_of(test_script.main, argv)
    exit_code_of(gif.main, argv)


@TRIED
@given(contents)
@example(b'{"random_seed": null, "game": "pong"}')
@example(b"[" * 100_000)
@example(b'{"game": ' + b"[" * 40 + b"]" * 40 + b"}")
@example(b'{"game": "pong", "game": "tetris"}')
@example(b'{"env_kwargs": "{\\"size\\": 1, \\"size\\": 2}"}')
@example(b'{"emulator_counts": 1000000000000000000000000000000, "max_global_steps": -1, "gamma": 1e999}')
def test_any_args_json(exit_code_of, content):
    Path("run").mkdir(exist_ok=True)
    Path("run/args.json").write_bytes(content)
    exit_code_of(train.main, ["-df", "run"])
    assert exit_code_of(gif.main, ["-f", "run"]) == entry_point.USER_ERROR  # there is no checkpoint


@TRIED
@given(some.lists(contents, min_size=1, max_size=3), some.none() | some.integers(1, 3))
@example([b'{"sweep": {"random_seed": [1, 2], "\\u0000": [[]]}}'], 2)
def test_any_folder_of_json_files(tmp_path_factory, files, seeds):
    folder = tmp_path_factory.mktemp("batch")
    for number, content in enumerate(files):
        (folder / f"{number}.json").write_bytes(content)
    try:
        plan = read_plan(folder, seeds)
    except UserError as error:
        assert str(error)
    else:
        assert len({planned.label for planned in plan}) == len(plan) >= 1
        assert all(isinstance(planned.options, Options) and "/" not in planned.name for planned in plan)


def test_the_entry_points_are_those_of_the_project():
    assert Path(test_script.__file__) == ROOT / "test.py"
