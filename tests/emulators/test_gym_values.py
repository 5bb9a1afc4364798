"""Tests that pictures and rewards of any environment are understood, or refused in one line that names it."""

import importlib

import gymnasium
import numpy as np
import pytest

from emulators import GameError, find_game, make_emulator
from emulators.gym_values import PictureReader, read_reward, read_step
from tests.helpers.environments import BYTES, PICTURES, REWARDS, Fake, register
from tests.helpers.messages import message_of

SAME = ["bytes", "unit floats", "unit float32", "floats", "integers", "list", "tuple", "RGBA", "RGBA floats"]
GRAY = {"gray": BYTES[..., 0], "gray floats": BYTES[..., 0], "one channel": BYTES[..., 0]}
GRAY["bools"] = np.uint8(255) * PICTURES["bools"]
WRONG_PICTURES = {
    "None": "gives None;",
    "text": "gives 'a picture';",
    "a row": r"gives array\(",
    "a stack": r"gives an array of shape \(2, 8, 8, 3\);",
    "two channels": r"gives an array of shape \(8, 8, 2\);",
    "nothing": r"gives an array of shape \(0, 8, 3\);",
    "ragged": "gives .*;",
    "negative": "gives values from -0.5 to 0.5;",
    "large": "gives values from 1000 to 1255;",
    "NaN": "gives values from nan to nan;",
}
RIGHT_REWARDS = ["one", "bool", "NumPy", "0-d array", "1-element array", "list"]
WRONG_REWARDS = ["None", "array", "ragged", "text", "NaN", "infinite", "too large"]


@pytest.mark.parametrize("name", SAME)
def test_a_picture_in_any_format_is_shown_as_it_is_meant(name):
    emulator = make_emulator(register("Picture", picture=name), seed=1, rgb=True)
    observation = emulator.reset()
    np.testing.assert_array_equal(emulator.screen(), BYTES)
    assert observation[-1, -1].tolist() == BYTES[-1, -1].repeat(4).tolist()


@pytest.mark.parametrize("name", GRAY)
def test_a_gray_picture_is_the_same_in_all_channels(name):
    screen = PictureReader("a game").screen(PICTURES[name])
    assert screen.dtype == np.uint8 and screen.shape == BYTES.shape
    for channel in range(3):
        np.testing.assert_array_equal(screen[..., channel], GRAY[name])


def test_the_range_of_floats_is_that_of_the_brightest_picture_so_far():
    reader = PictureReader("a game")
    assert reader.screen(np.zeros((8, 8, 3))).max() == 0
    assert reader.screen(PICTURES["unit floats"]).max() == 255
    assert reader.screen(PICTURES["floats"]).max() == 255
    assert reader.screen(PICTURES["unit floats"]).max() == 1


@pytest.mark.parametrize("name", WRONG_PICTURES)
def test_what_is_no_picture_is_refused_when_the_game_is_looked_up(name):
    game = register("Picture", picture=name)
    with pytest.raises(GameError, match=WRONG_PICTURES[name]) as error:
        find_game(game)
    assert message_of(error).startswith(f"-g {game}: render() of the environment ")


def test_pictures_of_different_sizes_are_refused():
    with pytest.raises(GameError, match=r"a picture of shape \(10, 8, 3\) after one of shape \(9, 8, 3\)"):
        find_game(register("Growing", grows=True))


@pytest.mark.parametrize("name", RIGHT_REWARDS)
def test_a_reward_is_a_float(name):
    reward = read_reward("a game", REWARDS[name])
    assert type(reward) is float and reward == 1


@pytest.mark.parametrize("name", WRONG_REWARDS)
def test_what_is_no_finite_reward_is_refused_when_the_game_is_looked_up(name):
    game = register("Reward", reward=name)
    with pytest.raises(GameError, match="a reward must be a finite number") as error:
        find_game(game)
    assert message_of(error).startswith(f"-g {game}: step() of the environment gives the reward ")


