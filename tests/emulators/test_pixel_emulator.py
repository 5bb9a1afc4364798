"""Tests our small games as emulators."""

import io
import json

import numpy as np
import pytest

from emulators import make_emulator
from emulators.games import OWN_GAMES
from emulators.gym import GymEmulator
from emulators.pixel_emulator import PixelGameEmulator


def gray(picture):
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    return ((299 * red + 587 * green + 114 * blue) // 1000).astype(np.uint8)


def small(picture):
    height, width = picture.shape[:2]
    rows = [(2 * target + 1) * height // 168 for target in range(84)]
    columns = [(2 * target + 1) * width // 168 for target in range(84)]
    return picture[rows][:, columns]


@pytest.mark.parametrize("name", [*OWN_GAMES, "tetris"])
def test_the_registry_makes_an_emulator_of_each_small_game(name):
    emulator = make_emulator(name, seed=1)
    assert isinstance(emulator, PixelGameEmulator)
    assert type(emulator.game).__name__ == name.removesuffix("-v0").replace("tetris", "Tetris")
    assert emulator.action_names == list(emulator.game.actions) and emulator.num_actions == len(emulator.game.actions)
    assert emulator.max_episode_frames == 10_000 and emulator.can_save
    assert make_emulator(name, seed=1, max_episode_frames=50).max_episode_frames == 50


@pytest.mark.parametrize("single_life", [True, False])
@pytest.mark.parametrize("game", ["Catcher-v0", "MonsterKong-v0"])
def test_a_lost_life_ends_the_episode_with_single_life_episodes(game, single_life):
    emulator = make_emulator(game, seed=1, single_life_episodes=single_life)
    emulator.reset()
    emulator.step(emulator.noop)
    assert not emulator.done
    emulator.game.state["lives"] -= 1
    emulator.step(emulator.noop)
    assert emulator.done == single_life and not emulator.truncated


def test_other_environments_are_gym_emulators():
    assert isinstance(make_emulator("CartPole-v0", seed=1), GymEmulator)


@pytest.mark.parametrize("rgb", [False, True], ids=["gray", "rgb"])
@pytest.mark.parametrize("name", ["Catcher-v0", "FlappyBird-v0", "tetris"])
def test_observations_are_made_of_what_is_shown(name, rgb):
    emulator = make_emulator(name, seed=3, rgb=rgb)
    shown = []
    emulator.on_frame = shown.append
    emulator.reset()
    shown.clear()
    observation, _, _ = emulator.step(0)
    assert len(shown) == emulator.frame_skip == (1 if name == "tetris" else 2)
    seen = [small(picture[: 410 if name == "FlappyBird-v0" else None]) for picture in shown]
    newest = np.maximum.reduce(seen) if rgb else np.maximum.reduce([gray(picture) for picture in seen])[..., None]
    assert observation.shape == (84, 84, 12 if rgb else 4)
    np.testing.assert_array_equal(observation[..., 3::4], newest)


def test_only_what_is_observed_is_drawn(monkeypatch):
    emulator = make_emulator("tetris", seed=1)
    emulator.frame_skip = 4
    emulator.reset()
    drawn = []
    draw = emulator.game.draw
    monkeypatch.setattr(emulator.game, "draw", lambda: drawn.append(1) or draw())
    emulator.hold(0, 2)
    assert len(drawn) == 3  # the last frame of each play


def test_nothing_happens_after_the_end():
    emulator = make_emulator("Snake-v0", seed=1)
    emulator.reset()
    while not emulator.done:
        _, reward, _ = emulator.step(1)
    assert reward == -5 and not emulator.truncated
    before = emulator.game.save_state()
    assert emulator._press(1) == 0
    assert emulator.game.save_state() == before


def test_a_saved_state_has_the_entries_that_checkpoints_hold():
    emulator = make_emulator("Catcher-v0", seed=1)
    emulator.reset()
    saved = np.load(io.BytesIO(emulator.save_state()))
    assert set(saved.files) == {"game", "random", "stack", "screen", "counters"}
    game = json.loads(saved["game"].tobytes())
    assert game == {"state": emulator.game.state, "random": emulator.game.np_random.bit_generator.state}
