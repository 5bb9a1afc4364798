"""Tests playing by hand: without a screen, and with real keys on a virtual screen if Xvfb is installed."""

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pygame
import pytest
from PIL import Image

from emulators import GameError, make_emulator
from emulators.by_hand import ManualPlay, controls_of, describe_keys, play_frame_by_hand, start_by_hand
from emulators.games.tetris import ROWS, SHAPES
from tests.helpers import ROOT
from tests.helpers.commands import TIMEOUT_S, wait_for
from tests.helpers.environments import register

OURS = ["FlappyBird-v0", "Catcher-v0", "MonsterKong-v0", "RaycastMaze-v0", "Snake-v0", "tetris"]


class FakeRecorder:
    def __init__(self):
        self.events = []

    def start(self):
        self.events.append("start")

    def add(self, screen):
        self.events.append(screen.shape)

    def save(self):
        self.events.append("save")
        return "saved"


@pytest.fixture
def play(monkeypatch, request):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    opened = ManualPlay("A game", make_emulator(request.param, seed=1), FakeRecorder())
    yield opened
    opened.window.close()


def press(play, *names, seconds=0.03):
    for name in names:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(name)))
    play.play_frame(seconds)


def tetris(play):
    return play.emulator.game.state


@pytest.mark.parametrize("play", ["tetris"], indirect=True)
def test_keys_move_rotate_and_drop_a_piece(play):
    column = tetris(play)["column"]
    press(play, "left")
    press(play)
    assert tetris(play)["column"] == column - 1, "the key acts once"
    press(play, "right")
    press(play, "up")
    assert (tetris(play)["column"], tetris(play)["turn"]) == (column, 1)
    press(play, "return")
    assert np.any(tetris(play)["board"]) and tetris(play)["row"] == 0


@pytest.mark.parametrize("play", ["tetris"], indirect=True)
def test_return_drops_a_piece_for_the_points_of_as_many_presses_of_down(play):
    height = max(row for row, _ in SHAPES[tetris(play)["piece"]][tetris(play)["turn"]]) + 1
    press(play, "return")
    assert np.any(tetris(play)["board"]) and tetris(play)["row"] == 0
    assert play.score == ROWS - height + 1  # the last one lets the piece stay


@pytest.mark.parametrize("play", ["tetris"], indirect=True)
def test_a_row_falls_each_second(play):
    for _ in range(9):
        press(play, seconds=0.11)
    assert tetris(play)["row"] == 0
    press(play, seconds=0.11)
    assert tetris(play)["row"] == 1
    press(play, "down")
    assert tetris(play)["row"] == 2 and play.score == 1


@pytest.mark.parametrize("play", ["tetris"], indirect=True)
def test_pause_restart_film_and_quit(play):
    press(play, "left", "p")
    assert play.paused
    before = dict(tetris(play))
    press(play, "right", seconds=5)
    assert tetris(play) == before
    press(play, "g")
    assert play.note == "saved" and play._recorder.events[-1] == "save"
    press(play, "p")
    press(play, "space")
    assert play._recorder.events.count("start") == 2 and not play.paused and play.score == 0
    press(play, "escape")
    assert play.window.closed


@pytest.mark.parametrize("play", ["pong", "CartPole-v0", "FlappyBird-v0"], indirect=True)
def test_a_game_ends_and_starts_again(play):
    for _ in range(200 if play.emulator.num_actions == 6 else 2000):
        press(play)
        if play.over:
            break
    else:
        assert play.emulator.num_actions == 6, "the episode never ended"
    press(play, "r")
    assert not play.over
    assert set(play._recorder.events) == {"start", play.emulator.screen().shape}


@pytest.mark.parametrize("play", ["FrozenLake-v1"], indirect=True)
def test_a_turn_based_game_without_a_no_op_waits_for_a_key(play):
    for _ in range(3):
        press(play)
    assert play.emulator.environment.s == 0 and play._recorder.events.count(play.emulator.screen().shape) == 1
    press(play, "1")
    assert play._recorder.events.count(play.emulator.screen().shape) == 2
    press(play)
    assert play._recorder.events.count(play.emulator.screen().shape) == 2


def test_each_of_many_actions_has_a_key_that_is_not_a_command():
    emulator = make_emulator(register("Many", actions=12), seed=1)
    keys = {key for keys in controls_of(emulator).keys for key in keys}
    assert len(keys) == 12 and not keys & set("pgr")


def test_ataris_keys_can_be_combined():
    keys = controls_of(make_emulator("seaquest", seed=1)).keys
    assert len(keys) == 18 and keys[frozenset()] == 0
    assert frozenset({"up", "right", "space"}) in keys


