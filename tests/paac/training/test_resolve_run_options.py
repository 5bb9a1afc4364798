"""The folder and the options that a training starts or goes on with, also with a preset."""

from pathlib import Path

import pytest

from paac.cli.args_json import save_options
from paac.cli.errors import UserError
from paac.training.find_runs import resolve_run_options
from tests.helpers.messages import message_of
from tests.helpers.run_folders import new_run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)


def training_folder(**typed):
    options, notes = resolve_run_options(typed)
    assert "\n" not in "".join(notes)
    return options.debugging_folder


# Where a training starts or goes on.


def test_a_new_run_has_the_folder_of_its_game():
    assert training_folder() == "logs/pong"
    assert training_folder(game="breakout") == training_folder(game="atari:breakout") == "logs/breakout"
    assert training_folder(game="FlappyBird-v0") == "logs/FlappyBird-v0"
    assert training_folder(game="atari:tetris") == "logs/atari_tetris"
    assert training_folder(game="tests.helpers.environments:Fake-v0") == "logs/tests.helpers.environments_Fake-v0"
    assert not Path("logs").exists()


def test_a_typed_folder_is_the_folder_even_if_it_is_logs():
    assert training_folder(debugging_folder="logs/") == "logs/"
    new_run("logs/pong")
    assert training_folder(debugging_folder="logs/", game="pong") == "logs/"
    assert training_folder(debugging_folder="elsewhere", game="pong") == "elsewhere"


def test_the_run_in_logs_itself_goes_on_unless_another_game_is_typed():
    new_run("logs", "breakout", step=100, gamma=0.9)
    new_run("logs/pong")
    for typed in ({}, {"game": "breakout"}, {"game": "atari:breakout"}):
        options, _ = resolve_run_options(typed)
        assert (options.debugging_folder, options.game, options.gamma) == ("logs/", "breakout", 0.9)
    assert training_folder(game="pong") == "logs/pong"
    assert training_folder(game="seaquest") == "logs/seaquest"


@pytest.mark.parametrize("typed", [{}, {"game": "pong"}])
def test_of_two_runs_of_a_game_the_one_in_its_own_folder_goes_on_and_a_line_names_the_other(typed):
    new_run("logs/pong", step=100)
    new_run("logs", step=200)
    options, notes = resolve_run_options(typed)
    assert options.debugging_folder == "logs/pong"
    assert notes == ["logs/pong and logs both hold a run of pong; this is logs/pong, and -df logs is the other one"]
    Path("own.json").write_text('{"options": {"e": 0.2}}')
    _, (same, ignored) = resolve_run_options({**typed, "preset": "own.json"})
    assert same == notes[0] and ignored.startswith("--preset is ignored")


def test_a_run_in_logs_with_the_only_checkpoint_of_the_game_goes_on():
    new_run("logs/pong")
    new_run("logs", step=200)
    assert training_folder(game="pong") == "logs/"


def test_a_line_says_that_a_new_run_lies_beside_others(monkeypatch):
    new_run("logs/pong", step=100)
    (Path("logs") / "README.md").write_text("")
    _, notes = resolve_run_options({"debugging_folder": "logs"})
    assert notes == ["logs also holds other runs, such as logs/pong; -df logs/NAME keeps the new one apart"]
    (Path("private") / "folder").mkdir(parents=True)
    monkeypatch.setattr(Path, "iterdir", lambda _: (_ for _ in ()).throw(PermissionError))
    for name in ("logs/pong", "logs/breakout", "elsewhere", "private"):
        assert resolve_run_options({"debugging_folder": name})[1] == []


def test_the_run_in_the_folder_of_the_game_goes_on():
    new_run("logs/breakout", "breakout", step=100, gamma=0.9)
    options, notes = resolve_run_options({"game": "breakout"})
    assert (options.debugging_folder, options.gamma, notes) == ("logs/breakout", 0.9, [])
    assert training_folder() == "logs/pong", "the default game, although there is only a run of another one"


