"""A small Gymnasium environment for tests, as other packages have them: tests.helpers.environments:Fake-v0."""

import itertools
import multiprocessing
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np

NUMBERS = itertools.count()  # of registered environments
SIZE = 8  # rows and columns of a picture
UNIT = np.linspace(0, 1, SIZE * SIZE * 3).reshape(SIZE, SIZE, 3)  # a picture of floats from 0 to 1
BYTES = np.rint(255 * UNIT).astype(np.uint8)
PICTURES: dict[str, Any] = {
    "bytes": BYTES,
    "unit floats": UNIT,
    "unit float32": UNIT.astype(np.float32),
    "floats": BYTES.astype(float),
    "integers": BYTES.astype(np.int64),
    "list": BYTES.tolist(),
    "tuple": tuple(map(tuple, BYTES.tolist())),
    "RGBA": np.concatenate([BYTES, np.full((SIZE, SIZE, 1), 7, np.uint8)], 2),
    "RGBA floats": np.concatenate([UNIT, np.ones((SIZE, SIZE, 1))], 2),
    "gray": BYTES[..., 0],
    "gray floats": UNIT[..., 0],
    "one channel": BYTES[..., :1],
    "bools": UNIT[..., 0] > 0.5,
    "None": None,
    "text": "a picture",
    "a row": np.zeros(SIZE),
    "a stack": np.zeros((2, SIZE, SIZE, 3), np.uint8),
    "two channels": np.zeros((SIZE, SIZE, 2), np.uint8),
    "nothing": np.zeros((0, SIZE, 3), np.uint8),
    "ragged": [[[0, 0, 0]], [[0, 0, 0], [1, 1, 1]]],
    "negative": UNIT - 0.5,
    "large": BYTES.astype(np.int64) + 1000,
    "NaN": np.full((SIZE, SIZE, 3), np.nan),
}
REWARDS: dict[str, Any] = {
    "one": 1,
    "of the process": hash("reward") % 1000,
    "bool": True,
    "NumPy": np.float32(1),
    "0-d array": np.array(1.0),
    "1-element array": np.array([1.0]),
    "list": [1.0],
    "None": None,
    "array": np.zeros(3),
    "ragged": [[1], [1, 2]],
    "text": "1",
    "NaN": float("nan"),
    "infinite": -np.inf,
    "too large": 1e39,
}


class Fake(gymnasium.Env):
    """Gives the named picture and reward. From step `after` of the environment on it gives the odd ones instead.

    The method that is called `fails` raises an error from then on, or calls `sys.exit` if the environment `exits`, and
    the one that is called `hangs` does not return. With `starts`, a folder, it starts a program and a process, which
    run until it is closed, and writes files there, named by their process ids. Each step draws from the module `draws`.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 30}

    def __init__(
        self,
        render_mode: str | None = None,
        picture: str = "bytes",
        reward: str = "one",
        after: int = 0,
        odd_picture: str = "",
        odd_reward: str = "",
        grows: bool = False,
        length: int = 100,
        fps: Any = 30,
        fails: str = "",
        hangs: str = "",
        exits: bool = False,
        starts: str = "",
        draws: str = "",
        actions: int = 3,
    ):
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(actions)
        self.observation_space = gymnasium.spaces.Discrete(1)
        self.metadata = {**type(self).metadata, "render_fps": fps}  # type: ignore[misc]
        self._given = [(picture, reward), (odd_picture or picture, odd_reward or reward)]
        self._after, self._grows, self._length, self._fails = after, grows, length, fails
        self._hangs, self._exits = hangs, exits
        self._draws = {"": int, "random": random.random, "numpy.random": np.random.random}[draws]
        self._started: list[Any] = []
        if starts:
            process = multiprocessing.get_context("fork").Process(target=time.sleep, args=[600])
            process.start()
            self._started = [subprocess.Popen(["sleep", "600"]), process]
        for started in self._started:
            (Path(starts) / str(started.pid)).touch()
        self.steps = 0  # of all episodes
        self._episode = 0  # steps of this episode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._fail_in("reset")
        self._episode = 0
        return 0, {}

    def step(self, action):
        self.steps += 1
        self._episode += 1
        self._fail_in("step")
        self._draws()
        return 0, REWARDS[self._now()[1]], self._episode >= self._length, False, {}

    def render(self):
        self._fail_in("render")
        picture = PICTURES[self._now()[0]]
        return np.zeros((SIZE + self.steps, SIZE, 3), np.uint8) if self._grows else picture

    def close(self):
        self._fail_in("close")
        for started in self._started:
            time.sleep(0.2)
            started.terminate()
        if self._started:
            self._started[0].wait()
            self._started[1].join()

    def _now(self):
        return self._given[self._is_odd()]

    def _is_odd(self):
        return self.steps >= self._after and self._after > 0

    def _fail_in(self, method):
        if method == self._fails and self._is_odd() and self._exits:
            sys.exit(0)
        if method == self._fails and self._is_odd():
            raise LookupError(f"{method}\nfails")
        if method == self._hangs and self._is_odd():
            time.sleep(600)


gymnasium.register("Fake-v0", entry_point=Fake)


def register(name: str, **settings: Any) -> str:
    """Register a `Fake` with these settings in this process only. Returns its id, which begins with `name`."""
    game = f"{name}{next(NUMBERS)}-v0"
    gymnasium.register(game, entry_point=Fake, kwargs=settings)
    return game
