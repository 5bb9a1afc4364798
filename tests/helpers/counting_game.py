"""A game that counts its frames and records the actions that are pressed."""

import json
from collections.abc import Callable

import numpy as np

from emulators.emulator import Emulator

FOREVER = 10**9


def brightness(game: int, frame: int) -> int:
    """Return the brightness of a frame. It is not monotonic, so either of two frames may be the brighter one."""
    return (91 * frame + 17 * game) % 251


def colours_of(values) -> np.ndarray:
    """Return RGB colours for brightness `values`: green decreases where red increases."""
    values = np.asarray(values, np.uint8)
    return np.stack([values, 255 - values, values // 2], -1)


class CountingGame(Emulator):
    """A game whose brightness depends on game and frame, and whose reward depends on frame and action."""

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
        self.stale = True  # like ALE, whose screen is out of date after loading until the next frame


class CountingGameWithoutNoop(CountingGame):
    noop = None


def shown(observation: np.ndarray) -> list[int]:
    """Return the brightness of each frame of an observation whose frames are uniform."""
    np.testing.assert_array_equal(observation, np.broadcast_to(observation[0, 0], observation.shape))
    return observation[0, 0].tolist()


def pooled(game: int, *last_frames: int) -> list[int]:
    """Return the pooled frames that an agent must observe after decisions that ended at these frames of the game."""
    return [max(brightness(game, frame - 1), brightness(game, frame)) for frame in last_frames]


def falling(*frames: int) -> Callable[[int], int]:
    """Return a function from frame to lives: three lives at the start, one of which is lost at each of `frames`."""
    return lambda frame: 3 - sum(frame >= loss for loss in frames)
