"""The window of --visualize, drawn without a display."""

import numpy as np
import pygame
import pytest

from paac.cli.errors import UserError
from paac.training.viewer import Viewer, open_viewer, tile_screens

SCREENS = np.zeros((3, 210, 160, 3), np.uint8)
SCREENS[0], SCREENS[1], SCREENS[2] = (200, 0, 0), (0, 150, 0), (0, 0, 100)


def window(monkeypatch, which):
    """Show SCREENS, close the window as a user does, and return its pixels, [width, height, 3]."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    viewer = Viewer(which)
    viewer.show(SCREENS)
    pixels = pygame.surfarray.array3d(pygame.display.get_surface())
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    viewer.show(SCREENS)
    viewer.show(SCREENS)  # a closed window stays closed, and the training continues
    assert not pygame.display.get_init()
    viewer.close()
    return pixels


def test_screens_are_placed_row_by_row_with_gaps_between_them():
    picture = tile_screens(SCREENS)
    assert picture.shape == (424, 324, 3) and picture.dtype == np.uint8
    cells = picture[:210, :160], picture[:210, 164:], picture[214:, :160], picture[214:, 164:]
    for cell, screen in zip(cells, [*SCREENS, np.full_like(SCREENS[0], 64)], strict=True):
        np.testing.assert_array_equal(cell, screen)
    assert (picture[210:214] == 64).all() and (picture[:, 160:164] == 64).all()
    assert tile_screens(np.zeros((32, 2, 3, 3), np.uint8)).shape == (6 * 6 - 4, 6 * 7 - 4, 3)
    np.testing.assert_array_equal(tile_screens(SCREENS[:1]), SCREENS[0])


def test_all_emulators_are_shown(monkeypatch):
    pixels = window(monkeypatch, 1)
    width, height = pixels.shape[0], pixels.shape[1]
    assert height == 800 and abs(width / height - 324 / 424) < 0.01
    for place, colour in zip([(1, 1), (3, 1), (1, 3)], SCREENS[:, 0, 0], strict=True):
        assert (pixels[place[0] * width // 4, place[1] * height // 4] == colour).all()
    assert (pixels[width // 2, height // 4] == 64).all()


def test_one_emulator_fills_the_window(monkeypatch):
    pixels = window(monkeypatch, 2)
    assert (pixels == SCREENS[0, 0, 0]).all()
    assert abs(pixels.shape[0] / pixels.shape[1] - 160 / 210) < 0.01


def test_without_a_display_there_is_an_error_of_one_line(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(UserError, match=r"^-v 1: no display to open a window on \(DISPLAY is not set\); leave -v out$"):
        open_viewer(1)


def test_without_the_option_there_is_no_window():
    assert open_viewer(0) is None


def test_a_display_that_does_not_answer_is_one_line_and_the_training_goes_on(monkeypatch, capsys):
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.setattr("sys.platform", "linux")
    assert open_viewer(2) is None
    said = capsys.readouterr().out
    assert said == (
        "-v 2: no display to open a window on (DISPLAY=:4711 does not answer); the training goes on without a window\n"
    )
