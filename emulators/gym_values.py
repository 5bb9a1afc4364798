"""Checks and converts what a Gymnasium environment returns: pictures and rewards."""

import reprlib
import site
import sys
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from emulators.emulator import GameError

NUMBERS = "biuf"  # NumPy's kinds of numbers: bool, signed, unsigned and float
MAX_UNIT_VALUE = 2.0  # a float picture with a larger value has the range 0 to 255, not 0 to 1
MAX_REWARD = float(np.finfo(np.float32).max)  # rewards are float32 in the learner

LIBRARIES = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
LIBRARIES += [site.getusersitepackages(), str(Path(__file__).parent)]
# How the names of files begin whose code is not the user's; "<" begins those of frozen modules.
NOT_USERS = (*(f"{folder}/" for folder in LIBRARIES), "<")


class PictureReader:
    """Makes screens, uint8 [height, width, 3], of the pictures that one environment renders.

    A picture may be an array or a list, RGB, RGBA or gray, of integers or floats from 0 to 255, of floats from 0 to 1,
    or of bools.
    """

    def __init__(self, game: str):
        """`game` is named in errors."""
        self._game = game
        self._shape: tuple[int, ...] | None = None  # of all screens
        self._is_unit = True  # whether floats range from 0 to 1; false after a picture with a larger value

    def screen(self, rendered: Any) -> np.ndarray:
        """Return the picture as a screen. Raises GameError if it is not a picture, or if its size has changed."""
        if not isinstance(rendered, np.ndarray) or rendered.dtype != np.uint8 or rendered.shape != self._shape:
            rendered = self._to_bytes(self._to_rgb(rendered))
            self._shape = self._shape or rendered.shape
            if rendered.shape != self._shape:
                raise self._error(f"a picture of shape {rendered.shape} after one of shape {self._shape}")
        return rendered

    def _to_rgb(self, rendered: Any) -> np.ndarray:
        """Return the picture as an array of numbers [height, width, 3]."""
        try:
            picture = np.asarray(rendered)
        except ValueError:  # a list of rows with different lengths
            raise self._error(_short(rendered)) from None
        if picture.dtype.kind not in NUMBERS or picture.ndim < 2:
            raise self._error(_short(rendered))
        channels = picture[..., None] if picture.ndim == 2 else picture
        if channels.ndim != 3 or channels.shape[2] not in (1, 3, 4) or not channels.size:
            raise self._error(f"an array of shape {picture.shape}")
        return channels.repeat(3, axis=2) if channels.shape[2] == 1 else channels[..., :3]

    def _to_bytes(self, picture: np.ndarray) -> np.ndarray:
        if picture.dtype == np.uint8:
            return picture
        if picture.dtype == np.bool_:
            return picture * np.uint8(255)
        low, high = float(picture.min()), float(picture.max())
        if not (low > -0.01 and high < 255.5):  # NaN is neither
            raise self._error(f"values from {low:g} to {high:g}")
        self._is_unit = self._is_unit and high <= MAX_UNIT_VALUE
        if picture.dtype.kind == "f" and self._is_unit:
            picture = np.rint(255 * picture)
        return picture.clip(0, 255).astype(np.uint8)

    def _error(self, what: str) -> GameError:
        return GameError(
            f"-g {self._game}: render() of the environment gives {what}; it must always give a picture of the same "
            "size, uint8 [height, width, 3]: correct the environment, or choose another game"
        )


def read_step(game: str, returned: Any) -> tuple[float, bool, bool]:
    """Return the reward of a step, whether the episode has ended, and whether it is truncated.

    `returned` is what `step` of the environment returned. Raises GameError, which names the `game`, if it is wrong.
    """
    try:
        _, reward, terminated, truncated, _ = returned
    except (TypeError, ValueError):
        what = f"{len(returned)} values" if isinstance(returned, tuple) else _short(returned)
        raise GameError(
            f"-g {game}: step() of the environment gives {what} instead of five (observation, reward, terminated, "
            "truncated and info): correct the environment, or choose another game"
        ) from None
    return read_reward(game, reward), bool(terminated), bool(truncated)


def read_reward(game: str, reward: Any) -> float:
    """Return the reward of a step as a float. Raises GameError, which names the `game`, if it is no finite number."""
    try:
        array = np.asarray(reward)
    except ValueError:
        array = np.zeros(0)
    if array.size == 1 and array.dtype.kind in NUMBERS and abs(value := float(array.item())) <= MAX_REWARD:
        return value
    raise GameError(
        f"-g {game}: step() of the environment gives the reward {_short(reward)}; a reward must be a finite number "
        f"up to {MAX_REWARD:.2g}: correct the environment, or choose another game"
    )


def call_environment(
    game: str, environment: Any, function: Callable[..., Any], *arguments: Any, **keywords: Any
) -> Any:
    """Call a `function` of the `environment` of a game. An error in it, or `sys.exit()`, becomes a GameError."""
    try:
        return function(*arguments, **keywords)
    except GameError:
        raise
    except (Exception, SystemExit) as error:
        raise environment_error(game, environment, error) from None


def environment_error(game: str, environment: Any, error: BaseException) -> GameError:
    """Return the GameError for an `error` in the code of `environment`, which names the line."""
    place = _place(error, environment)
    return GameError(
        f"-g {game}: the environment fails{place}: {describe_error(error)}; correct it, or choose another game"
    )


def describe_loading_error(error: BaseException) -> str:
    """Return what `describe_error` does, after the last line of the user's code in the error's traceback, if any."""
    line = _last_line(error, lambda file: not file.startswith(NOT_USERS))
    reason = describe_error(error).partition(" was raised from the environment creator")[0]  # words of Gymnasium
    return f"{line}: {reason}" if line else reason


def describe_error(error: BaseException) -> str:
    """Return the type of an error and its message, in one line."""
    return _shortened(" ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":"), 200)


def _place(error: BaseException, environment: Any) -> str:
    """Return the file and line of the environment's code at which the error occurred, in brackets, or ""."""
    modules = {cls.__module__ for cls in type(environment).__mro__ if not cls.__module__.startswith("gymnasium.")}
    files = {getattr(sys.modules.get(module), "__file__", None) for module in modules}
    line = _last_line(error, files.__contains__)
    return f" ({line})" if line else ""


def _last_line(error: BaseException, is_meant: Callable[[str], bool]) -> str:
    """Return the last line in the error's traceback whose file `is_meant`, as "FILE, line N"; "" for none."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_meant(frame.filename)]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _short(value: Any) -> str:
    """Return a description of `value` that fits into one line."""
    return _shortened(" ".join(reprlib.repr(value).split()), 60)
