"""Tests of the plan that batchTrain.py reads from a folder of JSON files."""

import re
from pathlib import Path

import pytest
from batchTrain import changed_options

from experiments.plan import read_plan
from paac.cli.errors import UserError
from tests.helpers.messages import message_of
from tests.script.test_batch import write

ORIGINAL = """{
    "alpha": 0.99, "annealed": false, "annealed_steps": 80000000, "arch": "NIPS", "checkpoint_interval": 1000000,
    "clip_norm": 3.0, "clip_norm_type": "global", "debugging_folder": "logs/", "device": "/gpu:0", "e": 0.1,
    "egreedy": false, "emulator_counts": 32, "emulator_workers": 8, "entropy_regularisation_strength": 0.02,
    "epsilon": 0.05, "game": "seaquest", "gamma": 0.99, "initial_lr": 0.0224, "keep_percentage": 0.9,
    "lr_annealing_steps": 80000000, "max_global_steps": 80000000, "max_local_steps": 5, "max_repetition": 10,
    "nb_choices": 11, "random_start": true, "rgb": false, "rom_path": "./atari_roms", "single_life_episodes": false,
    "softmax_temp": 1.0, "visualize": 0
}"""


def test_all_json_files_in_sub_folders_are_planned_in_the_order_of_their_paths(tmp_path):
    files = {"b/pong.json": "{}", "a/seaquest.json": ORIGINAL, "c.json": {"arch": "NATURE"}}
    write(tmp_path, files | {"a/notes.txt": "", "..json": "{}", ".hidden.json": "{"})
    plan = read_plan(tmp_path)
    assert [planned.name for planned in plan] == ["seaquest", "pong", "c"]
    assert plan[0].options.nb_choices == 11 and plan[0].options.emulator_workers == 8
    assert (plan[1].options.game, plan[1].options.arch, plan[2].options.arch) == ("pong", "NIPS", "NATURE")


def test_a_sub_folder_is_an_experiment_and_deeper_folders_are_part_of_the_name(tmp_path, monkeypatch):
    files = {"a b/x/y/pong.json": "{}", "a b/pong.json": "{}", "b/pong.json": "{}", "pong.json": "{}"}
    labels = ["a b/pong", "a b/x-y-pong", "b/pong", "toTrain/pong"]
    assert [planned.label for planned in read_plan(write(tmp_path / "toTrain", files))] == labels
    monkeypatch.chdir(tmp_path / "toTrain/b")
    assert [planned.label for planned in read_plan(Path())] == ["b/pong"]


def test_the_runs_and_hidden_folders_in_the_folder_are_not_planned(tmp_path):
    files = {"pong.json": "{}", "logs/2026-11-28-x/pong/args.json": "{}", ".vscode/settings.json": "{"}
    write(tmp_path, files | {"a/.ipynb_checkpoints/x.json": "{}", "a/y.json": "{}"})
    (tmp_path / "runs").symlink_to(tmp_path / "logs")
    for destination in ("logs", "runs"):
        plan = read_plan(tmp_path, destination=tmp_path / destination)
        assert [planned.label for planned in plan] == ["a/y", f"{tmp_path.name}/pong"]
    with pytest.raises(UserError, match="^-f .*: is also -d, the folder of the runs; name the folder of JSON files"):
        read_plan(tmp_path / "logs", destination=tmp_path / "runs")


@pytest.mark.parametrize("seeds", [None, 10**12])
def test_too_many_runs_are_refused_soon(seeds, tmp_path):
    sweep = {} if seeds else {key: list(range(1, 1000)) for key in ("gamma", "max_local_steps", "emulator_counts")}
    write(tmp_path, {"many.json": {"sweep": sweep}})
    with pytest.raises(UserError, match=f"^{tmp_path}/many.json: more than 10,000 runs; give sweep or --seeds fewer"):
        read_plan(tmp_path, seeds)


def test_json_files_behind_links_are_planned(tmp_path):
    write(tmp_path, {"toTrain/a/pong.json": "{}", "shared/x/pong.json": "{}"})
    (tmp_path / "toTrain/b").symlink_to(tmp_path / "shared")
    (tmp_path / "shared/loop").symlink_to(tmp_path / "toTrain")
    assert [planned.label for planned in read_plan(tmp_path / "toTrain")] == ["a/pong", "b/x-pong"]


def test_two_files_that_give_the_same_folder_are_refused(tmp_path):
    write(tmp_path, {"a/x/pong.json": "{}", "a/x-pong.json": "{}"})
    with pytest.raises(UserError, match="two runs have the name a/x-pong: rename a file"):
        read_plan(tmp_path)


def test_a_sweep_gives_a_run_with_its_own_name_for_every_combination(tmp_path):
    sweep = {"arch": ["NIPS", "NATURE"], "entropy_regularisation_strength": [0.01, 0.02], "game": ["pong"]}
    write(tmp_path, {"try.json": {"gamma": 0.9, "sweep": sweep}})
    plan = read_plan(tmp_path)
    assert [planned.name for planned in plan] == [
        "try-arch=NIPS-entropy=0.01",
        "try-arch=NIPS-entropy=0.02",
        "try-arch=NATURE-entropy=0.01",
        "try-arch=NATURE-entropy=0.02",
    ]
    assert plan[2].options.arch == "NATURE" and plan[2].options.entropy_regularisation_strength == 0.01
    assert {planned.options.gamma for planned in plan} == {0.9}


