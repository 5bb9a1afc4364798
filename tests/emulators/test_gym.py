"""Tests Gymnasium's games and our small games as emulators."""

import importlib.util
import json
import random
from collections import Counter

import gymnasium
import numpy as np
import pytest

from emulators import EmulatorPool, GameError, find_game, list_games, make_emulator, short_name
from emulators.games import OWN_GAMES
from emulators.gym_settings import GAME_SETTINGS, GymSettings, allows_random_start
from tests.helpers.environments import BYTES, Fake
from tests.helpers.messages import message_of

OURS = ["FlappyBird-v0", "Catcher-v0", "MonsterKong-v0", "RaycastMaze-v0", "Snake-v0", "tetris"]
FAKE = "tests.helpers.environments:Fake-v0"
PLAYED = [*OURS, "CartPole-v0", "MountainCar-v0", "FrozenLake-v1"]


NAMES = {
    "pong": ["NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"],
    "FlappyBird-v0": ["flap", "no-op"],
    "tetris": ["no-op", "left", "right", "down", "rotate"],
    "CartPole-v0": ["left", "right"],
    "MountainCar-v0": ["left", "no-op", "right"],
    "FrozenLake-v1": ["0", "1", "2", "3"],  # its actions have no names
}


@pytest.mark.parametrize("name", [*NAMES, *PLAYED])
def test_every_action_has_its_own_name(name):
    emulator = make_emulator(name, seed=1)
    names = emulator.action_names
    emulator.close()
    assert len(set(names)) == len(names) == emulator.num_actions
    assert names == NAMES.get(name, names)
    if emulator.noop is not None:
        assert names[emulator.noop].lower().replace("-", "") == "noop"


def play(emulator, decisions=60):
    course = []
    for action in np.random.default_rng(4).integers(0, emulator.num_actions, decisions).tolist():
        if emulator.done:
            course.append(emulator.reset().tobytes())
        observation, reward, done = emulator.step(action)
        course.append((observation.tobytes(), reward, done, emulator.truncated))
    return course


@pytest.mark.parametrize("name", PLAYED)
def test_equal_seeds_play_the_same_and_other_seeds_do_not(name):
    courses = [play(make_emulator(name, seed=seed), 250) for seed in (5, 5, 6)]
    assert courses[0] == courses[1]
    assert courses[0] != courses[2] or name == "FrozenLake-v1"


def test_a_loaded_state_sets_only_the_attributes_that_hold_the_state():
    emulator = make_emulator("CartPole-v1", seed=1)
    emulator.reset()
    forged = json.loads(emulator._save())
    forged["values"]["render"] = 3
    emulator._load(json.dumps(forged).encode())
    assert callable(emulator._environment.unwrapped.render)


@pytest.mark.parametrize("name", [name for name in PLAYED if name != "FrozenLake-v1"])
@pytest.mark.parametrize("decisions", [0, 7, 41])
def test_a_loaded_state_has_the_same_future(name, decisions):
    emulator, other = make_emulator(name, seed=5), make_emulator(name, seed=9)
    emulator.reset()
    other.reset()
    for action in np.random.default_rng(1).integers(0, emulator.num_actions, decisions).tolist():
        if emulator.done:
            emulator.reset()
        emulator.step(action)
    saved = emulator.save_state()
    expected = play(emulator)
    other.load_state(saved)
    assert play(other) == expected


def test_a_game_that_cannot_save_its_state_says_so_and_the_pool_knows():
    emulator = make_emulator("FrozenLake-v1", seed=1)
    emulator.reset()
    assert not emulator.can_save
    with pytest.raises(NotImplementedError):
        emulator.save_state()
    with EmulatorPool("FrozenLake-v1", 2, workers=1, seed=1) as pool:
        assert not pool.can_save
    with EmulatorPool("Snake-v0", 2, workers=1, seed=1) as pool:
        pool.reset()
        assert pool.can_save and len(pool.save_states()) == 2


