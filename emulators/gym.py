"""Gymnasium's environments, seen through their rendered pixels."""

import importlib
import json
import warnings
from typing import Any

import gymnasium
import numpy as np

from emulators.emulator import Emulator, GameError, Seed
from emulators.games import GAMES as OWN_GAMES
from emulators.gym_settings import GymSettings

# Packages that bring games of their own, by the beginning of their ids.
PACKAGES = {"MinAtar/": "minatar.gym", "MiniGrid-": "minigrid", "BabyAI-": "minigrid"}


class GymEmulator(Emulator):
    """One Gymnasium environment. It renders only the frames that an observation is made of."""

    joins_pictures = False  # nothing flickers

    def __init__(self, settings: GymSettings, *, seed: Seed, **others: Any):
        """`others` are the settings of `Emulator`. Raises GameError for an environment that cannot be played."""
        environment = make_environment(settings.id)
        limit = environment.spec and environment.spec.max_episode_steps
        # Where the state can be saved, without Gymnasium's wrapper that counts steps: the emulator counts them itself.
        self._environment = environment.unwrapped if settings.saved else environment
        self._settings = settings
        self.frame_skip, self.pooled_frames = settings.frame_skip, settings.pooled_frames
        self.max_noops, self.noop = settings.max_noops, settings.noop
        self.num_actions = int(self._environment.action_space.n)  # type: ignore[attr-defined]
        self.frames_per_second = self._environment.metadata.get("render_fps") or 30
        self.can_save = bool(settings.saved)
        self._environment.reset(seed=int(np.random.SeedSequence(seed).generate_state(1)[0]))
        screen_shape = np.asarray(self._environment.render()).shape
        super().__init__(screen_shape, seed=seed, rows=settings.rows, **others)
        self.max_episode_frames = min(self.max_episode_frames, limit or self.max_episode_frames)

    def _start(self) -> None:
        self._over = self._truncated = False
        self._environment.reset()

    def _press(self, action: int) -> float:
        if self._over or self._truncated:
            return 0.0
        _, reward, self._over, self._truncated, _ = self._environment.step(action)
        return float(reward)

    def _show(self, screen: np.ndarray) -> None:
        screen[...] = self._environment.render()

    @property
    def environment(self) -> Any:
        """The environment behind it, unwrapped, for players that may see more than pixels."""
        return self._environment.unwrapped

    @property
    def action_names(self) -> list[str]:
        """Those of the game's row in gym_settings.py, or numbers."""
        return list(self._settings.actions) or super().action_names

    def _is_over(self) -> bool:
        return self._over

    def _is_truncated(self) -> bool:
        return self._truncated

    def _save(self) -> bytes:
        if not self._settings.saved:
            return super()._save()
        environment = self._environment.unwrapped
        values = {name: _plain(getattr(environment, name)) for name in self._settings.saved}
        return json.dumps({"values": values, "random": environment.np_random.bit_generator.state}).encode()

    def _load(self, state: bytes) -> None:
        self._over = self._truncated = False
        saved, environment = json.loads(state), self._environment.unwrapped
        for name, value in saved["values"].items():
            setattr(environment, name, np.array(value) if isinstance(value, list) else value)
        environment.np_random.bit_generator.state = saved["random"]

    def close(self) -> None:
        """Close the environment."""
        self._environment.close()


def _plain(value: Any) -> Any:
    """As JSON can say it, to the last bit."""
    return None if value is None else np.array(value, float).tolist()


def make_environment(name: str) -> gymnasium.Env:
    """The environment `name`, rendering to arrays. Raises GameError, with the reason, if it cannot be played."""
    _import_package(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that an id is old is the user's choice
        try:
            environment = gymnasium.make(name, render_mode="rgb_array", disable_env_checker=True)
        except gymnasium.error.UnregisteredEnv:
            raise
        except Exception as error:  # a package that is missing, in whatever way it says so
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise GameError(f"-g {name}: cannot be made ({reason})") from None
    if not isinstance(environment.action_space, gymnasium.spaces.Discrete) or environment.action_space.start != 0:
        raise GameError(f"-g {name}: its actions are {environment.action_space}; only a number of them can be played")
    if "rgb_array" not in environment.metadata.get("render_modes", []):
        raise GameError(f"-g {name}: it cannot render to pixels (rgb_array); name another game")
    return environment


def is_registered(name: str) -> bool:
    """Whether Gymnasium knows the id."""
    _import_package(name)
    return name in gymnasium.registry and not _is_atari(name)


def _is_atari(name: str) -> bool:
    """Whether it is one of those that ale-py registers where it is imported: they are the platform atari's."""
    return str(gymnasium.registry[name].entry_point).startswith("ale_py")


def game_names() -> list[str]:
    """Our own games first, then all ids that Gymnasium knows of itself."""
    others = sorted(name for name in gymnasium.registry if name not in OWN_GAMES and not _is_atari(name))
    return [name for name in OWN_GAMES if name != "Tetris-v0"] + others


def _import_package(name: str) -> None:
    for start, package in PACKAGES.items():
        if name.startswith(start):
            try:
                module = importlib.import_module(package)
            except ImportError:
                raise GameError(f"-g {name}: pip install {package.split('.')[0]} brings it") from None
            if hasattr(module, "register_envs") and name not in gymnasium.registry:
                module.register_envs()
