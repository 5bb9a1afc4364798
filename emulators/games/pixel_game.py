"""What the small games share: a picture, a clock of steps, seeding, saving and a window."""

import json
from abc import abstractmethod
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pygame

from emulators.window import Window

WINDOW_HEIGHT = 480  # pixels at most, unless the picture is higher

Colour = tuple[int, int, int]


class PixelGame(gymnasium.Env):
    """A game seen as pixels, one step at a time, always 30 steps a second of game time.

    A game writes `_begin`, `_advance` and `_draw`, and keeps all that its future depends on in the dictionary `state`,
    of numbers, texts and lists; random numbers come from `np_random`. It draws onto `canvas`, which is `picture`,
    uint8 [height, width, 3], to pygame. Drawing is on demand: what no one sees is not drawn.
    """

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": 30}

    size: ClassVar[tuple[int, int]]  # width and height
    actions: ClassVar[tuple[str, ...]]  # what each does, for people
    noop: ClassVar[int]  # the action that does nothing
    keys: ClassVar[dict[str, int]]  # pygame's name of a key -> action, to play by hand

    taps: ClassVar[bool] = False  # by hand: whether a key acts once each time it is pressed, or as long as it is down
    key_repeat: ClassVar[int] = 0  # ms from one tap to the next of a key that stays down, 0: one tap

    def __init__(self, render_mode: str | None = None):
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode {render_mode!r} is none of {self.metadata['render_modes']}")
        width, height = self.size
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(0, 255, (height, width, 3), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(len(self.actions))
        self.picture = np.zeros((height, width, 3), np.uint8)
        self.canvas = pygame.image.frombuffer(self.picture.data, self.size, "RGB")  # the same memory
        self.state: dict[str, Any] = {}
        self._window: Window | None = None

    # What a game writes.

    @abstractmethod
    def _begin(self) -> dict[str, Any]:
        """The state in which an episode starts."""

    @abstractmethod
    def _advance(self, action: int) -> float:
        """Change `state` by one step and return its reward. It is not called after the end."""

    @property
    @abstractmethod
    def over(self) -> bool:
        """Whether the game has ended."""

    @abstractmethod
    def _draw(self) -> None:
        """Draw `state` onto `canvas`, all of it."""

    # What others use.

    def start(self) -> None:
        """Start an episode, without drawing it."""
        self.state = self._begin()

    def advance(self, action: int) -> float:
        """One step, without drawing it; returns the reward, 0 after the end."""
        return 0.0 if self.over else self._advance(action)

    def advance_by_hand(self, action: int, seconds: float) -> float:
        """A step for a person, `seconds` after the last; a game may run by another clock then."""
        return self.advance(action)

    def draw(self) -> np.ndarray:
        """Draw the game as it is now; returns `picture`, which the next call changes."""
        self._draw()
        return self.picture

    def save_state(self) -> bytes:
        """Everything that the future depends on, the random generator included."""
        saved = {"state": self.state, "random": self.np_random.bit_generator.state}
        return json.dumps(saved).encode()

    def load_state(self, saved: bytes) -> None:
        """Go on from what `save_state` gave."""
        values = json.loads(saved)
        self.state = values["state"]
        self.np_random.bit_generator.state = values["random"]

    # Gymnasium's interface.

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        """Start an episode; see `gymnasium.Env.reset`."""
        super().reset(seed=seed)
        self.start()
        self._show_window()
        return self.draw().copy(), {}

    def step(self, action: int):
        """One step; see `gymnasium.Env.step`."""
        reward = self.advance(int(action))
        self._show_window()
        return self.draw().copy(), reward, self.over, False, {}

    def render(self):
        """The picture as it is now, or the window."""
        if self.render_mode == "rgb_array":
            return self.draw().copy()
        self._show_window()
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _show_window(self) -> None:
        if self.render_mode != "human":
            return
        if self._window is None:
            self._window = Window(type(self).__name__)
        width, height = self.size
        scale = max(1, WINDOW_HEIGHT // height)
        self._window.show(self.draw(), (scale * width, scale * height))
