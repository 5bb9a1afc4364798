"""A game for tests that counts its frames and records which actions were pressed."""

import json
from collections.abc import Callable

import numpy as np

from emulators.emulator import Emulator

FOREVER = 10**9


def brightness(game: int, frame: int) -> int:
    """Return what a counting game shows. It rises and falls, so that either of two frames can hold the maximum."""
    return (91 * frame + 17 * game) % 251


def colours_of(values) -> np.ndarray:
    """Return an RGB colour for each brightness, in which green falls where red rises."""
    values = np.asarray(values, np.uint8)
    return np.stack([values, 255 - values, values // 2], -1)


class CountingGame(Emulator):
    """Shows a brightness that depends on the game and the frame. A frame's reward is 1000 * action + frame."""

    num_actions = 3

    def __init__(self, *, length: int = FOREVER, lives: Callable[[int], int] = lambda frame: 0, **settings):
        super().__init__(**self.screens(), **{"seed": 0, "random_start": False} | settings)
        self.length = length
        self.lives_at = lives
        self.game = 0
        self.frame = 0
        self.pressed: list[int] = []
        self.stale = False

    def screens(self) -> dict:
        shades = np.arange(256, dtype=np.uint8)
        return {"screen_shape": (2, 3), "colours": colours_of(shades), "luminances": shades}

    def _start(self) -> None:
        self.game += 1
        self.frame = 0
        self.stale = False
        self.pressed.clear()

    def _press(self, action: int) -> float:
        self.pressed.append(action)
        self.stale = False
        if self._is_over():
            return 0.0
        self.frame += 1
        return 1000.0 * action + self.frame

    def _show(self, screen: np.ndarray) -> None:
        screen[...] = 255 if self.stale else brightness(self.game, self.frame)

    def _is_over(self) -> bool:
        return self.frame >= self.length

    def _lives(self) -> int:
        return self.lives_at(self.frame)

    def _save(self) -> bytes:
        return json.dumps([self.game, self.frame]).encode()

    def _load(self, state: bytes) -> None:
        self.game, self.frame = json.loads(state)
        self.stale = True  # like ALE, which restores its screen only with the next frame


class CountingGameWithoutNoop(CountingGame):
    noop = None


def shown(observation: np.ndarray) -> list[int]:
    """Return the brightness of each frame of an observation, whose pixels must all be equal."""
    np.testing.assert_array_equal(observation, np.broadcast_to(observation[0, 0], observation.shape))
    return observation[0, 0].tolist()


def pooled(game: int, *last_frames: int) -> list[int]:
    """Return the frames that an agent must see if its plays ended with these frames of the game."""
    return [max(brightness(game, frame - 1), brightness(game, frame)) for frame in last_frames]


def falling(*frames: int) -> Callable[[int], int]:
    """Return the lives by frame: three at first, and one less from each of these frames on."""
    return lambda frame: 3 - sum(frame >= loss for loss in frames)
