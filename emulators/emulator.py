"""A game as an agent sees it: frame skip, pooling, frame stack, random start, lost lives and the frame cap.

A platform (Atari, ...) writes four small methods: `_start` a game, `_press` an action for one frame, `_show` the screen
and `_is_over`; `_lives` where lives exist; `_save` and `_load` where its state can be saved.
"""

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from emulators.preprocessing import STACK, FrameStack

Seed = int | Sequence[int]


class GameError(ValueError):
    """The user's game cannot be played; the message says why in one line."""


class Emulator(ABC):
    """One game with its own random generator, stepped by decisions of `frame_skip` frames.

    The class attributes are the platform's protocol; one emulator may have a lower `max_noops`.
    """

    frame_skip = 4  # frames an action is pressed for in one decision
    pooled_frames = 2  # last frames of a decision joined by a pixel-wise maximum, 1 or 2
    max_noops = 30  # no-op frames at most in a random start
    noop: int | None = 0  # the action that does nothing, None where a game has none

    frames_per_second = 60  # of game time, for films
    joins_pictures = True  # whether a film joins two frames, because sprites may flicker
    can_save = True  # whether `save_state` works

    num_actions: int
    on_frame: Callable[[np.ndarray], None] | None = None  # called with every screen() shown, if set

    def __init__(
        self,
        screen_shape: tuple[int, ...],
        *,
        seed: Seed,
        rgb: bool = False,
        random_start: bool = True,
        single_life_episodes: bool = False,
        max_noops: int | None = None,
        max_episode_frames: int = 108_000,
        colours: np.ndarray | None = None,
        luminances: np.ndarray | None = None,
        rows: int | None = None,
    ):
        """`screen_shape` is [height, width] of palette indices, with their `colours` [256, 3] and `luminances` [256],
        or [height, width, 3] of RGB; only its first `rows` rows are observed, None: all. An episode is
        truncated after `max_episode_frames` frames since reset, no-ops included.
        """
        self.random_start = random_start
        self.single_life_episodes = single_life_episodes
        self.max_episode_frames = max_episode_frames
        if max_noops is not None:
            self.max_noops = max_noops
        self._colours = colours
        height, width = screen_shape[:2]
        self._stack = FrameStack(rows or height, width, rgb, colours if rgb else luminances)
        # The pooled screens of the last four plays: all that can still end up in the stack.
        self._screens = [list(np.zeros((self.pooled_frames, *screen_shape), np.uint8)) for _ in range(STACK)]
        self._screen = self._screens[-1][-1]
        self._random = np.random.default_rng(seed)
        self._frames = 0
        self._lives_left = 0
        self.done = True
        self.truncated = False

    # What a platform implements.

    @abstractmethod
    def _start(self) -> None:
        """Start a new game."""

    @abstractmethod
    def _press(self, action: int) -> float:
        """Press `action` for one frame and return its raw reward. After the game is over this does nothing."""

    @abstractmethod
    def _show(self, screen: np.ndarray) -> None:
        """Write the screen as it is now into `screen`, uint8 of the platform's screen shape."""

    @abstractmethod
    def _is_over(self) -> bool:
        """Whether the game has ended."""

    def _is_truncated(self) -> bool:
        """Whether the game itself has truncated the episode."""
        return False

    def _lives(self) -> int:
        """Lives left, 0 where a game has none."""
        return 0

    def _save(self) -> bytes:
        raise NotImplementedError(f"{type(self).__name__} cannot save its state")

    def _load(self, state: bytes) -> None:
        raise NotImplementedError(f"{type(self).__name__} cannot load a state")

    def close(self) -> None:  # noqa: B027 - few platforms hold anything
        """Free what the platform holds."""

    # What an agent uses.

    def write_to(self, words: np.ndarray) -> None:
        """Keep the observation in `words`, uint32 [84, 84, 1 or 3], from now on, instead of a new array each time."""
        words[...] = self._stack.words
        self._stack.words = words
        self._stack.in_place = True

    @property
    def observation(self) -> np.ndarray:
        """What the agent sees now, uint8 [84, 84, 4], or [84, 84, 12] with RGB."""
        return self._stack.observation

    def reset(self) -> np.ndarray:
        """Start an episode and return its first observation.

        With `random_start` up to `max_noops` frames of the no-op come first. Four decisions of it fill the stack; where
        a game has no no-op, the first screen fills it.
        """
        self._start()
        self._frames = 0
        self.truncated = False
        if self.noop is None:
            self._screen = self._screens[-1][-1]
            self._show(self._screen)
            self._report_frame()
            self._stack.fill(self._screen)
        else:
            if self.random_start:
                for _ in range(self._random.integers(self.max_noops + 1)):
                    self._frame(self.noop)
            for screens in self._screens:
                self._play(self.noop, screens)
            self._push(STACK)
        self._lives_left = self._lives()
        self.done = False
        return self.observation

    def step(self, action: int) -> tuple[np.ndarray, float, bool]:
        """Press `action` for one decision; see `hold`."""
        observation, reward, done, _ = self.hold(action, 0)
        return observation, reward, done

    def hold(self, action: int, repeats: int) -> tuple[np.ndarray, float, bool, int]:
        """Play `action` 1 + `repeats` times (FiGAR), or until the episode is done.

        Returns the observation, the sum of raw rewards, `done`, and how many times it was played. `done` is true at
        game over, at a lost life with `single_life_episodes`, and at the frame cap, when `truncated` is true as well.
        """
        if self.done:
            raise RuntimeError("the episode is over: call reset() first")
        reward = 0.0
        plays = 0
        while plays <= repeats and not self.done:
            reward += self._play(action, self._screens[plays % STACK])
            plays += 1
            self.done = self._ended()
        self._push(plays)
        return self._stack.observation, reward, self.done, plays

    def screen(self) -> np.ndarray:
        """What a person would see, uint8 [height, width, 3]; a new array each time."""
        return self._screen.copy() if self._colours is None else self._colours[self._screen]

    @property
    def action_names(self) -> list[str]:
        """What each action is called, for people; its number where nobody named it."""
        return [str(action) for action in range(self.num_actions)]

    def save_state(self) -> bytes:
        """Return everything that the future depends on: after `load_state` the same frames follow."""
        counters = [self._frames, self._lives_left, int(self.done), int(self.truncated)]
        file = io.BytesIO()
        np.savez_compressed(
            file,
            game=np.frombuffer(self._save(), np.uint8),
            random=np.frombuffer(json.dumps(self._random.bit_generator.state).encode(), np.uint8),
            stack=self._stack.words,
            screen=self._screen,
            counters=np.array(counters, np.int64),
        )
        return file.getvalue()

    def load_state(self, state: bytes) -> None:
        """Continue from what `save_state` returned, in this process or another."""
        with np.load(io.BytesIO(state), allow_pickle=False) as saved:
            self._load(saved["game"].tobytes())
            self._random.bit_generator.state = json.loads(saved["random"].tobytes())
            self._stack.set(saved["stack"])
            self._screen = saved["screen"]  # ALE's own screen is stale until the next frame
            self._frames, self._lives_left, done, truncated = saved["counters"].tolist()
        self.done, self.truncated = bool(done), bool(truncated)

    def _play(self, action: int, screens: list[np.ndarray]) -> float:
        """Press `action` for `frame_skip` frames; the last screens, `pooled_frames` of them, go to `screens`."""
        reward = 0.0
        for left in range(self.frame_skip, 0, -1):
            reward += self._frame(action)
            if left <= self.pooled_frames:
                self._show(screens[-left])
        self._screen = screens[-1]
        return reward

    def _frame(self, action: int) -> float:
        reward = self._press(action)
        self._frames += 1
        if self.on_frame is not None:
            self._screen = np.empty_like(self._screen)
            self._show(self._screen)
            self._report_frame()
        return reward

    def _report_frame(self) -> None:
        if self.on_frame is not None:
            self.on_frame(self.screen())

    def _push(self, plays: int) -> None:
        """Put the frames of the last plays on the stack; earlier ones would have left it already."""
        for play in range(max(0, plays - STACK), plays):
            screens = self._screens[play % STACK]
            self._stack.push(screens[0], screens[-1])

    def _ended(self) -> bool:
        over = self._is_over()
        if self.single_life_episodes:
            before, self._lives_left = self._lives_left, self._lives()
            over = over or self._lives_left < before
        self.truncated = not over and (self._is_truncated() or self._frames >= self.max_episode_frames)
        return over or self.truncated