def test_an_episode_is_truncated_where_gymnasium_truncates_it():
    emulator = make_emulator("MountainCar-v0", seed=1, random_start=False)  # 200 steps, 2 a decision; 8 fill the stack
    emulator.reset()
    decisions = 0
    while not emulator.done:
        emulator.step(1)
        decisions += 1
    assert emulator.truncated and decisions == (200 - 8) / 2
    assert make_emulator("MountainCar-v0", seed=1, max_episode_frames=50).max_episode_frames == 50


def test_games_in_which_no_ops_kill_have_no_random_start():
    assert [name for name in GAME_SETTINGS if not allows_random_start(name)] == ["FlappyBird-v0", "Snake-v0"]
    assert allows_random_start("pong") and not allows_random_start("gym:Snake-v0")


def test_without_a_no_op_the_first_picture_fills_the_stack():
    observation = make_emulator("CartPole-v0", seed=1).reset()
    assert all(np.array_equal(observation[..., 0], observation[..., frame]) for frame in (1, 2, 3))


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("Pendulum-v1", "its actions are Box"),
        ("LunarLander-v3", "Box2D"),
        ("MinAtar/Breakout-v1", "pip install minatar"),
        ("gym:Nope-v0", "no game of that name"),
        ("flappybird", "did you mean FlappyBird-v0"),
        ("cartpole", "did you mean .*CartPole-v0"),
        ("Reacher-v0", "For an environment of your own, type MODULE:Reacher-v0. train.py --list_games"),
    ],
)
def test_the_error_for_a_game_that_cannot_be_played_is_one_line(typed, reason):
    if typed == "LunarLander-v3" and importlib.util.find_spec("Box2D"):
        pytest.skip("Box2D is installed")
    with pytest.raises(GameError, match=reason) as error:
        find_game(typed)
    assert "\n" not in str(error.value) and f"-g {typed.removeprefix('gym:')}" in str(error.value).replace("gym:", "")


FAKE = "tests.helpers.environments:Fake-v0"


