"""Tests the window without a screen."""

from types import SimpleNamespace

import numpy as np
import pygame
import pytest

from emulators import GameError, make_emulator
from emulators.games.snake import Snake
from emulators.window import MAX_HEIGHT, MAX_WIDTH, DisplayError, Window

PICTURE = np.zeros((2, 3, 3), np.uint8)
PICTURE[0], PICTURE[1] = (200, 0, 0), (0, 150, 0)


@pytest.fixture
def window(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    opened = Window("A game")
    yield opened
    opened.close()


def pixels():
    """Return what is on the screen, uint8 [height, width, 3]."""
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


def test_a_picture_fills_the_window(window):
    window.show(PICTURE, (30, 20))
    assert pygame.display.get_caption()[0] == "A game"
    assert pixels().shape == (20, 30, 3)
    assert (pixels()[:10] == PICTURE[0, 0]).all() and (pixels()[10:] == PICTURE[1, 0]).all()
    window.show(PICTURE[::-1, ::-1], (30, 20))  # not contiguous in memory
    assert (pixels()[:10] == PICTURE[1, 0]).all()


def test_lines_of_text_are_below_the_picture(window):
    window.show(PICTURE, (30, 20), ["Score 3", "Keys"])
    shown = pixels()
    height, width = shown.shape[:2]
    left = (width - 30) // 2
    assert height > 60 and width > 400
    assert (shown[:10, left : left + 30] == PICTURE[0, 0]).all()
    background = shown[0, 0]
    assert (shown[:20, :left] == background).all()
    assert (shown[20:40] != background).any() and (shown[40:] != background).any()


@pytest.mark.parametrize("size", [(160, 210), (1000, 10), (2560, 100), (64, 64)])
def test_a_picture_at_the_fitting_scale_reaches_a_limit(size, window):
    scale = window.fitting_scale(*size)
    assert scale * size[0] == pytest.approx(MAX_WIDTH) or scale * size[1] == pytest.approx(MAX_HEIGHT)
    assert scale * size[0] <= MAX_WIDTH + 1e-6 and scale * size[1] <= MAX_HEIGHT + 1e-6


def test_pressed_keys_come_once_and_in_order(window):
    for name in ("left", "space", "left"):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(name)))
    window.show(PICTURE, (30, 20))  # does not consume them
    assert window.pressed_keys() == ["left", "space", "left"]
    assert window.pressed_keys() == []
    assert window.held_keys(["left", "space"]) == set()  # the events are simulated, so no key is down


def closed_by_the_user(window, monkeypatch):
    pygame.event.post(pygame.event.Event(pygame.QUIT))


def closed_by_the_program(window, monkeypatch):
    window.close()


def display_lost(window, monkeypatch):
    pygame.quit()
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")


@pytest.mark.parametrize("end", [closed_by_the_user, closed_by_the_program, display_lost])
def test_a_closed_window_stays_closed_and_shows_nothing(window, end, monkeypatch):
    window.show(PICTURE, (30, 20))
    assert not window.closed
    end(window, monkeypatch)
    window.show(PICTURE, (30, 20))
    assert window.closed and not pygame.display.get_init()
    window.show(PICTURE, (30, 20))
    window.close()
    assert not pygame.display.get_init()


def test_the_window_outlives_a_game_that_ends_pygame_when_it_closes(window):
    window.show(PICTURE, (30, 20), ["Score 3"])
    make_emulator("CartPole-v0", seed=1).close()
    assert not pygame.display.get_init()
    window.show(PICTURE, (30, 20), ["Score 3"])
    assert not window.closed and (pixels()[:10] == PICTURE[0, 0]).any()


def test_closing_a_closed_window_leaves_the_next_one_open(window):
    window.close()
    other = Window("Another")
    other.show(PICTURE, (30, 20))
    window.close()
    assert pygame.display.get_init()
    other.close()


def without_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")


def test_without_a_display_the_error_is_one_line(monkeypatch):
    without_display(monkeypatch)
    with pytest.raises(DisplayError, match=r"^no display to open a window on \(DISPLAY is not set\)$"):
        Window("A game")
    assert issubclass(DisplayError, GameError)


@pytest.mark.parametrize("driver", ["", "x11"])  # without a name, SDL looks for a driver and finds "offscreen"
def test_a_display_that_does_not_answer_is_an_error(driver, monkeypatch):
    without_display(monkeypatch)
    monkeypatch.setenv("DISPLAY", ":4711")
    if driver:
        monkeypatch.setenv("SDL_VIDEODRIVER", driver)
    with pytest.raises(DisplayError, match="x11 not available" if driver else "DISPLAY=:4711 does not answer"):
        Window("A game")
    assert not pygame.display.get_init()


def test_a_games_human_mode_shows_it_until_the_user_closes_the_window(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    game, rates = Snake(render_mode="human"), []
    game._clock = SimpleNamespace(tick=rates.append)
    game.reset(seed=1)
    assert rates == [30], "steps per second"
    assert pygame.display.get_caption()[0] == "Snake"
    scale = 480 // game.size[1]
    np.testing.assert_array_equal(pixels()[::scale, ::scale], game.picture)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    game.step(0)
    assert not pygame.display.get_init()
    game.step(0)  # the game continues without a window
    game.close()
    game.render()  # opens a new window
    assert pygame.display.get_init()
    game.close()
    assert not pygame.display.get_init()


def test_a_games_human_mode_needs_a_display(monkeypatch):
    without_display(monkeypatch)
    with pytest.raises(GameError, match="no display"):
        Snake(render_mode="human").reset(seed=1)