def test_two_games_whose_names_give_one_folder_get_two():
    new_run("logs/atari_tetris", "tetris", step=100)
    options, notes = resolve_run_options({"game": "atari:tetris"})
    assert (options.game, options.debugging_folder) == ("atari:tetris", "logs/atari_tetris-2")
    assert notes == [
        "logs/atari_tetris is the folder of another game's run: the run of atari:tetris is in logs/atari_tetris-2"
    ]
    new_run("logs/atari_tetris-2", "atari:tetris", step=100, gamma=0.9)
    assert resolve_run_options({"game": "atari:tetris"})[0].gamma == 0.9


@pytest.mark.parametrize("game", ["", ".", "..", "../x", ".hidden", "a\0b", "\udcff", "a/b"])
def test_no_name_leads_out_of_logs_or_into_a_hidden_folder(game, monkeypatch):
    new_run("logs", "breakout")
    monkeypatch.setattr("emulators.choose_frame_skip", lambda *_: 4)  # the name of a game is checked later
    folder = Path(training_folder(game=game))
    assert folder.parent == Path("logs") and not folder.name.startswith(".")


@pytest.mark.parametrize("there", ["args.json", "episodes.csv"])
def test_an_empty_folder_is_refused_by_name_whatever_is_in_the_working_folder(there):
    Path(there).write_text("{")
    with pytest.raises(UserError) as error:
        resolve_run_options({"debugging_folder": ""})
    assert message_of(error) == "--debugging_folder '': must be a path in valid UTF-8, not empty"


def test_a_published_agent_is_not_trained_on():
    agent = new_run("pretrained/pong", step=100)
    (agent / "RESULT.json").write_text("{}")
    for expected in ("logs/more", "logs/more-2"):
        with pytest.raises(UserError) as error:
            resolve_run_options({"debugging_folder": "pretrained/pong/"})
        copied = f"cp -r pretrained/pong {expected} && rm {expected}/RESULT.json, then python3 train.py -df {expected}"
        message = message_of(error)
        assert message.startswith("-df pretrained/pong: has a RESULT.json, ") and message.endswith(copied)
        new_run(expected, step=100)
    assert training_folder(debugging_folder="logs/more") == "logs/more"


def test_a_typed_rom_path_becomes_absolute():
    Path("roms").mkdir()
    assert resolve_run_options({"rom_path": "roms"})[0].rom_path == str(Path("roms").absolute())


@pytest.mark.parametrize("inside", ["checkpoints/100", "checkpoints/100/more", "checkpoints_saved/new", "tf"])
def test_a_run_inside_the_files_of_another_run_is_refused(inside):
    new_run("logs/breakout", "breakout", step=100)
    with pytest.raises(UserError, match=f"-df logs/breakout/{inside}: belongs to the run above it; name another"):
        resolve_run_options({"debugging_folder": f"logs/breakout/{inside}"})


def test_a_link_to_the_best_agent_of_a_run_is_refused_too():
    new_run("logs/pong", step=100)
    new_run("logs/pong/best", step=50)
    Path("logs/mine").symlink_to("pong/best")
    with pytest.raises(UserError, match="-df logs/mine: belongs to the run above it"):
        resolve_run_options({"debugging_folder": "logs/mine"})
    assert training_folder(debugging_folder="logs/pong/best/../../other") == "logs/pong/best/../../other"


def test_a_copy_in_checkpoints_saved_is_trained_on_only_as_a_copy_of_it():
    new_run("logs/pong", step=100)
    new_run("logs/pong/checkpoints_saved/50", step=50)
    with pytest.raises(
        UserError, match="belongs to the run above it; train a copy: cp -r logs/pong/checkpoints_saved/50"
    ):
        resolve_run_options({"debugging_folder": "logs/pong/checkpoints_saved/50"})


# What a preset does.