@pytest.mark.parametrize("typed", [FAKE, f"gym:{FAKE}"])
def test_the_module_of_an_environment_is_imported_in_the_workers_too(typed):
    game = find_game(typed)
    assert str(game) == short_name(typed) == FAKE and find_game(str(game)) == game
    with EmulatorPool(game, 2, workers=2, seed=1) as pool:
        observations = pool.reset()
        assert pool.step(0, np.zeros(2), np.zeros(2)).rewards.tolist() == [2, 2]
    np.testing.assert_array_equal(observations[0], make_emulator(FAKE, seed=1).reset())


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("no_such_module:Fake-v0", "no platform or module 'no_such_module'.*installed, beside train.py or in"),
        ("not a module:Fake-v0", "no platform or module 'not a module'"),
        ("tests.helpers.no_such_module:Fake-v0", "the module tests.helpers.no_such_module cannot be imported"),
        ("tests.helpers.environments:Fka-v0", "did you mean tests.helpers.environments:Fake-v0"),
        (
            "tests.helpers.environments:Something-v9",
            "after the import of tests.helpers.environments, which must register it",
        ),
        ("tests.helpers.environments:", "Malformed environment ID"),
        ("ale_py:ALE/Pong-v5", "did you mean pong"),
        ("ale_py:ALE/Pnog-v5", "did you mean ale_py:ALE/Pong-v5"),
        ("gymnasium:CartPole-v9", "did you mean gymnasium:CartPole-v"),
        ("atari:tests.helpers.environments:Fake-v0", "no platform or module 'atari:tests"),
        ("broken_envs:Fake-v0", r"imported \(broken_envs.py, line 2: RuntimeError: first line second line\)"),
        ("ended_envs:Fake-v0", r"the module ended_envs cannot be imported \(ended_envs.py, line 1: SystemExit: 3\)"),
        ("bad_class:Bad-v0", r"cannot make this game \(bad_class.py, line 5: KeyError: 'sise'\)"),
        ("broken_envs.inside:Fake-v0", r"cannot be imported \(broken_envs.py, line 2: RuntimeError: first line"),
    ],
)
def test_the_error_for_a_module_without_that_environment_is_one_line(typed, reason, tmp_path, monkeypatch):
    (tmp_path / "broken_envs.py").write_text("\nraise RuntimeError('first line\\nsecond line')")
    (tmp_path / "bad_class.py").write_text(
        "import gymnasium\nclass Bad(gymnasium.Env):\n"
        "    def __init__(self, render_mode):\n        settings = {}\n        settings['sise']\n"
        "gymnasium.register('Bad-v0', entry_point=Bad)"
    )
    (tmp_path / "ended_envs.py").write_text("import sys; sys.exit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(GameError, match=reason) as error:
        find_game(typed)
    assert message_of(error).startswith(f"-g {typed}: ")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("metadata = {'render_modes': ['rgb_array']}", "AttributeError: .*has no attribute 'action_space'"),
        ("action_space = property(lambda self: 1 / 0)", r"\.py, line 4.*ZeroDivisionError"),
        ("action_space = gymnasium.spaces.Discrete(2); metadata = {'render_modes': None}", "cannot render to pixels"),
        (
            "action_space = gymnasium.spaces.Discrete(2); metadata = property(lambda self: [1])",
            "has no attribute 'get'",
        ),
    ],
)
def test_the_error_for_an_unfinished_environment_is_one_line(body, reason, tmp_path, monkeypatch):
    module = tmp_path.name  # another one for each case
    (tmp_path / f"{module}.py").write_text(
        "import gymnasium\nclass Odd(gymnasium.Env):\n    def __init__(self, render_mode): pass\n"
        f"    {body}\ngymnasium.register('{module}-v0', entry_point=Odd)"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(GameError, match=reason) as error:
        find_game(f"{module}:{module}-v0")
    assert message_of(error).startswith(f"-g {module}:{module}-v0: ")


def test_arguments_of_an_environment_reach_it_in_the_workers_too():
    game = find_game(FAKE, env_kwargs='{"picture": "bools"}')
    expected = make_emulator(FAKE, seed=1, env_kwargs='{"picture": "bools"}').reset()
    assert not np.array_equal(expected, make_emulator(FAKE, seed=1).reset())
    with EmulatorPool(game, 2, workers=1, seed=1) as pool:
        np.testing.assert_array_equal(pool.reset()[0], expected)


@pytest.mark.parametrize(
    ("game", "reason"),
    [
        (FAKE, "unexpected keyword argument 'size'"),
        ("CartPole-v1", "unexpected keyword argument 'size'"),
        ("Snake-v0", "--env_kwargs apply only to Gymnasium's environments; leave them out"),
        ("pong", "--env_kwargs apply only to Gymnasium's environments; leave them out"),
        ("tetris", "--env_kwargs apply only to Gymnasium's environments; leave them out"),
    ],
)
def test_the_error_for_arguments_that_a_game_does_not_have_is_one_line(game, reason):
    with pytest.raises(GameError, match=reason) as error:
        find_game(game, env_kwargs='{"size": 8}')
    assert message_of(error).startswith(f"-g {game}: ")


def test_the_arguments_cannot_set_what_the_emulator_sets():
    with pytest.raises(GameError, match="--env_kwargs has render_mode, which is always rgb_array; leave it out"):
        find_game("CartPole-v1", env_kwargs='{"render_mode": "human"}')


def test_the_module_may_have_the_name_of_a_platform():
    assert short_name("gym:gym:Fake-v0") == "gym:gym:Fake-v0"


@pytest.mark.parametrize("fails", ["reset", "render"])
def test_an_environment_that_cannot_start_an_episode_is_closed(fails, monkeypatch):
    game = find_game(FAKE)
    closed = []
    monkeypatch.setattr(Fake, fails, lambda self, **_: 1 / 0)
    monkeypatch.setattr(Fake, "close", lambda self: closed.append(self))
    with pytest.raises(GameError, match="the environment fails: ZeroDivisionError"):
        make_emulator(game, seed=1)
    assert len(closed) == 1


@pytest.mark.parametrize("draws", ["", "random", "numpy.random"])
def test_an_environment_that_draws_from_global_generators_is_named_and_leaves_them_as_they_were(draws):
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    notice = find_game(FAKE, env_kwargs=json.dumps({"draws": draws})).notice
    assert (random.random(), np.random.random()) == expected
    assert notice == (
        f"-g {FAKE}: --seed does not repeat this environment: it depends on more than self.np_random (on random, "
        "numpy.random or the time, for example), or its reset does not call super().reset(seed=seed)"
        if draws
        else ""
    )


@pytest.mark.parametrize("map_name", ["4x4", None])
def test_an_environment_with_a_generator_that_is_not_seeded_is_named(map_name):
    """FrozenLake draws its map when it is made, from a generator of its own."""
    notice = find_game("FrozenLake-v1", env_kwargs=json.dumps({"map_name": map_name})).notice
    assert notice.startswith("-g FrozenLake-v1: --seed does not repeat this environment") == (map_name is None)


def test_an_environment_that_differs_only_in_a_later_episode_is_named(monkeypatch):
    renders: Counter[Fake] = Counter()

    def render(self):
        renders[self] += 1
        return BYTES[::-1] if len(renders) == 2 and renders[self] == 3 else BYTES

    monkeypatch.setattr(Fake, "render", render)
    assert "--seed does not repeat this environment" in find_game(FAKE).notice


def test_only_atari_games_have_sticky_actions():
    with pytest.raises(GameError, match="--protocol machado"):
        make_emulator("Catcher-v0", seed=1, sticky_actions=0.25)


def test_a_game_is_found_by_its_short_and_long_name_and_is_listed_once():
    assert find_game("gym:Snake-v0") == find_game("Snake-v0")
    assert short_name("gym:Snake-v0") == "Snake-v0" and short_name("tetris:tetris") == "tetris"
    assert find_game("tetris") == find_game("tetris:tetris") and find_game("tetris").platform == "tetris"
    for other in ("Tetris", "Tetris-v0", "gym:Tetris-v0"):  # the first is that of the original
        assert find_game(other) == find_game("tetris") and short_name(other) == "tetris"
        assert make_emulator(other, seed=1).frame_skip == 1
    assert find_game("atari:tetris").platform == "atari" and short_name("atari:tetris") == "atari:tetris"
    games = list_games("nowhere")
    assert len(games["atari"]) == 104 and "atari:tetris" in games["atari"] and games["tetris"] == ["tetris"]
    assert games["gym"][:5] == OURS[:5] and "CartPole-v1" in games["gym"] and "Tetris-v0" not in games["gym"]
    assert set(games["gym"][:-1]) <= set(gymnasium.registry)
    with pytest.raises(GameError, match="type -g tetris"):
        find_game("tetris:foo")


def test_own_games_are_listed_however_they_were_added(monkeypatch):
    by_row, small, of_a_package = "Row-v0", "Small-v0", "Package-v0"
    monkeypatch.setitem(GAME_SETTINGS, by_row, GymSettings(by_row))
    monkeypatch.setitem(OWN_GAMES, small, "small")
    for name, entry_point in ((small, "emulators.games.small:Small"), (of_a_package, "my_package.envs:Package")):
        monkeypatch.setitem(gymnasium.registry, name, gymnasium.envs.registration.EnvSpec(name, entry_point))
    listed = list_games("nowhere")["gym"]
    assert {by_row, small, of_a_package} <= set(listed) and len(set(listed)) == len(listed)
    assert "MODULE:ID" in listed[-1] and "FrozenLake-v1" not in listed