def test_a_sweep_may_have_the_names_of_the_command_line(tmp_path):
    write(tmp_path, {"try.json": {"initial_lr": 0.1, "sweep": {"lr": [0.2, 0.3], "max_repetition": [0, 2]}}})
    plan = read_plan(tmp_path)
    assert [planned.name for planned in plan][:2] == [
        "try-initial_lr=0.2-max_repetition=0",
        "try-initial_lr=0.2-max_repetition=2",
    ]
    assert [planned.options.initial_lr for planned in plan] == [0.2, 0.2, 0.3, 0.3]
    assert [planned.options.nb_choices for planned in plan] == [1, 3, 1, 3]
    write(tmp_path, {"try.json": {"sweep": {"seed": [1, 2]}}})
    with pytest.raises(UserError, match="has seeds in its sweep"):
        read_plan(tmp_path, seeds=2)


def test_a_file_may_name_a_preset_and_a_sweep_several(tmp_path):
    write(tmp_path, {"a.json": {"preset": "breakout", "lr": 0.5}, "b.json": {"game": "Snake-v0", "preset": ""}})
    write(tmp_path, {"c.json": {"sweep": {"preset": ["seaquest", "seaquest_figar"]}, "max_global_steps": "1e6"}})
    plan = read_plan(tmp_path)
    assert [planned.name for planned in plan[2:]] == ["c-preset=seaquest", "c-preset=seaquest_figar"]
    assert [planned.options.game for planned in plan] == ["breakout", "Snake-v0", "seaquest", "seaquest"]
    assert [planned.options.e for planned in plan] == [1e-8, 1e-8, 1e-5, 0.1]
    assert (plan[0].options.initial_lr, plan[3].options.max_repetition) == (0.5, 10)
    assert {planned.options.max_global_steps for planned in plan[2:]} == {1_000_000}
    assert "e 1e-08" in changed_options(plan[1]), "shown by --dry_run"


def test_seeds_start_at_the_seed_of_the_file_or_at_one(tmp_path):
    write(tmp_path, {"own.json": {"seed": "7"}, "none.json": {}})
    plan = read_plan(tmp_path, seeds=2)
    assert [planned.name for planned in plan] == ["none-seed=1", "none-seed=2", "own-seed=7", "own-seed=8"]
    assert [planned.options.random_seed for planned in plan] == [1, 2, 7, 8]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "holds no JSON object"),
        ('{"archh": "NIPS"}', "unknown key 'archh'; did you mean arch?"),
        ('{"emulator_counts": "many"}', 'emulator_counts must be a whole number, not "many"'),
        ('{"game": "pang"}', "no game of that name"),
        ('{"gamma": 2.0}', "--gamma 2.0: must be from 0 to 1"),
        ('{"preset": "nope"}', "bad.json: --preset nope: no such preset or file"),
        ('{"preset": "original", "game": "pang"}', "bad.json: -g pang: "),
        ('{"preset": true}', "preset must be the name or file of a preset"),
        ('{"preset": "pong", "game": 3}', "bad.json: game must be a string"),
        ('{"sweep": ["NIPS"]}', "sweep must be an object of lists"),
        ('{"sweep": {"arch": "NIPS"}}', "sweep.arch must be a list"),
        ('{"sweep": {"arch": []}}', "sweep.arch must be a list"),
        ('{"sweep": {"arch": ["NIPS", "NOPE"]}}', "arch=NOPE"),
        ('{"sweep": {"arch": ["NIPS", "NIPS"]}}', "-arch=NIPS: rename a file"),
        ('{"sweep": {"depth": [1, 2]}}', "unknown key 'depth'"),
        (
            '{"about": {}, "options": {"arch": "NIPS"}}',
            "bad.json: that is a preset; move it to another folder, and name it",
        ),
        ('{"options": {}}', "that is a preset"),
        ('{"sweep": {"debugging_folder": ["a", "b"]}}', "sweep.debugging_folder: does not change the training"),
    ],
)
def test_an_error_message_names_the_file_and_the_key(tmp_path, content, message):
    write(tmp_path, {"good.json": "{}", "bad.json": content})
    with pytest.raises(UserError, match="bad.*" + re.escape(message.removeprefix("bad"))):
        read_plan(tmp_path)


def test_only_the_first_errors_of_many_are_shown_and_a_folder_of_runs_is_recognised(tmp_path):
    write(tmp_path, {f"{letter}/args.json": {"archh": "NIPS"} for letter in "abcdefg"})
    with pytest.raises(UserError, match="and 2 more files with errors$") as error:
        read_plan(tmp_path)
    assert message_of(error).count("unknown key") == 5
    (tmp_path / "b/checkpoints/100").mkdir(parents=True)
    with pytest.raises(
        UserError, match=f"holds trained runs, such as {tmp_path}/b: -f is the folder of JSON files, and"
    ):
        read_plan(tmp_path)


def test_a_folder_of_roms_becomes_absolute(tmp_path, monkeypatch):
    write(tmp_path, {"toTrain/a.json": {"rom_path": "roms"}, "toTrain/b.json": {"rom_path": "gone"}, "roms/x": ""})
    monkeypatch.chdir(tmp_path)
    a, b = read_plan(Path("toTrain"))
    assert (a.options.rom_path, b.options.rom_path) == (str(tmp_path / "roms"), "gone")
    assert a.values == {"rom_path": "roms"}, "the file is recognised on a resume"


def test_seeds_in_the_sweep_exclude_the_seeds_option(tmp_path):
    write(tmp_path, {"a.json": {"sweep": {"random_seed": [1, 2]}}})
    assert [planned.options.random_seed for planned in read_plan(tmp_path)] == [1, 2]
    with pytest.raises(UserError, match="--seeds 2: .*a.json has seeds in its sweep"):
        read_plan(tmp_path, seeds=2)
