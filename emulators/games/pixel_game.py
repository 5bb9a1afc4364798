"""The base class of the small games: steps, seeding, saving, the picture and the window."""

import json
from abc import abstractmethod
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pygame

from emulators.games.state_json import from_json, to_json
from emulators.window import Window

WINDOW_HEIGHT = 480  # pixels; the picture is enlarged up to this height
RGB_MASKS = 0xFF, 0xFF00, 0xFF0000, 0  # the canvas's layout; blits between surfaces of the same layout are plain copies

Colour = tuple[int, int, int]  # red, green and blue, 0 to 255


class PixelGame(gymnasium.Env):
    """A game seen as pixels, with 30 steps per second of game time.

    A subclass implements `_begin`, `_advance`, `over` and `_draw`. Everything that the game's future depends on is in
    the dictionary `state`, which holds what `to_json` takes (numbers, strings, lists, tuples, dictionaries, NumPy's
    numbers and arrays), and in the random generator `np_random`. The game draws on the pygame surface `canvas`, which
    shares its memory with `picture`, uint8 [height, width, 3]. It draws only when the picture is needed.
    """

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": 30}

    size: ClassVar[tuple[int, int]]  # width and height in pixels
    actions: ClassVar[tuple[str, ...]]  # readable names of the actions
    noop: ClassVar[int]  # the action that does nothing

    # For playing by hand:
    keys: ClassVar[dict[str, int]] = {}  # pygame's name of a key -> action
    once_per_press: ClassVar[bool] = False  # True: a key acts once per press; False: as long as it is down
    key_repeat_ms: ClassVar[int] = 0  # interval at which a held key repeats, 0: never

    def __init__(self, render_mode: str | None = None):
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode {render_mode!r} is not one of {self.metadata['render_modes']}")
        for name in ("size", "actions", "noop", "_begin", "_advance", "over", "_draw"):
            found = getattr(type(self), name, None)
            if found is None or getattr(found, "__isabstractmethod__", False):
                raise TypeError(f"the class {type(self).__name__} has no {name}")
        width, height = self.size
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(0, 255, (height, width, 3), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(len(self.actions))
        self.picture = np.zeros((height, width, 3), np.uint8)
        self.canvas = pygame.image.frombuffer(self.picture.data, self.size, "RGB")  # shares the memory
        self.state: dict[str, Any] = {}
        self._window: Window | None = None
        self._clock = pygame.time.Clock()

    # Methods that a game implements.

    @abstractmethod
    def _begin(self) -> dict[str, Any]:
        """Return the state in which an episode starts."""

    @abstractmethod
    def _advance(self, action: int) -> float:
        """Advance `state` by one step and return the reward. This is not called after the end of the game."""

    @property
    @abstractmethod
    def over(self) -> bool:
        """Whether the game has ended."""

    @property
    def lives(self) -> int:
        """The lives that are left, for --single_life_episodes; 0 if the game has none."""
        return 0

    @abstractmethod
    def _draw(self) -> None:
        """Draw all of `state` on `canvas`."""

    # Methods that others use.

    def start(self) -> None:
        """Start an episode, without drawing it."""
        self.state = self._begin()

    def advance(self, action: int) -> float:
        """Play one step, without drawing it, and return the reward. After the end it only returns 0."""
        return 0.0 if self.over else self._advance(action)

    def advance_by_hand(self, action: int, seconds: float) -> float:
        """Play one step for a person, `seconds` after the last one. A game may run at a different speed for people."""
        return self.advance(action)

    def draw(self) -> np.ndarray:
        """Draw the current state and return `picture`, which the next call overwrites."""
        self._draw()
        return self.picture

    def save_state(self) -> bytes:
        """Return everything that the future depends on, the random generator included.

        Raises GameError if `state` holds something that cannot be saved.
        """
        saved = {"state": to_json(self.state, type(self).__name__), "random": self.np_random.bit_generator.state}
        return json.dumps(saved).encode()

    def load_state(self, saved: bytes) -> None:
        """Continue from a state that `save_state` returned."""
        values = json.loads(saved)
        self.state = from_json(values["state"])
        self.np_random.bit_generator.state = values["random"]

    # Gymnasium's interface.

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        """Start an episode, as `gymnasium.Env.reset` describes."""
        super().reset(seed=seed)
        self.start()
        self._show_window()
        return self.draw().copy(), {}

    def step(self, action: int):
        """Play one step, as `gymnasium.Env.step` describes."""
        reward = self.advance(int(action))
        self._show_window()
        return self.draw().copy(), reward, self.over, False, {}

    def render(self):
        """Return the picture as an array, or show it in the window, at the game's speed, if the mode is "human"."""
        if self.render_mode == "rgb_array":
            return self.draw().copy()
        self._show_window()
        return None

    def close(self) -> None:
        """Close the window, if it is open."""
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
        self._clock.tick(self.metadata["render_fps"])