def test_up_and_down_move_the_paddle_of_pong_as_right_and_left_do():
    emulator = make_emulator("pong", seed=1)
    keys, names = controls_of(emulator).keys, emulator.action_names
    pressed = {"up": "RIGHT", "right": "RIGHT", "down": "LEFT", "left": "LEFT", "space": "FIRE"}
    assert {key: names[keys[frozenset({key})]] for key in pressed} == pressed
    assert names[keys[frozenset({"down", "space"})]] == "LEFTFIRE" and keys[frozenset()] == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pong", "Down or Left: left, Up or Right: right, Space: fire"),
        ("seaquest", "Up, Down, Left, Right, Space: fire"),
        ("tetris", "Left, Right, Down, Up: rotate, Return: drop"),
        ("FlappyBird-v0", "Space or Up: flap"),
        ("MonsterKong-v0", "Left, Right, Space: jump, Up, Down"),
        ("RaycastMaze-v0", "Up: forward, Left, Right, Down: backward"),
        ("MountainCar-v0", "Left, Right"),
        ("FrozenLake-v1", "0, 1, 2, 3"),
        ("Acrobot-v1", "0, 1, 2"),
        ("tests.helpers.environments:Fake-v0", "0, 1, 2"),
    ],
)
def test_the_window_says_what_the_keys_do(name, text):
    assert describe_keys(controls_of(make_emulator(name, seed=1)).meanings) == text


@pytest.mark.parametrize("play", [*OURS, "pong", "CartPole-v0"], indirect=True)
def test_the_lines_fit_the_window(play):
    press(play)
    widths = [play.window._font.size(line)[0] for line in play._text_lines()]
    assert max(widths) <= pygame.display.get_surface().get_width() - 2 * 8


@pytest.mark.parametrize("name", [*OURS, "CartPole-v0", "MountainCar-v0", "FrozenLake-v1"])
def test_every_action_has_a_key(name):
    emulator = make_emulator(name, seed=2)
    start_by_hand(emulator)
    keys = controls_of(emulator).keys
    allowed = emulator.num_actions + (name == "tetris")  # only people can drop a piece
    assert set(keys.values()) == set(range(allowed))
    for action in keys.values():
        reward, over = play_frame_by_hand(emulator, action, 0.05)
        assert isinstance(reward, float) and isinstance(over, bool)
        if over:
            start_by_hand(emulator)
    assert emulator.screen().shape[2] == 3


@pytest.mark.parametrize("play", ["FrozenLake-v1"], indirect=True)
def test_an_episode_that_gymnasium_truncates_is_over(play):
    for _ in range(100):
        press(play, "0")  # left, along an edge without holes
    assert play.over


@pytest.mark.parametrize("play", ["Snake-v0"], indirect=True)
def test_closing_the_window_ends_the_game(play):
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    play.play()
    assert play.window.closed


def test_without_a_display_the_error_is_one_line(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(GameError, match=r"^no display to open a window on \(.*\); run it on a machine with a display$"):
        ManualPlay("A game", make_emulator("Snake-v0", seed=1))


@pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool")
@pytest.mark.parametrize(
    "command", [["script/play.py", "-g", "tetris", "--seed", "1"], ["-m", "emulators.games.tetris"]]
)
def test_real_keys_on_a_real_screen(command, tmp_path):
    read, write = os.pipe()
    # Without -noreset, Xvfb restarts when its last client disconnects, and may refuse the game meanwhile. Each call of
    # xdotool is a client.
    options = ["-displayfd", str(write), "-screen", "0", "900x1000x24", "-noreset"]
    server = subprocess.Popen(["Xvfb", *options], pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as display:
        environment = os.environ | {"DISPLAY": f":{display.readline().strip()}", "PYTHONPATH": str(ROOT)}
    environment.pop("SDL_VIDEODRIVER", None)
    script = [str(ROOT / command[0]), *command[1:]] if command[0].endswith(".py") else command
    game = subprocess.Popen([sys.executable, *script], cwd=tmp_path, env=environment)

    def xdotool(*arguments):
        return subprocess.run(["xdotool", *arguments], env=environment, capture_output=True, text=True).stdout.split()

    def press_until(done, *keys):
        deadline = time.monotonic() + TIMEOUT_S
        while not done():
            assert time.monotonic() < deadline
            for key in keys:
                xdotool("key", key)
            time.sleep(0.3)

    try:
        # The root window and the game's:
        wait_for(lambda: len(xdotool("search", "--class", ".*")) >= 2 or game.poll() is not None)
        assert game.poll() is None
        press_until(lambda: "play.py" not in script[0] or any((tmp_path / "gifs").glob("*.gif")), "Return", "g")
        press_until(lambda: game.poll() is not None, "Escape")
        assert game.returncode == 0
        for film in (tmp_path / "gifs").glob("*.gif"):
            with Image.open(film) as opened:
                assert opened.size == (288, 396)
    finally:
        game.kill()
        server.terminate()
        server.wait()
