"""A game as an agent sees it: frame skip, frame maximum, frame stack, random start, lost lives and the frame limit.

A platform (Atari, ...) implements four small methods: `_start` starts a game, `_press` applies an action for one frame,
`_show` writes the screen into an array, and `_is_over` tells whether the game has ended. It also implements `_lives` if
its games have lives, and `_save` and `_load` if their state can be saved.
"""

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from emulators.episode_start import start_episode
from emulators.preprocessing import STACK, FrameStack

Seed = int | Sequence[int]
MAX_UNPACKED_BYTES = 2**26  # of a saved state: 64 MiB; those of the games here have 0.04 to 0.8 MB


class GameError(ValueError):
    """The user's game cannot be played. The message is one line that says why."""


class Emulator(ABC):
    """One game with its own random generator.

    A play is one step of a frame-skipping environment: `frame_skip` frames with the same action. A decision is one
    play, or several with FiGAR. The class attributes are defaults, which a platform or an emulator may change.
    """

    frame_skip = 4  # frames in a play
    pooled_frames = 2  # how many of a play's last frames are max-pooled: 1 or 2
    max_noops = 30  # largest number of no-op frames in a random start
    noop: int | None = 0  # the action that does nothing, None if the game has none

    frames_per_second: float = 60  # of game time
    sprites_flicker = True  # whether films show the maximum of two frames, because sprites appear in every other one
    can_save = True  # whether `save_state` works

    num_actions: int
    on_frame: Callable[[np.ndarray], None] | None = None  # if set, it is called with the `screen()` of every frame
    on_restart: Callable[[], None] | None = None  # if set, it is called when an episode's frames so far do not count

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
        observed_rows: int | None = None,
    ):
        """Create the emulator; `reset` starts the first episode.

        Args:
            screen_shape: [height, width] if the screens hold palette indices, or [height, width, 3] if they are RGB.
            max_noops: replaces the class attribute.
            max_episode_frames: frames after which an episode is truncated, the no-ops of its start included.
            colours, luminances: RGB and gray value of each palette index, uint8 [256, 3] and [256].
            observed_rows: how many rows of the screen are observed, counted from the top; None: all.
        """
        self.random_start = random_start
        self.single_life_episodes = single_life_episodes
        self.max_episode_frames = max_episode_frames
        if max_noops is not None:
            self.max_noops = max_noops
        self._colours = colours
        height, width = screen_shape[:2]
        self._stack = FrameStack(observed_rows or height, width, rgb, colours if rgb else luminances)
        # The pooled screens of the four newest plays; the stack holds no older ones.
        self._screens = [list(np.zeros((self.pooled_frames, *screen_shape), np.uint8)) for _ in range(STACK)]
        self._screen = self._screens[-1][-1]
        self._random = np.random.default_rng(seed)
        self._frames = 0
        self._lives_left = 0
        self.done = True
        self.truncated = False

    # Methods that a platform implements.

    @abstractmethod
    def _start(self) -> None:
        """Start a new game."""

    @abstractmethod
    def _press(self, action: int) -> float:
        """Apply `action` for one frame and return its reward, not clipped. After the end, do nothing and return 0."""

    @abstractmethod
    def _show(self, screen: np.ndarray) -> None:
        """Write the current screen into `screen`, uint8 [*screen_shape]."""

    @abstractmethod
    def _is_over(self) -> bool:
        """Whether the game has ended."""

    def _is_truncated(self) -> bool:
        """Whether the platform has truncated the episode."""
        return False

    def _lives(self) -> int:
        """Return the lives that are left, 0 if the game has none."""
        return 0

    def _save(self) -> bytes:
        raise NotImplementedError(f"{type(self).__name__} cannot save its state")

    def _load(self, state: bytes) -> None:
        raise NotImplementedError(f"{type(self).__name__} cannot load a state")

    def close(self) -> None:  # noqa: B027 - most platforms have nothing to free
        """Free the platform's resources."""

    # Methods that an agent uses.

    def write_to(self, words: np.ndarray) -> None:
        """Write future observations into `words`, uint32 [84, 84, 1 or 3] (see `FrameStack`), not into new arrays."""
        words[...] = self._stack.words
        self._stack.words = words
        self._stack.in_place = True

    @property
    def max_random_noops(self) -> int:
        """`max_noops`, or 0 if episodes start without random no-ops."""
        return self.max_noops if self.random_start and self.noop is not None else 0

    def has_lives(self) -> bool:
        """Start an episode, and return whether the game counts lives, for `single_life_episodes`."""
        self.reset()
        return self._lives() > 0

    @property
    def observation(self) -> np.ndarray:
        """The current observation, uint8 [84, 84, 4], or [84, 84, 12] with RGB."""
        return self._stack.observation

    def reset(self) -> np.ndarray:
        """Start an episode and return its first observation.

        With `random_start`, the episode starts with 0 to `max_noops` frames of the no-op (no-op starts). Then four
        plays of the no-op fill the frame stack. Without a no-op nothing is played: the first screen fills the stack.
        `start_episode` explains what happens if the game ends during these frames.
        """
        start_episode(self)
        self._lives_left = self._lives()
        self.truncated = self.done = False
        return self.observation

    def step(self, action: int) -> tuple[np.ndarray, float, bool]:
        """Play `action` once. Returns the observation, the reward and `done`, as `hold` does."""
        observation, reward, done, _ = self.hold(action, 0)
        return observation, reward, done

    def hold(self, action: int, repeats: int) -> tuple[np.ndarray, float, bool, int]:
        """Play `action` 1 + `repeats` times (FiGAR), or until the episode is done.

        Returns the observation, the sum of the rewards (not clipped), `done`, and the number of plays. `done` is true
        at game over, at a lost life with `single_life_episodes`, and at the frame limit, where `truncated` is true as
        well. Raises RuntimeError if the episode is already done, and ValueError if the game has no such action.
        """
        if self.done:
            raise RuntimeError("the episode is over: call reset() first")
        if not 0 <= action < self.num_actions:
            raise ValueError(f"there is no action {action}: this game has the actions 0 to {self.num_actions - 1}")
        reward = 0.0
        plays = 0
        while plays <= repeats and not self.done:
            reward += self._play(action, self._screens[plays % STACK])
            plays += 1
            self._update_done()
        self._push(plays)
        return self._stack.observation, reward, self.done, plays

    def screen(self) -> np.ndarray:
        """Return what a person would see, as a new array, uint8 [height, width, 3]."""
        return self._screen.copy() if self._colours is None else self._colours[self._screen]

    @property
    def action_names(self) -> list[str]:
        """A readable name of each action, or its index if it has no name."""
        return [str(action) for action in range(self.num_actions)]

    def save_state(self) -> bytes:
        """Return everything that the future depends on: an emulator that loads it plays the same frames.

        Raises NotImplementedError unless `can_save`.
        """
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
        """Continue from a state that `save_state` returned, in this process or in another.

        A malformed state raises an error of any kind, and takes little memory. A state of another game may be detected
        only in a later step.
        """
        with np.load(io.BytesIO(state), allow_pickle=False) as saved:
            if sum(array.file_size for array in saved.zip.infolist()) > MAX_UNPACKED_BYTES:
                raise ValueError(f"larger than {MAX_UNPACKED_BYTES} bytes")
            self._load(saved["game"].tobytes())
            self._random.bit_generator.state = json.loads(saved["random"].tobytes())
            self._stack.set(saved["stack"])
            self._screen = saved["screen"]  # ALE restores its own screen only with the next frame
            self._frames, self._lives_left, done, truncated = saved["counters"].tolist()
        self.done, self.truncated = bool(done), bool(truncated)

    def _play(self, action: int, screens: list[np.ndarray]) -> float:
        """Apply `action` for `frame_skip` frames and write the last `pooled_frames` screens into `screens`."""
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
        """Push one frame per play, except those that would leave the stack again immediately."""
        for play in range(max(0, plays - STACK), plays):
            screens = self._screens[play % STACK]
            self._stack.push(screens[0], screens[-1])

    def _update_done(self) -> None:
        """Set `done` and `truncated` after a play."""
        over = self._is_over()
        if self.single_life_episodes:
            before, self._lives_left = self._lives_left, self._lives()
            over = over or self._lives_left < before
        self.truncated = not over and (self._is_truncated() or self._frames >= self.max_episode_frames)
        self.done = over or self.truncated
