"""Our own small games as emulators."""

from typing import Any

import gymnasium
import numpy as np

from emulators.emulator import Emulator, Seed
from emulators.games import MAX_STEPS
from emulators.games.pixel_game import PixelGame
from emulators.gym_settings import GymSettings, suitable_frame_skip
from emulators.gym_values import call_environment, environment_error, read_reward


class PixelGameEmulator(Emulator):
    """One of the games in `emulators/games`. It draws only the frames that an observation needs."""

    sprites_flicker = False

    def __init__(self, settings: GymSettings, *, seed: Seed, **others: Any):
        """`others` are the settings of `Emulator`."""
        game = gymnasium.make(settings.id, render_mode="rgb_array", disable_env_checker=True).unwrapped
        assert isinstance(game, PixelGame)
        self._id = settings.id
        self.game = game  # for scripted players, which read its state
        self.frames_per_second = game.metadata["render_fps"]
        self.frame_skip = settings.frame_skip or suitable_frame_skip(self.frames_per_second)
        self.pooled_frames = min(settings.pooled_frames, self.frame_skip)
        self.max_noops, self.noop = settings.max_noops, game.noop
        self.num_actions = len(game.actions)
        game.reset(seed=int(np.random.SeedSequence(seed).generate_state(1)[0]))
        super().__init__(game.picture.shape, seed=seed, observed_rows=settings.observed_rows, **others)
        self.max_episode_frames = min(self.max_episode_frames, MAX_STEPS)

    def _start(self) -> None:
        call_environment(self._id, self.game, self.game.start)

    def _press(self, action: int) -> float:
        try:  # `call_environment` would cost 3% of the time here and in `_show`
            reward = self.game.advance(action)
        except Exception as error:
            raise environment_error(self._id, self.game, error) from None
        return reward if type(reward) is float else read_reward(self._id, reward)

    def _show(self, screen: np.ndarray) -> None:
        try:
            screen[...] = self.game.draw()
        except Exception as error:
            raise environment_error(self._id, self.game, error) from None

    def _is_over(self) -> bool:
        return call_environment(self._id, self.game, getattr, self.game, "over")

    def _lives(self) -> int:
        return call_environment(self._id, self.game, getattr, self.game, "lives")

    def press_by_hand(self, action: int, seconds: float) -> float:
        """Apply a person's `action` for one frame, `seconds` after the last one, and return its reward."""
        return call_environment(self._id, self.game, self.game.advance_by_hand, action, seconds)

    def _save(self) -> bytes:
        return self.game.save_state()

    def _load(self, state: bytes) -> None:
        self.game.load_state(state)

    @property
    def action_names(self) -> list[str]:
        """The game's own names of its actions."""
        return list(self.game.actions)
