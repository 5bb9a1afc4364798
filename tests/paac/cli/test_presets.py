"""Presets: each is valid and has the options of a trained agent, typed options win, and mistakes are one line."""

import dataclasses
import json
from pathlib import Path

import pytest

from emulators import GameError
from paac.cli.args_json import load_options
from paac.cli.command_line import LOCAL, typed_options
from paac.cli.errors import UserError
from paac.cli.options import Options, TrainOptions, resolve
from paac.cli.presets import ORIGINAL, preset_files, read_preset, with_preset
from tests.helpers import ROOT
from tests.helpers.messages import message_of

# The options of these were changed during the training: no single command makes them.
MADE_BY_SEVERAL_COMMANDS = {"cartpole", "catcher_lstm", "flappy_bird", "ms_pacman_figar", "pong_figar", "tetris"}
AGENTS = sorted(path.parent.name for path in (ROOT / "pretrained").glob("*/args.json"))
LEARNING_OPTIONS = {
    field.name
    for field in dataclasses.fields(Options)
    if field.metadata["kind"] != LOCAL and field.metadata["group"] != "Run" and field.name != "random_seed"
}


def learning_options(options):
    return {name: getattr(options, name) for name in LEARNING_OPTIONS}


def game_of(preset):
    return read_preset(preset_files()[preset]).get("game")


def options_of(preset, agent):
    """Return the options of `preset`. If it names no game, the game and `max_global_steps` are those of `agent`."""
    typed = {"preset": preset}
    if game_of(preset) is None:
        typed |= {name: agent[name] for name in ("game", "max_global_steps")}
    return learning_options(resolve(with_preset(typed)))


def about(preset):
    return json.loads(preset_files()[preset].read_text())["about"]


def write(values, name="mine.json"):
    Path(name).write_text(json.dumps(values))
    return name


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("preset", preset_files())
def test_a_preset_has_the_options_and_the_score_of_its_agent(preset):
    claimed = about(preset)
    folder = ROOT / claimed["source"]
    agent = load_options(folder / "args.json")
    trained = learning_options(agent)
    assert options_of(preset, trained) == trained
    result = json.loads((folder / "RESULT.json").read_text())
    assert (claimed["decisions"], claimed["score"]) == (result["training"]["decisions"], result["agent"]["mean"])
    assert claimed["seeds"] == [agent.random_seed]
    assert claimed["decisions"] <= agent.max_global_steps


@pytest.mark.parametrize("name", [name for name in AGENTS if name not in MADE_BY_SEVERAL_COMMANDS])
def test_every_agent_that_one_command_made_has_a_preset_or_the_default_options(name):
    trained = learning_options(load_options(ROOT / "pretrained" / name / "args.json"))
    defaults = learning_options(resolve({"game": trained["game"]}))
    assert trained in [defaults, *(options_of(preset, trained) for preset in preset_files())]


@pytest.mark.parametrize("game", ["pong", "tetris", "CartPole-v1"])
def test_the_preset_fast_can_be_combined_with_any_game_and_figar(game):
    assert game_of("fast") is None
    options = resolve(with_preset({"preset": "fast", "game": game, "max_repetition": 10}))
    assert (options.game, options.nb_choices, options.initial_lr) == (game, 11, 0.0015)
    assert resolve(with_preset({"preset": "fast", "game": game})).nb_choices == 1


@pytest.mark.parametrize("game", ["pong", "seaquest"])
def test_the_presets_of_pong_and_seaquest_are_fast_with_a_game_and_an_end(game):
    own = read_preset(preset_files()[game])
    assert own.pop("game") == game and own.pop("max_global_steps") < Options.max_global_steps
    assert own == read_preset(preset_files()["fast"])


def test_a_preset_without_a_value_is_that_of_the_game():
    assert with_preset({"game": "breakout", "preset": ""})["initial_lr"] == 0.0007
    assert with_preset({"game": "atari:breakout", "preset": ""})["initial_lr"] == 0.0007
    assert with_preset({"preset": ""}) == read_preset(preset_files()["pong"])
    with pytest.raises(UserError) as error:
        with_preset({"game": "tetris", "preset": ""})
    assert message_of(error).startswith("--preset: there is no preset for tetris; try --preset fast, ")


def test_the_flag_may_be_typed_with_and_without_a_value():
    assert typed_options(TrainOptions, ["--preset", "-g", "pong"], "") == {"preset": "", "game": "pong"}
    assert typed_options(TrainOptions, ["--preset", "snake"], "") == {"preset": "snake"}
    assert typed_options(TrainOptions, [], "") == {}


