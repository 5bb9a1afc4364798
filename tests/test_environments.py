"""Environments of other packages from the command line: training, resuming, testing, filming and batches."""

import json

import pytest

from tests.helpers.commands import TINY, assert_one_line

FAKE = "tests.helpers.environments:Fake-v0"


def args_of(run):
    return json.loads((run / "args.json").read_text())


@pytest.mark.slow
def test_an_environment_of_another_package_is_trained_resumed_tested_and_filmed(commands):
    kwargs = '{"picture": "gray floats", "length": 30, "fps": 5}'
    commands.run("train.py", "-g", f"gym:{FAKE}", "--env_kwargs", kwargs, "--max_global_steps", "20", *TINY)
    args = args_of(commands.folder / "logs/tests.helpers.environments_Fake-v0")
    assert (args["game"], args["frame_skip"]) == (FAKE, 1)
    assert json.loads(args["env_kwargs"]) == json.loads(kwargs)
    resumed = commands.run("train.py", "-g", FAKE, "--env_kwargs", kwargs, "--max_global_steps", "40", *TINY)
    assert "Resuming at 20 decisions" in resumed.stdout
    for other in (["--env_kwargs", "{}"], ["--frame_skip", "2"]):
        refused = commands.run("train.py", "-g", FAKE, *other, *TINY, code=2)
        assert_one_line(refused.stderr, other[0], "that cannot change")
    commands.run("gif.py", "-f", "logs", "-gn", "film")
    assert (commands.folder / "gifs/film_1.gif").is_file()
    commands.run("test.py", "-f", "logs", "--json", "result.json")
    result = json.loads((commands.folder / "result.json").read_text())
    assert (result["game"], result["scores"], result["lengths"], result["noops"]) == (FAKE, [30], [30], 0)


def test_an_environment_that_cannot_be_played_is_refused_before_anything_is_written(commands):
    refused = commands.run("train.py", "-g", FAKE, "--env_kwargs", '{"picture": "None"}', *TINY, code=2)
    assert_one_line(refused.stderr, f"-g {FAKE}", "gives None")
    refused = commands.run("train.py", "-g", "pong", "--frame_skip", "2", *TINY, code=2)
    assert_one_line(refused.stderr, "--frame_skip 2", "pong always has a frame skip of 4")
    assert list(commands.folder.iterdir()) == []


@pytest.mark.slow
def test_a_reward_that_is_not_finite_ends_the_training_with_the_name_of_the_environment(commands):
    ended = commands.run(
        "train.py", "-g", FAKE, "--env_kwargs", '{"after": 20, "odd_reward": "infinite"}', *TINY, code=1
    )
    assert_one_line(ended.stderr, f"-g {FAKE}", "gives the reward", "inf")
    assert "initial_lr" not in ended.stderr


@pytest.mark.slow
def test_a_run_from_before_the_frame_skip_is_resumed_with_two_steps(commands):
    game = ["-g", "FrozenLake-v1", "--frame_skip", "2", *TINY]
    commands.run("train.py", *game, "--max_global_steps", "20")
    args = commands.folder / "logs/FrozenLake-v1/args.json"
    values = args_of(args.parent)
    args.write_text(json.dumps({name: value for name, value in values.items() if name != "frame_skip"}))
    commands.run("train.py", "-g", "FrozenLake-v1", "--max_global_steps", "40")
    assert args_of(args.parent) == {**values, "max_global_steps": 40}


@pytest.mark.slow
def test_a_batch_trains_an_environment_of_another_package(commands):
    folder = commands.folder / "toTrain/fakes"
    folder.mkdir(parents=True)
    tiny = {"emulator_counts": 4, "emulator_workers": 1, "random_seed": 5, "max_global_steps": 20}
    sweep = {"env_kwargs": [{"picture": "gray"}, {"picture": "RGBA", "fps": 4}]}
    (folder / "fake.json").write_text(json.dumps({"game": FAKE, **tiny, "sweep": sweep}))
    commands.run_alone("script/batchTrain.py")
    runs = sorted((commands.folder / "logs").glob("*-fakes/*/args.json"))
    args = [args_of(file.parent) for file in runs]
    assert sorted((values["game"], values["frame_skip"]) for values in args) == [(FAKE, 1), (FAKE, 2)]
    assert all((file.parent / "checkpoints/20").is_dir() for file in runs)
