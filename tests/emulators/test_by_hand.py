"""Playing by hand: keys, score, pause, restart; without a screen, and on one with real keys where there is Xvfb."""

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
from emulators.by_hand import Window
from tests.helpers import ROOT


class Recorder:
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
def window(monkeypatch, request):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    opened = Window("A game", make_emulator(request.param, seed=1), Recorder())
    yield opened
    if not opened.closed:
        opened.close()


def tap(window, *names, seconds=0.03):
    for name in names:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(name)))
    window.frame(seconds)


def tetris(window):
    return window._emulator.game.state


@pytest.mark.parametrize("window", ["tetris"], indirect=True)
def test_keys_move_turn_and_drop_a_piece(window):
    column = tetris(window)["column"]
    tap(window, "left")
    tap(window)
    assert tetris(window)["column"] == column - 1, "once each time it is pressed"
    tap(window, "right")
    tap(window, "up")
    assert (tetris(window)["column"], tetris(window)["turn"]) == (column, 1)
    tap(window, "return")
    assert np.any(tetris(window)["board"]) and tetris(window)["row"] == 0


@pytest.mark.parametrize("window", ["tetris"], indirect=True)
def test_a_row_falls_each_second(window):
    for _ in range(9):
        tap(window, seconds=0.11)
    assert tetris(window)["row"] == 0
    tap(window, seconds=0.11)
    assert tetris(window)["row"] == 1
    tap(window, "down")
    assert tetris(window)["row"] == 2 and window.score == 1


@pytest.mark.parametrize("window", ["tetris"], indirect=True)
def test_pause_restart_film_and_quit(window):
    tap(window, "left", "p")
    assert window.paused
    before = dict(tetris(window))
    tap(window, "right", seconds=5)
    assert tetris(window) == before
    tap(window, "g")
    assert window.note == "saved" and window._recorder.events[-1] == "save"
    tap(window, "p")
    tap(window, "space")
    assert window._recorder.events.count("start") == 2 and not window.paused and window.score == 0
    tap(window, "escape")
    assert window.closed


@pytest.mark.parametrize("window", ["pong", "CartPole-v0", "FlappyBird-v0"], indirect=True)
def test_a_game_ends_and_starts_again(window):
    for _ in range(200 if window._emulator.num_actions == 6 else 2000):
        tap(window)
        if window.over:
            break
    else:
        assert window._emulator.num_actions == 6, "it never ended"
    tap(window, "r")
    assert not window.over
    assert set(window._recorder.events) == {"start", window._emulator.screen().shape}


def test_ataris_keys_go_together():
    keys = make_emulator("seaquest", seed=1).keys()
    assert len(keys) == 18 and keys[frozenset()] == 0
    assert frozenset({"up", "right", "space"}) in keys


def test_without_a_display_there_is_one_clear_line(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(GameError, match="no display"):
        Window("A game", make_emulator("Snake-v0", seed=1))


@pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool")
@pytest.mark.parametrize(
    "command", [["script/play.py", "-g", "tetris", "--seed", "1"], ["-m", "emulators.games.tetris"]]
)
def test_real_keys_on_a_real_screen(command, tmp_path):
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "900x1000x24"], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    with os.fdopen(read) as display:
        environment = os.environ | {"DISPLAY": f":{display.readline().strip()}", "PYTHONPATH": str(ROOT)}
    environment.pop("SDL_VIDEODRIVER", None)
    script = [str(ROOT / command[0]), *command[1:]] if command[0].endswith(".py") else command
    game = subprocess.Popen([sys.executable, *script], cwd=tmp_path, env=environment)

    def xdotool(*arguments):
        return subprocess.run(["xdotool", *arguments], env=environment, capture_output=True, text=True).stdout.split()

    def press_until(done, *keys):
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline
            for key in keys:
                xdotool("key", key)
            time.sleep(0.3)

    try:
        deadline = time.monotonic() + 60
        while len(xdotool("search", "--class", ".*")) < 2:  # the root window, and the game's
            assert time.monotonic() < deadline and game.poll() is None
            time.sleep(0.2)
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
