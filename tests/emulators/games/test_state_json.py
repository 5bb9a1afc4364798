"""A game's state is restored exactly, whatever numbers it holds."""

import json
from collections import OrderedDict, defaultdict, namedtuple
from enum import IntEnum

import gymnasium
import numpy as np
import pytest

from emulators import GameError, choose_frame_skip, find_game, make_emulator
from emulators.games import OWN_GAMES
from emulators.games.catcher import Catcher
from emulators.games.state_json import from_json, to_json
from tests.helpers.messages import message_of


def restored(value):
    return from_json(json.loads(json.dumps(to_json(value, "Dodge"))))


def assert_same(one, other):
    """Check that two values and all values inside them have the same type, and are equal to the last bit."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for pair in zip(one.items(), other.items(), strict=True):
            assert_same(*pair)
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for mine, others in zip(one, other, strict=True):
            assert_same(mine, others)
    elif isinstance(one, np.ndarray | np.generic):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    else:
        assert repr(one) == repr(other)


@pytest.mark.parametrize(
    "value",
    [
        *(np.int64(-(2**62)), np.uint8(255), np.float32(0.1), np.float64(0.1), np.float32("nan"), np.bool_(True)),
        *(np.str_("ü"), np.float16(-0.0), 0.1, -0.0, 10**30, True, None, "text", float("inf")),
        *((1, (2.5, np.float32(3))), [np.int64(1), [np.bool_(False)]], (), [], {}),
        *(np.arange(6, dtype=np.int16).reshape(2, 3), np.zeros((0, 2)), np.array(3.5), np.array([True])),
        {"velocity": np.float32(1.5), "lives": np.int64(3), "bombs": [(np.int64(1), 2), {"over": np.bool_(False)}]},
        {(1, 2): "a", 3: "b", "c": np.int8(4)},
        {"__tuple__": 1},
    ],
    ids=repr,
)
def test_a_value_is_restored_with_its_type(value):
    assert_same(restored(value), value)


def test_a_restored_array_can_be_changed():
    board = restored({"board": np.zeros((2, 2))})["board"]
    board[0] = 1
    assert board.sum() == 2


def test_states_of_plain_values_are_written_as_before():
    state = {"level": [[1, 0.5], [None, "a"]], "over": False, "hero": {"x": 3}}
    assert to_json(state, "Dodge") == state == from_json(state)


# Values that would lose their types in JSON.
SUBCLASSES = defaultdict(int), OrderedDict(), type("Bag", (list,), {})(), IntEnum("Colour", "red").red


@pytest.mark.parametrize(
    "value", [{1, 2}, object(), namedtuple("Point", "x y")(1, 2), np.array([object()]), 1j, *SUBCLASSES]
)
def test_the_error_for_a_value_that_cannot_be_saved_names_the_game_and_its_type(value):
    with pytest.raises(
        GameError, match=f"^Dodge: its state holds a {type(value).__name__}, which cannot be saved"
    ) as e:
        to_json({"enemies": [value]}, "Dodge")
    message_of(e)


class Dodge(Catcher):
    """Catcher with NumPy's numbers in its state, and an error where `fails` is true."""

    fails = False

    def _begin(self):
        state = super()._begin() | {"wind": np.float32(0.1), "seen": (np.bool_(False), {"steps": np.int64(0)})}
        return {name: np.int64(value) if type(value) is int else value for name, value in state.items()}

    def _advance(self, action):
        if self.fails:
            raise IndexError("no such fruit")
        self.state["wind"] *= np.float32(1.1)
        self.state["seen"][1]["steps"] += 1
        return super()._advance(action) + float(self.state["wind"]) + self.state["seen"][1]["steps"]


@pytest.fixture
def dodge(monkeypatch):
    """Add `Dodge-v0` as the README's steps for a small game do, without a row in gym_settings.py."""
    gymnasium.register("Dodge-v0", entry_point=Dodge)
    monkeypatch.setitem(OWN_GAMES, "Dodge-v0", "dodge")
    yield "Dodge-v0"
    del gymnasium.registry["Dodge-v0"]


def test_a_game_with_numpys_numbers_in_its_state_has_the_same_future_after_loading(dodge):
    emulator, other = make_emulator(dodge, seed=1), make_emulator(dodge, seed=2)
    emulator.reset()
    emulator.step(0)
    other.load_state(emulator.save_state())
    assert_same(other.game.state, emulator.game.state)
    for _ in range(20):
        assert emulator.step(1)[1:] == other.step(1)[1:]


def test_an_error_of_a_small_game_is_one_line_that_names_the_game_and_the_line(dodge):
    emulator = make_emulator(dodge, seed=1)
    emulator.reset()
    emulator.game.fails = True
    line = (
        rf"^-g {dodge}: the environment fails \(test_state_json.py, line \d+\): IndexError: no such fruit; correct it"
    )
    with pytest.raises(GameError, match=line) as error:
        emulator.step(0)
    message_of(error)


@pytest.mark.parametrize("failing", ["over", "lives"])
def test_an_error_in_a_property_of_a_small_game_is_one_line(failing, dodge, monkeypatch):
    emulator = make_emulator(dodge, seed=1, single_life_episodes=True)
    emulator.reset()
    monkeypatch.setattr(Dodge, failing, property(lambda self: self.state["missing"]))
    line = r"^-g Dodge-v0: the environment fails \(test_state_json.py, line \d+\): KeyError: 'missing'"
    with pytest.raises(GameError, match=line) as error:
        emulator.step(0)
    message_of(error)


@pytest.mark.parametrize("missing", ["size", "actions", "noop", "_begin", "over", "_draw"])
def test_an_attribute_that_a_small_game_lacks_is_named_in_one_line(missing, dodge, monkeypatch):
    monkeypatch.delattr(Catcher, missing)
    if missing == "_begin":
        monkeypatch.delattr(Dodge, missing)
    with pytest.raises(GameError, match=rf"\(TypeError: the class Dodge has no {missing}\)") as error:
        find_game(dodge)
    message_of(error)


def test_a_turn_based_small_game_has_the_same_frame_skip_in_trainings_and_by_hand(dodge, monkeypatch):
    assert choose_frame_skip(dodge) == make_emulator(dodge, seed=1).frame_skip == 2
    monkeypatch.setattr(Dodge, "metadata", Catcher.metadata | {"render_fps": 5})
    assert choose_frame_skip(dodge) == make_emulator(dodge, seed=1).frame_skip == 1


def test_a_small_game_without_a_reward_is_one_line(dodge, monkeypatch):
    emulator = make_emulator(dodge, seed=1)
    emulator.reset()
    monkeypatch.setattr(Dodge, "_advance", lambda *_: None)
    with pytest.raises(GameError, match="gives the reward None; a reward must be a finite number") as error:
        emulator.step(0)
    message_of(error)


@pytest.mark.parametrize("dtype", ["O", "V8", [["x", "O"]]])
def test_a_forged_state_makes_no_objects(dtype):
    """NumPy would take the bytes of an object array for pointers."""
    with pytest.raises((ValueError, TypeError)):
        from_json({"__array__": [dtype, [1], "41" * 8]})
