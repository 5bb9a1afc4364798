"""What the commands refuse in one line; test_bad_input.py tries input at random."""

import json

import pytest

from tests.helpers.commands import TINY

BAD_INPUT = {
    "-g pongg": "did you mean pong",
    "-g joust": "two players",
    "-g Pong-v4": "did you mean pong",
    "-g tetris:pong": "the platform tetris has one game",
    "-g atari:Catcher-v0": "no game of that name",
    "-g Pendulum-v1": "discrete actions",
    "-g Snake-v0 --protocol machado": "leave them out",
    "--rom_path nowhere": "no such folder",
    "-ec 0": "--emulator_counts 0: must be from 1 to 10000",
    "-ew -3": "--emulator_workers -3: must be 1 or more",
    "-ec 2 -ew 3": "at most 2, the value of --emulator_counts",
    "--arch foo": "one of NIPS, NATURE, PWYX",
    "-lr -0.1": "--initial_lr -0.1: must be 0 or more",
    "--nb_choices 3": "use --nb_choices 1, or --max_repetition 2",
    "--max_repetition -1": "--max_repetition -1: must be from 0 to 10000",
    "-df /proc/nowhere": "cannot be written",
    "-df file": "that is a file",
    "--no_such_option": "--no_such_option",
    "-d gpu": "/cpu:0, /gpu:0",
    "-ec 1.5": "must be a whole number",
    "-ec 99999999999999999999": "--emulator_counts 99999999999999999999: must be",
    "--op_threads 1000000": "from 1 to 256",
    "-df=": "--debugging_folder '': must be a path in valid UTF-8, not empty",
    "--random_seed 5": "there is no option --random_seed; did you mean --seed?",
}


@pytest.mark.parametrize("arguments", BAD_INPUT)
def test_bad_input_gives_one_line_and_writes_nothing(commands, arguments):
    (commands.folder / "file").touch()
    refused = commands.run("train.py", *arguments.split(), code=2)
    assert refused.stderr.startswith("train.py: ") and refused.stderr.count("\n") == 1
    assert BAD_INPUT[arguments] in refused.stderr
    assert [path.name for path in commands.folder.iterdir()] == ["file"]


def test_bad_folders_give_one_line(commands):
    folder = commands.folder
    (folder / "broken").mkdir()
    (folder / "broken/args.json").write_text("{")
    (folder / "empty").mkdir()
    (folder / "untrained").mkdir()
    (folder / "untrained/args.json").write_text("{}")
    expected = {
        ("train.py", "-df", "broken"): "broken/args.json cannot be read",
        ("test.py", "-f", "broken"): "broken/args.json cannot be read",
        ("test.py", "-f", "empty"): "no run there",
        ("test.py",): "no such folder",
        ("gif.py", "-f", "untrained"): "no intact checkpoint there",
        ("test.py", "-f", "."): ".: no run there has a checkpoint; train one first: broken, untrained",
        ("gif.py", "-tc", "0"): "--test_count 0: must be from 1 to 1000",
        ("test.py", "--mp4"): "--mp4: test.py writes films only with -gn NAME",
        ("train.py", "--list_games", "--rom_path", "nowhere"): "--rom_path nowhere: no such folder",
        ("train.py", "-df", 300 * "x"): f"-df {300 * 'x'}: cannot be written (File name too long)",
        ("test.py", "-f", 300 * "x"): f"-f {300 * 'x'}: no such folder",
        ("test.py", "-f", ".", "--json", f"{300 * 'x'}/a"): "must be a file in an existing folder",
        ("train.py", "--preset", 300 * "x"): "no such preset or file",
    }
    for (script, *arguments), message in expected.items():
        refused = commands.run(script, *arguments, code=2)
        assert message in refused.stderr and refused.stderr.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["broken", "empty", "untrained"]


@pytest.mark.slow
def test_fixed_options_edited_in_args_json_are_refused(commands):
    commands.run("train.py", "-df", "run", "--max_global_steps", "20", *TINY)
    saved = commands.folder / "run/args.json"
    for key, value in (("arch", "NATURE"), ("emulator_counts", 6), ("random_seed", None)):
        edited = json.dumps(json.loads(saved.read_text()) | {key: value})
        original = saved.read_text()
        saved.write_text(edited)
        refused = commands.run("train.py", "-df", "run", "--max_global_steps", "40", code=2)
        assert f"args.json: {key} is " in refused.stderr and refused.stderr.count("\n") == 1
        assert saved.read_text() == edited
        saved.write_text(original)


@pytest.mark.slow
def test_nothing_is_fixed_before_the_first_checkpoint(commands):
    (commands.folder / "run").mkdir()
    (commands.folder / "run/args.json").write_text('{"arch": "NATURE", "emulator_counts": 64}')
    trained = commands.run("train.py", "-df", "run", "--max_global_steps", "20", *TINY)
    assert "--emulator_counts is now 4; it was 64" in trained.stdout and "pong: NATURE" in trained.stdout


@pytest.mark.parametrize("script", ["baselines.py", "play.py", "benchmark.py"])
def test_a_folder_of_roms_that_does_not_exist_is_refused(commands, script):
    refused = commands.run(f"script/{script}", "-g", "pong", "--rom_path", "rmos", code=2)
    assert f"{script}: --rom_path rmos: no such folder; leave it out to play" in refused.stderr
