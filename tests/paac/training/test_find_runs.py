"""Which run is tested, and which runs there are."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from paac.cli.args_json import load_options
from paac.cli.errors import UserError
from paac.training.find_runs import find_run, find_runs
from tests.helpers.messages import message_of
from tests.helpers.run_folders import new_run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)


# Which run is tested.


def test_a_run_is_found_in_its_own_folder():
    run = new_run("run", gamma=0.9)
    found, options, line = find_run("run/")
    assert (found.path, options, line) == (run, load_options(run / "args.json"), "")


def test_the_only_run_below_a_folder_is_found_and_named():
    run = new_run("deep/down/run", step=5)
    found, options, line = find_run("deep")
    assert (found.path, options) == (run, load_options(run / "args.json"))
    assert line == "Using the only run in deep: deep/down/run"


def test_of_several_runs_the_one_with_the_latest_checkpoint_is_found_and_named():
    new_run("logs", step=900, seconds=1000)
    new_run("logs/old", step=800, seconds=2000)
    new_run("logs/new/deep", step=0, seconds=3000)
    new_run("logs/untrained")
    found, _, line = find_run("logs/")
    assert found.path == Path("logs/new/deep")
    assert line == "Using the latest checkpoint of 4 runs in logs/, that of logs/new/deep"
    os.utime("logs/checkpoints/900", (4000, 4000))
    assert find_run("logs")[0].path == Path("logs")
    assert find_run("logs/new/deep")[0].path == Path("logs/new/deep")


def test_the_newest_checkpoint_of_a_run_counts_and_not_an_older_one():
    new_run("logs/a", step=100, seconds=9000)
    (Path("logs/a/checkpoints") / "200").mkdir()
    os.utime("logs/a/checkpoints/200", (1000, 1000))
    new_run("logs/b", step=5, seconds=2000)
    assert find_run("logs")[0].path == Path("logs/b")


def test_a_checkpoint_of_the_original_counts():
    old = new_run("logs/old", step=5, seconds=1000)
    original = new_run("logs/original")
    (original / "checkpoints").mkdir()
    (original / "checkpoints/-500.index").write_text("")
    os.utime(original / "checkpoints/-500.index", (2000, 2000))
    assert find_run("logs")[0].path == original
    os.utime(old / "checkpoints/5", (3000, 3000))
    assert find_run("logs")[0].path == old


def test_the_folder_checkpoints_means_its_run_whatever_lies_below():
    new_run("logs", step=900, seconds=1000)
    new_run("logs/new", step=800, seconds=2000)
    assert [find_run(name)[0].path for name in ("logs", "logs/checkpoints/")] == [Path("logs/new"), Path("logs")]
    new_run("untrained")
    assert find_run("untrained/checkpoints")[0].path == Path("untrained")


def test_a_checkpoint_is_refused_with_the_commands_that_make_a_run_of_it():
    new_run("my logs/pong", step=900)
    (Path("my logs/pong") / "checkpoints/1000").mkdir()
    with pytest.raises(UserError, match="that is a checkpoint of .*, its newest one: type -f 'my logs/pong'"):
        find_run("my logs/pong/checkpoints/1000")
    with pytest.raises(UserError) as error:
        find_run("my logs/pong/checkpoints/900/")
    message = message_of(error)
    assert message.startswith(
        "-f my logs/pong/checkpoints/900: that is a checkpoint of my logs/pong; to use it, make a "
    )
    commands = message.partition("make a run of it: ")[2].partition(", then -f ")
    subprocess.run(commands[0], shell=True, check=True)
    run, _, note = find_run(*shlex.split(commands[2]))
    assert (str(run), run.checkpoints.steps(), note) == ("my logs/pong-900", [900], "")


def test_several_runs_without_a_checkpoint_are_refused_and_named():
    new_run("logs/b")
    new_run("logs/a/c")
    with pytest.raises(UserError) as error:
        find_run("logs")
    assert message_of(error) == "-f logs: no run there has a checkpoint; train one first: logs/a/c, logs/b"


def test_a_folder_without_a_run_is_refused(tmp_path):
    new_run("logs/a", step=100)
    Path("logs/a/args.json").unlink()
    with pytest.raises(
        UserError, match="^-f logs/a: its args.json, which holds .* python3 train.py -df logs/a -g GAME"
    ):
        find_run("logs/a")
    with pytest.raises(UserError, match="-f .*: no run there"):
        find_run(str(tmp_path))


@pytest.mark.parametrize(("name", "reason"), [("missing", "no such folder"), ("file", "that is a file")])
def test_a_path_that_is_not_a_folder_is_refused(name, reason):
    Path("file").write_text("")
    with pytest.raises(UserError, match=f"-f {name}: {reason}; name the folder of a run"):
        find_run(name)


# Which runs there are.


def found(name):
    return [str(run) for run in find_runs(name)]


def test_the_runs_in_a_folder_and_below_it_are_found_without_the_copies_of_their_agents():
    new_run("logs")
    for name in ("pong", "deep/down/run", "checkpoints_saved/500", "best", "pong/best", "pong/checkpoints_saved/200"):
        new_run(f"logs/{name}")
    new_run("logs/.hidden/run")
    assert found("logs") == ["logs", "logs/deep/down/run", "logs/pong"]
    assert found("logs/pong/checkpoints_saved") == ["logs/pong/checkpoints_saved/200"], "if it is named"
    new_run("sorted/best")
    assert found("sorted") == ["sorted/best"], "only the folder best of a run has a copy"


def test_runs_behind_links_are_found_once(tmp_path):
    new_run("disk/run")
    new_run("logs/own")
    Path("logs/linked").symlink_to(tmp_path / "disk")
    Path("logs/best").symlink_to("own")
    Path("disk/loop").symlink_to(tmp_path)
    assert found("logs") == ["logs/linked/run", "logs/own"]
    new_run("logs")
    Path("logs/again").symlink_to(".")
    assert found("logs") == ["logs", "logs/linked/run", "logs/own"]
