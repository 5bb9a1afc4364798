"""The window of --visualize, drawn without a screen."""

import numpy as np
import pytest

from paac.cli.errors import UserError
from paac.training.viewer import Viewer

SCREENS = np.zeros((3, 210, 160, 3), np.uint8)
SCREENS[0], SCREENS[1], SCREENS[2] = (200, 0, 0), (0, 150, 0), (0, 0, 100)


def window(monkeypatch, which):
    """The window's pixels, [width, height, 3]."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    viewer = Viewer(which)
    viewer.show(SCREENS)
    pixels = pygame.surfarray.array3d(pygame.display.get_surface())
    viewer.close()
    viewer.show(SCREENS)  # a closed window stays closed, and the training goes on
    assert not pygame.display.get_init()
    return pixels


def test_all_emulators_are_side_by_side(monkeypatch):
    pixels = window(monkeypatch, 1)
    width, height = pixels.shape[0] // 2, pixels.shape[1] // 2
    assert (pixels[:width, :height] == SCREENS[0, 0, 0]).all()
    assert (pixels[width:, :height] == SCREENS[1, 0, 0]).all()
    assert (pixels[:width, height:] == SCREENS[2, 0, 0]).all()
    assert (pixels[width:, height:] == 0).all()


def test_one_emulator_fills_the_window(monkeypatch):
    pixels = window(monkeypatch, 2)
    assert (pixels == SCREENS[0, 0, 0]).all()
    assert abs(pixels.shape[0] / pixels.shape[1] - 160 / 210) < 0.01


def test_without_a_display_one_line_says_so(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(UserError, match="-v 1: no display"):
        Viewer(1)
