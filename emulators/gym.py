"""Gymnasium environments as emulators whose screens are the rendered pixels."""

import difflib
import importlib
import importlib.util
import json
import math
import multiprocessing
import random
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import gymnasium
import numpy as np

from emulators.emulator import Emulator, GameError, Seed
from emulators.games import OWN_GAMES
from emulators.gym_settings import GAME_SETTINGS, TETRIS_SETTINGS, GymSettings, suitable_frame_skip
from emulators.gym_values import PictureReader, call_environment, describe_loading_error, read_step

# Prefix of a game's id -> the package that registers the game.
PACKAGES = {"MinAtar/": "minatar.gym", "MiniGrid-": "minigrid", "BabyAI-": "minigrid"}
LISTED_PACKAGES = ("gymnasium", "ale_py", "emulators")  # whose environments nobody looks for in another module
NUMBER_TYPES = int, float, np.integer, np.floating
CHECKED_STEPS, CHECKED_RESETS = 10, 5  # of a new environment, before a run starts
NOT_REPEATABLE = (
    "--seed does not repeat this environment: it depends on more than self.np_random (on random, numpy.random or the "
    "time, for example), or its reset does not call super().reset(seed=seed)"
)


class GymEmulator(Emulator):
    """One Gymnasium environment. It renders only the frames that an observation needs."""

    sprites_flicker = False

    def __init__(self, settings: GymSettings, *, seed: Seed, env_kwargs: str = "{}", **others: Any):
        """`others` are the settings of `Emulator`. Raises GameError if the environment cannot be played."""
        environment = make_environment(settings.id, env_kwargs)
        limit = environment.spec and environment.spec.max_episode_steps
        # Gymnasium's wrappers count steps, but their count cannot be saved. So where the state can be saved, the
        # environment is used without them, and the emulator counts.
        self._environment = environment.unwrapped if settings.state_attributes else environment
        self._settings = settings
        frame_rate = frames_per_second(self._environment)
        self.frame_skip = settings.frame_skip or suitable_frame_skip(frame_rate)
        self.pooled_frames = min(settings.pooled_frames, self.frame_skip)
        self.max_noops, self.noop = settings.max_noops, settings.noop
        self.num_actions = int(self._environment.action_space.n)  # type: ignore[attr-defined]
        self.frames_per_second = frame_rate or 30
        self.can_save = bool(settings.state_attributes)
        self._pictures = PictureReader(settings.id)
        try:
            self._reset(seed=int(np.random.SeedSequence(seed).generate_state(1)[0]))
            screen_shape = self._render().shape
        except GameError:
            self.close()
            raise
        super().__init__(screen_shape, seed=seed, observed_rows=settings.observed_rows, **others)
        self.max_episode_frames = min(self.max_episode_frames, limit or self.max_episode_frames)

    def _start(self) -> None:
        self._over = self._truncated = False
        self._reset()

    def _press(self, action: int) -> float:
        if self._over or self._truncated:
            return 0.0
        reward, self._over, self._truncated = read_step(self._settings.id, self._call("step", action))
        return reward

    def _show(self, screen: np.ndarray) -> None:
        screen[...] = self._render()

    def _reset(self, **seed: int) -> None:
        self._call("reset", **seed)

    def _render(self) -> np.ndarray:
        return self._pictures.screen(self._call("render"))

    def _call(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        function = getattr(self._environment, method)
        return call_environment(self._settings.id, self.environment, function, *arguments, **keywords)

    @property
    def environment(self) -> Any:
        """The environment itself, without wrappers, for scripted players, which use more than pixels."""
        return self._environment.unwrapped

    @property
    def action_names(self) -> list[str]:
        """The names in gym_settings.py, or the actions' indices if there are none."""
        return list(self._settings.action_names) or super().action_names

    def _is_over(self) -> bool:
        return self._over

    def _is_truncated(self) -> bool:
        return self._truncated

    def _save(self) -> bytes:
        if not self._settings.state_attributes:
            return super()._save()
        environment = self._environment.unwrapped
        values = {name: _as_json(getattr(environment, name)) for name in self._settings.state_attributes}
        return json.dumps({"values": values, "random": environment.np_random.bit_generator.state}).encode()

    def _load(self, state: bytes) -> None:
        self._over = self._truncated = False
        saved, environment = json.loads(state), self._environment.unwrapped
        for name in self._settings.state_attributes:
            value = saved["values"][name]
            setattr(environment, name, np.array(value) if isinstance(value, list) else value)
        environment.np_random.bit_generator.state = saved["random"]

    def close(self) -> None:
        """Close the environment."""
        _close(self._environment)


def _as_json(value: Any) -> Any:
    """Convert numbers and arrays to JSON values, without loss."""
    return None if value is None else np.array(value, float).tolist()


def make_environment(name: str, env_kwargs: str = "{}") -> gymnasium.Env:
    """Make the environment `name`, an ID or MODULE:ID, which renders to arrays.

    `env_kwargs` are its arguments, a JSON object. Raises GameError, with a reason, if it cannot be played.
    """
    _import_package(name)
    _, _, env_id = name.rpartition(":")
    keywords: dict[str, Any] = {"render_mode": "rgb_array", "disable_env_checker": True}
    arguments = json.loads(env_kwargs)
    if refused := sorted(keywords.keys() & arguments.keys()):
        argument = refused[0]
        raise GameError(f"-g {name}: --env_kwargs has {argument}, which is always {keywords[argument]}; leave it out")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Gymnasium warns about old versions, which the user may choose
        try:
            environment = gymnasium.make(env_id, **keywords, **arguments)
        except gymnasium.error.UnregisteredEnv:
            raise GameError(f"-g {name}: {_why_unknown(name, env_id)}") from None
        except (Exception, SystemExit) as error:  # for example, of a missing package: the types are many
            raise GameError(f"-g {name}: Gymnasium cannot make this game ({describe_loading_error(error)})") from None
    try:
        call_environment(name, environment.unwrapped, _check_spaces, name, environment)
    except GameError:
        _close(environment)
        raise
    return environment


def _check_spaces(name: str, environment: gymnasium.Env) -> None:
    """Raise GameError unless the environment has discrete actions and renders to arrays."""
    actions = environment.action_space
    if not isinstance(actions, gymnasium.spaces.Discrete) or actions.start != 0:
        raise GameError(f"-g {name}: its actions are {actions}; choose a game with discrete actions that start at 0")
    if "rgb_array" not in ((environment.metadata or {}).get("render_modes") or []):
        raise GameError(f"-g {name}: it cannot render to pixels (rgb_array); choose another game")


def _close(environment: gymnasium.Env) -> None:
    """Close an environment that is no longer used; an error in its code does not matter then."""
    with suppress(Exception, SystemExit):
        environment.close()


def _why_unknown(name: str, env_id: str) -> str:
    if multiprocessing.parent_process() and ":" not in name:  # the parent of this worker process knew it
        return "the worker processes do not know this environment; register it in a module, and name it MODULE:ID"
    unknown = "Gymnasium knows no environment of that name"
    module = name.removesuffix(env_id).rstrip(":")
    if not module:
        return unknown
    package = module.partition(".")[0]
    packages = {known: _module_of(known).partition(".")[0] for known in gymnasium.registry}
    others = [known for known in packages if packages[known] == package or packages[known] not in LISTED_PACKAGES]
    similar = difflib.get_close_matches(env_id, others, n=1)
    if similar:
        return f"{unknown}; did you mean {module}:{similar[0]}?"
    return f"{unknown} after the import of {module}, which must register it with gymnasium.register()"


def check_environment(name: str, env_kwargs: str) -> tuple[float | None, str]:
    """Make the environment twice and play some steps.

    Returns its frame rate, None if it has no usable one, and a line that the user should read, or "". The arguments are
    those of `make_environment`. Raises GameError, with a reason, if it cannot be played.
    """
    trajectories = []
    with _global_generators_kept() as are_changed:
        for _ in range(2):
            environment = make_environment(name, env_kwargs)
            try:
                trajectories.append(call_environment(name, environment.unwrapped, _play_some_steps, name, environment))
            finally:
                _close(environment)
        is_repeatable = trajectories[0] == trajectories[1] and not are_changed()
    return frames_per_second(environment), "" if is_repeatable else f"-g {name}: {NOT_REPEATABLE}"


@contextmanager
def _global_generators_kept() -> Iterator[Callable[[], bool]]:
    """Restore the generators of `random` and `numpy.random` at the end; yield whether numbers have been drawn."""
    python_state, numpy_state = random.getstate(), np.random.get_state()

    def are_changed() -> bool:
        changed = zip(numpy_state, np.random.get_state(), strict=True)
        return random.getstate() != python_state or not all(np.array_equal(*pair) for pair in changed)

    try:
        yield are_changed
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


def _play_some_steps(name: str, environment: gymnasium.Env) -> list[tuple[Any, ...]]:
    """Play with seed 0; return what each reset and step gave: the values of `read_step`, and the screen."""
    pictures = PictureReader(name)
    environment.reset(seed=0)
    read_step(name, _without_common_wrappers(environment).step(0))
    trajectory: list[tuple[Any, ...]] = []
    for _ in range(CHECKED_RESETS):
        environment.reset()
        trajectory.append((pictures.screen(environment.render()).tobytes(),))
    for step in range(CHECKED_STEPS):
        action = step % int(environment.action_space.n)  # type: ignore[attr-defined]
        reward, over, truncated = read_step(name, environment.step(action))
        trajectory.append((reward, over, truncated, pictures.screen(environment.render()).tobytes()))
        if over or truncated:
            environment.reset()
    return trajectory


def _without_common_wrappers(environment: gymnasium.Env) -> gymnasium.Env:
    """Return the environment without those wrappers of `gymnasium.make` that fail if `step` gives four values."""
    while isinstance(environment, gymnasium.wrappers.TimeLimit | gymnasium.wrappers.OrderEnforcing):
        environment = environment.env
    return environment


def frames_per_second(environment: gymnasium.Env) -> float | None:
    """Return the frame rate in the environment's metadata; None if there is no usable one."""
    rate = (environment.metadata or {}).get("render_fps")
    return float(rate) if isinstance(rate, NUMBER_TYPES) and 0 < rate < math.inf else None


def is_registered(name: str) -> bool:
    """Whether Gymnasium knows the environment `name`, an ID or MODULE:ID, Atari games excepted."""
    _import_package(name)
    _, _, env_id = name.rpartition(":")
    return env_id in gymnasium.registry and not _is_registered_by_ale(env_id)


def is_atari(name: str) -> bool:
    """Whether `name`, MODULE:ID, is an Atari game that ale-py registers."""
    _import_package(name)
    _, _, env_id = name.rpartition(":")
    return env_id in gymnasium.registry and _is_registered_by_ale(env_id)


def _is_registered_by_ale(name: str) -> bool:
    """Whether ale-py registered the game, which it does when it is imported. The platform atari plays these games."""
    return _module_of(name).startswith("ale_py")


def small_games() -> list[str]:
    """Return the ids of our own games on this platform: all but Tetris."""
    return [name for name in OWN_GAMES if name != TETRIS_SETTINGS.id]


def game_names() -> list[str]:
    """Return the ids of our small games first, then the others that Gymnasium knows.

    Tetris-v0 and the Atari games are left out, because the platforms tetris and atari play them.
    """
    others = sorted(name for name in gymnasium.registry if name not in OWN_GAMES and not _is_registered_by_ale(name))
    return [*small_games(), *others]


def suggested_names() -> list[str]:
    """Return `game_names` without Gymnasium's robots, whose actions are not discrete."""
    # The v2 and v3 robots, which only raise errors, lie in gymnasium.envs, the others in gymnasium.envs.mujoco.
    robots = re.compile(r"gymnasium\.envs(\.mujoco\..*)?")
    return [name for name in game_names() if not robots.fullmatch(_module_of(name))]


def listed_names() -> list[str]:
    """Return the ids for `list_games`: of our small games, of games with settings here, and of other packages' games.

    Gymnasium's own games that have no settings are left out.
    """
    others = [name for name in game_names() if not _module_of(name).startswith("gymnasium.")]
    return list(dict.fromkeys([*small_games(), *GAME_SETTINGS, *others]))


def _module_of(name: str) -> str:
    """Return the module of a registered environment; its entry point is MODULE:CLASS, or a class or function."""
    entry_point = gymnasium.registry[name].entry_point
    return entry_point if isinstance(entry_point, str) else str(getattr(entry_point, "__module__", ""))


def is_module(name: str) -> bool:
    """Whether Python finds a module of this name; of the name PACKAGE.MODULE it looks for the package."""
    try:
        return all(map(str.isidentifier, name.split("."))) and bool(importlib.util.find_spec(name.split(".")[0]))
    except ValueError:  # a module that has no file, such as __main__
        return False


def _import_package(name: str) -> None:
    """Import the package that registers the environment `name`, an ID or MODULE:ID. Raises GameError."""
    module_name, colon, _ = name.rpartition(":")
    if colon:
        try:
            importlib.import_module(module_name)
        except (Exception, SystemExit) as error:  # any error of the user's code
            reason = describe_loading_error(error)
            raise GameError(f"-g {name}: the module {module_name} cannot be imported ({reason})") from None
    for start, package in PACKAGES.items():
        if name.startswith(start):
            try:
                module = importlib.import_module(package)
            except ModuleNotFoundError as error:
                missing = (error.name or package).split(".")[0]
                hint = f"the package {missing} is missing; install it: pip install {missing}"
                raise GameError(f"-g {name}: {hint}") from None
            except Exception as error:
                raise GameError(f"-g {name}: {package} cannot be imported ({describe_loading_error(error)})") from None
            if hasattr(module, "register_envs") and name not in gymnasium.registry:
                module.register_envs()