def test_typed_options_win_and_what_depends_on_them_is_chosen_again(folder):
    typed = {"preset": "breakout", "initial_lr": 0.5, "game": "seaquest"}
    options = with_preset(typed)
    assert (options["game"], options["initial_lr"], options["e"]) == ("seaquest", 0.5, 1e-8)
    assert resolve(with_preset({"preset": "seaquest_figar", "max_repetition": 5})).nb_choices == 6
    own = {"game": "CartPole-v1", "frame_skip": 1, "env_kwargs": {"sutton_barto_reward": True}}
    file = write({"options": own})
    assert resolve(with_preset({"preset": file})).frame_skip == 1
    assert with_preset({"preset": file, "game": "pong"}) == {"game": "pong"}


def test_a_file_is_a_preset_too_with_its_keys_named_as_in_args_json_or_as_flags(folder):
    file = write({"about": {"source": "me"}, "options": {"lr": 0.01, "max_global_steps": "1e6"}})
    options = with_preset({"preset": file, "game": "pong"})
    assert options == {"game": "pong", "initial_lr": 0.01, "max_global_steps": 1_000_000}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "mine.json holds no JSON object"),
        ({}, "mine.json: must hold {"),
        ({"options": [1]}, "mine.json: must hold {"),
        ({"options": {}, "game": "pong"}, "mine.json: must hold {"),
        ({"options": {"gama": 0.9}}, "mine.json: unknown key 'gama'; did you mean gamma?"),
        ({"options": {"gamma": "high"}}, 'mine.json: gamma must be a number, not "high"'),
        ({"options": {"gamma": 2.0}}, "mine.json: --gamma 2.0: must be from 0 to 1"),
        ({"options": {"max_repetition": 1, "nb_choices": 5}}, "mine.json: --nb_choices 5: at most"),
        ({"options": {"device": "/cpu:0"}}, "mine.json: device belongs to a machine"),
        ({"options": {"debugging_folder": "logs"}}, "mine.json: debugging_folder belongs to a machine"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_with_its_name(values, message, folder):
    with pytest.raises(UserError) as error:
        with_preset({"preset": write(values)})
    assert message_of(error).startswith(message)


@pytest.mark.parametrize("name", ["snaek", "../presets/pong", "missing.json", "presets"])
def test_an_unknown_preset_is_refused_with_the_names_of_those_that_exist(name, folder):
    Path("presets").mkdir()
    with pytest.raises(UserError) as error:
        with_preset({"preset": name})
    message = message_of(error)
    assert message.startswith(f"--preset {name}: no such preset or file; the presets are ")
    assert all(preset in message for preset in [*preset_files(), ORIGINAL])
    assert message.endswith("; did you mean Snake-v0?") == (name == "snaek")


@pytest.mark.parametrize(
    ("game", "rgb", "arch", "lr", "entropy", "choices", "random_start"),
    [
        ("breakout", True, "PWYX", 0.0224, 0.05, 11, True),
        ("pong", True, "PWYX", 0.0224, 0.05, 11, True),
        ("space_invaders", True, "PWYX", 0.0224, 0.05, 11, True),
        ("ms_pacman", False, "PWYX", 0.0224, 0.05, 11, True),
        ("seaquest", False, "PWYX", 0.0224, 0.05, 11, True),
        ("gopher", False, "PWYX", 0.0224, 0.05, 11, True),
        ("Catcher-v0", False, "NIPS", 0.02, 0.02, 1, False),
        ("FlappyBird-v0", False, "NIPS", 0.01, 0.01, 1, False),
        ("Snake-v0", False, "NIPS", 0.0224, 0.01, 1, False),
    ],
)
def test_the_preset_original_has_the_options_of_the_original(game, rgb, arch, lr, entropy, choices, random_start):
    options = resolve(with_preset({"game": game, "preset": ORIGINAL}))
    assert (options.game, options.rgb, options.arch, options.initial_lr) == (game, rgb, arch, lr)
    assert (options.entropy_regularisation_strength, options.lr_annealing_steps) == (entropy, 300_000_000)
    assert (options.nb_choices, options.random_start) == (choices, random_start)
    assert options.repetition_table == list(range(choices))


def test_the_preset_original_is_refused_for_a_game_that_the_original_could_not_play():
    for game in ("tetris", "CartPole-v1"):
        with pytest.raises(UserError) as error:
            with_preset({"game": game, "preset": ORIGINAL})
        assert message_of(error).startswith(f"--preset original: the original Manette has no options for {game}; ")
    with pytest.raises(GameError, match="^-g pang: there is no game of that name"):
        with_preset({"game": "pang", "preset": ORIGINAL})


def test_the_name_of_a_preset_names_a_game_or_starts_with_it():
    for name in preset_files().keys() - {"fast"}:  # Snake-v0 for Snake-v0, seaquest_figar for seaquest
        assert name.split("_")[0] == game_of(name).split("_")[0]
    assert ORIGINAL not in preset_files()


def test_the_page_about_presets_names_all_of_them():
    page = (ROOT / "docs/training.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in preset_files())