def test_a_preset_gives_a_new_run_its_options_and_its_folder_unless_they_are_typed():
    options, notes = resolve_run_options({"preset": "seaquest_figar"})
    assert (options.debugging_folder, options.game, options.max_repetition) == ("logs/seaquest", "seaquest", 10)
    options, _ = resolve_run_options({"preset": "", "game": "breakout", "initial_lr": 0.5})
    assert (options.debugging_folder, options.initial_lr, options.e) == ("logs/breakout", 0.5, 1e-8)
    assert resolve_run_options({"preset": "seaquest", "debugging_folder": "own"})[0].debugging_folder == "own"
    assert notes == [] and not Path("logs").exists()


def test_a_preset_is_not_needed_to_resume_and_a_line_says_that_it_is_ignored():
    new_run("logs/breakout", "breakout", step=100, gamma=0.9)
    Path("same.json").write_text('{"options": {"gamma": 0.9, "initial_lr": 0.5}}')
    for preset in ("same.json", "deleted.json"):
        options, notes = resolve_run_options({"preset": preset, "game": "breakout", "alpha": 0.5})
        assert (options.debugging_folder, options.gamma, options.e, options.alpha) == ("logs/breakout", 0.9, 0.1, 0.5)
        ignored = "--preset is ignored: the run in logs/breakout has its options in logs/breakout/args.json"
        assert notes == [ignored, "--alpha is now 0.5; it was 0.99"]
    named, notes = resolve_run_options({"preset": "deleted.json", "debugging_folder": "logs/breakout"})
    assert named.gamma == 0.9 and len(notes) == 1
    Path("breakout.json").write_text('{"options": {"game": "breakout"}}')
    assert resolve_run_options({"preset": "breakout.json"})[0].gamma == 0.9, "found by the game of the preset"


@pytest.mark.parametrize(
    ("typed", "run_has", "preset_has"),
    [
        ({"preset": "fast", "game": "breakout"}, "--emulator_counts 32", 16),
        ({"preset": "", "game": "breakout"}, "--emulator_counts 32", 16),
        ({"preset": "fast", "debugging_folder": "logs/breakout"}, "--emulator_counts 32", 16),
        ({"preset": "", "debugging_folder": "logs/breakout"}, "--emulator_counts 32", 16),
        ({"preset": "original", "debugging_folder": "logs/breakout"}, "--rgb False", True),
        ({"preset": "original", "game": "breakout"}, "--rgb False", True),
        ({"preset": "breakout"}, "--emulator_counts 32", 16),
        ({"preset": "seaquest", "debugging_folder": "logs/breakout"}, "-g breakout", "seaquest"),
    ],
)
def test_a_preset_that_does_not_fit_the_run_is_refused_so_that_nobody_trains_on_without_it(typed, run_has, preset_has):
    new_run("logs/breakout", "breakout", step=100)
    with pytest.raises(UserError) as error:
        resolve_run_options(typed)
    assert message_of(error) == (
        f"{('--preset ' + typed['preset']).strip()}: the run in logs/breakout has {run_has}, and the preset has "
        f"{preset_has}; start a new run with another -df, or leave --preset out to resume this one"
    )


def test_a_run_that_began_with_a_preset_is_resumed_by_the_same_command():
    typed = {"preset": "fast", "game": "breakout"}
    options, _ = resolve_run_options(typed)
    run = new_run(options.debugging_folder, "breakout", step=100)
    save_options(options, run / "args.json")
    assert resolve_run_options(typed)[0] == options
    assert resolve_run_options({"preset": "fast", "debugging_folder": str(run)})[0] == options
    assert resolve_run_options({**typed, "initial_lr": 0.001})[0].initial_lr == 0.001
    with pytest.raises(UserError, match="^--emulator_counts 32: "):
        resolve_run_options({**typed, "emulator_counts": 32})


def test_without_a_preset_nothing_is_said_about_it():
    new_run("logs/pong", step=100)
    assert resolve_run_options({"preset": None})[1] == resolve_run_options({})[1] == []