def test_a_reward_that_is_not_finite_later_names_the_environment():
    game = register("Late", after=20, odd_reward="NaN")  # after the steps that are checked
    emulator = make_emulator(game, seed=1)
    emulator.reset()
    with pytest.raises(GameError, match=f"-g {game}: .*gives the reward nan"):
        emulator.hold(0, 100)


@pytest.mark.parametrize("fps", [None, 0, -1, "30", float("nan"), float("inf")])
def test_a_game_without_a_usable_frame_rate_has_thirty_frames_per_second(fps):
    assert make_emulator(register("Rate", fps=fps), seed=1).frames_per_second == 30


@pytest.mark.parametrize(("fps", "frame_skip"), [(12.5, 2), (np.int64(4), 1), (np.float32(60), 2)])
def test_the_frame_rate_may_be_a_number_of_numpy(fps, frame_skip):
    emulator = make_emulator(register("Rate", fps=fps), seed=1)
    assert (emulator.frames_per_second, emulator.frame_skip) == (fps, frame_skip)


def test_an_error_of_the_environment_is_one_line():
    game = register("Wrong", picture="of another name")
    with pytest.raises(GameError, match=f"^-g {game}: the environment fails .*of another name") as error:
        find_game(game)
    message_of(error)


@pytest.mark.parametrize("method", ["step", "reset", "render"])
def test_an_error_of_the_environment_after_the_steps_that_are_checked_is_one_line_too(method):
    game = register("Fails", after=30, fails=method, length=40)
    emulator = make_emulator(game, seed=1)
    line = rf"^-g {game}: the environment fails \(environments.py, line \d+\): LookupError: {method} fails; correct it"
    with pytest.raises(GameError, match=line) as error:
        for _ in range(100):
            emulator.reset()
            while not emulator.done:
                emulator.step(0)
    message_of(error)


def test_an_environment_that_ends_the_program_is_reported_too():
    early, late = (register("Exits", after=after, fails="step", exits=True) for after in (3, 30))
    with pytest.raises(GameError, match=rf"^-g {early}: the environment fails .*: SystemExit: 0; correct it"):
        find_game(early)
    emulator = make_emulator(late, seed=1)
    emulator.reset()
    with pytest.raises(GameError, match="SystemExit: 0"):
        emulator.hold(0, 100)


def test_the_line_of_an_error_in_an_inherited_method_is_named(tmp_path, monkeypatch):
    (tmp_path / "small_envs.py").write_text("from tests.helpers.environments import Fake\nclass Small(Fake): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    entry_point = importlib.import_module("small_envs").Small
    gymnasium.register("Inherited-v0", entry_point=entry_point, kwargs={"after": 3, "fails": "step"})
    with pytest.raises(GameError, match=r"the environment fails \(environments.py, line \d+\): LookupError"):
        find_game("Inherited-v0")


def test_an_error_when_an_environment_is_closed_does_no_harm():
    emulator = make_emulator(register("Close", after=1, fails="close"), seed=1)
    emulator.reset()
    emulator.step(0)
    emulator.close()


@pytest.mark.parametrize("limit", [None, 100])
def test_an_old_step_with_four_values_is_refused_when_the_game_is_looked_up(limit):
    class OldStep(Fake):
        def step(self, action):
            observation, reward, over, _, info = super().step(action)
            return observation, reward, over, info

    gymnasium.register("OldStep-v0", entry_point=OldStep, max_episode_steps=limit)
    with pytest.raises(GameError, match="-g OldStep-v0: step.. of the environment gives 4 values instead of five .obs"):
        find_game("OldStep-v0")
    del gymnasium.registry["OldStep-v0"]


def test_a_step_that_gives_no_tuple_is_refused():
    with pytest.raises(GameError, match="step.. of the environment gives None instead of five"):
        read_step("a game", None)
    assert read_step("a game", (0, 1, np.True_, 0, {})) == (1.0, True, False)
