"""A folder that the original Manette or PAAC wrote is tested, filmed, resumed and published."""

import json

import numpy as np
import pytest
import tensorflow as tf

from paac.training.run_folder import RunFolder
from tests.helpers.commands import assert_one_line
from tests.helpers.original_graph import ARGS, OriginalGraph
from tests.helpers.runs import episodes

PONG_ACTIONS, STEP = 6, 4000
SMALL = {"emulator_counts": 4, "max_episode_frames": 120}  # the second is ours: short episodes


def contents(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def run(commands):
    """A run of the original: Pong, NIPS, 4 emulators."""
    folder = commands.folder / "original"
    original = OriginalGraph("NIPS", 4, 1, seed=1, num_actions=PONG_ACTIONS)
    original.save_run(folder, STEP, debugging_folder="elsewhere", emulator_workers=100, device="/gpu:7", **SMALL)
    return folder


def test_an_agent_of_the_original_is_tested_and_filmed_and_its_folder_stays(commands, run):
    before = contents(run)
    tested = commands.run("test.py", "-f", "original", "-tc", "2", "--seed", "1", "--json", "scores.json")
    assert "Performed 2 tests for pong." in tested.stdout
    report = json.loads((commands.folder / "scores.json").read_text())
    assert report["step"] == STEP and len(report["scores"]) == 2
    commands.run("gif.py", "-f", "original", "--gif_seconds", "1")
    assert (commands.folder / "gifs/agent_1.gif").exists()
    assert contents(run) == before


@pytest.mark.slow
def test_a_run_of_the_original_is_resumed_and_keeps_its_files(commands, run):
    before = contents(run)
    resumed = commands.run("train.py", "-df", "original", "--max_global_steps", str(STEP + 400), "-ew", "1")
    assert f"{STEP:,} decisions" in resumed.stdout and "RMSProp" not in resumed.stdout
    after = contents(run)
    changed = {name for name, content in before.items() if after[name] != content}
    assert changed == {"args.json", "checkpoints/checkpoint"}
    assert after["args.original.json"] == before["args.json"]
    options = RunFolder(run).load_options()
    assert (options.emulator_workers, options.device) == (1, "/gpu:0")
    assert json.loads(after["checkpoints/4400/state.json"])["updates"] == STEP // 20 + 20
    steps = [int(step) for step, *_ in episodes(run)]
    assert steps and min(steps) > STEP
    again = commands.run("train.py", "-df", "original", "--max_global_steps", str(STEP + 500))
    assert f"{STEP + 400:,} decisions" in again.stdout
    assert contents(run)["args.original.json"] == before["args.json"]


@pytest.mark.slow
def test_rmsprop_goes_on_with_the_statistics_of_the_original_or_afresh_without_them(commands, run):
    commands.run("train.py", "-df", "original", "--max_global_steps", str(STEP + 20), "-lr", "0", "--alpha", "1")
    there = tf.train.load_checkpoint(str(run / f"checkpoints/-{STEP}"))
    here = tf.train.load_checkpoint(str(run / f"checkpoints/{STEP + 20}/weights"))
    for number, name in enumerate(("conv1/conv1_weights", "conv1/conv1_biases")):
        for theirs, ours in (
            (f"Network/{name}", f"network/torso/conv1/{'_kernel' if number == 0 else 'bias'}"),
            (f"Network/{name}/OptimizerVariables", f"optimizer/mean_squares/{number}"),
        ):
            np.testing.assert_array_equal(
                here.get_tensor(f"{ours}/.ATTRIBUTES/VARIABLE_VALUE"), there.get_tensor(theirs)
            )
    OriginalGraph("NIPS", 4, 1, seed=1, num_actions=PONG_ACTIONS, optimizer=False).save_run(
        commands.folder / "weights_only", STEP, **SMALL
    )
    resumed = commands.run("train.py", "-df", "weights_only", "--max_global_steps", str(STEP + 20))
    assert "RMSProp's statistics were not saved: they start afresh" in resumed.stdout


@pytest.mark.slow
def test_a_run_of_paac_is_tested_and_resumed(commands):
    folder = commands.folder / "paac"
    OriginalGraph("NIPS", 4, 1, seed=1, num_actions=PONG_ACTIONS, repetition_head=False).save_run(folder, STEP)
    known = ("game", "e", "alpha", "initial_lr", "clip_norm", "gamma", "max_local_steps", "arch", "emulator_workers")
    args = {name: ARGS[name] for name in known} | {"visualize": False, "arg_file": None, **SMALL}
    (folder / "args.json").write_text(json.dumps(args))
    commands.run("test.py", "-f", "paac")
    commands.run("train.py", "-df", "paac", "--max_global_steps", str(STEP + 20))
    assert (folder / f"checkpoints/{STEP + 20}/state.json").exists()


@pytest.mark.slow
def test_a_table_with_repeated_values_is_refused_for_a_new_run_and_used_in_one_of_the_original(commands):
    table = {"max_repetition": 2, "nb_choices": 5}
    folder = commands.folder / "figar"
    original = OriginalGraph("NIPS", 4, 5, seed=1, num_actions=PONG_ACTIONS)
    original.save_run(folder, STEP, **SMALL, **table)
    assert RunFolder(folder).load_options().repetition_table == [0, 0, 0, 0, 2]
    commands.run("test.py", "-f", "figar")
    for steps in (STEP + 20, STEP + 40):  # of the second one, the checkpoint is ours
        commands.run("train.py", "-df", "figar", "--max_global_steps", str(steps))
    refused = commands.run("train.py", "-df", "new", "--max_repetition", "2", "--nb_choices", "5", code=2)
    assert_one_line(refused.stderr, "--nb_choices 5", "use --nb_choices 3, or --max_repetition 4")
    (commands.folder / "prepared").mkdir()
    (commands.folder / "prepared/args.json").write_text(json.dumps(table))
    assert_one_line(commands.run("train.py", "-df", "prepared", code=2).stderr, "prepared/args.json", "--nb_choices 5")


@pytest.mark.slow
def test_what_does_not_fit_is_one_line_and_changes_nothing(commands, run):
    (run / "args.json").write_text(json.dumps(ARGS | {"game": "breakout"}))  # 4 actions
    before = contents(run)
    for arguments in (["test.py", "-f", "original"], ["train.py", "-df", "original", "-ew", "1"]):
        refused = commands.run(*arguments, code=2)
        assert_one_line(refused.stderr, "original/checkpoints/-4000 does not fit", "[256, 4]", "[256, 6]")
    (data,) = run.glob("checkpoints/*.data*")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    (run / "args.json").write_bytes(json.dumps(ARGS).encode())
    assert_one_line(commands.run("test.py", "-f", "original", code=2).stderr, "original/checkpoints/-4000 is damaged")
    (run / "args.json").write_bytes(before["args.json"])
    data.write_bytes(before[f"checkpoints/{data.name}"])
    assert {name: content for name, content in contents(run).items() if name != ".lock"} == before


@pytest.mark.slow
def test_an_agent_of_the_original_is_published_with_its_weights_only(commands, run):
    commands.run("train.py", "-df", "original", "--max_global_steps", str(STEP + 2000), "-ew", "1")
    commands.run("script/publish.py", "-r", "original", "-f", "agents", "-tc", "1")
    names = tf.train.load_checkpoint(str(commands.folder / "agents/original/checkpoints/6000/weights"))
    assert {name.split("/")[0] for name in names.get_variable_to_shape_map()} == {
        "network",
        "_CHECKPOINTABLE_OBJECT_GRAPH",
    }
    (commands.folder / "agents/original/RESULT.json").unlink()  # as in a copy that is trained on
    resumed = commands.run("train.py", "-df", "agents/original", "--max_global_steps", str(STEP + 2400))
    assert "RMSProp's statistics were not saved" in resumed.stdout
