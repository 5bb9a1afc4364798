"""The state of a game as JSON values. Values keep their types, so the state is restored exactly."""

from typing import Any

import numpy as np

from emulators.emulator import GameError

# JSON has no such values: each becomes an object with one of these keys.
NUMBER, ARRAY, TUPLE, PAIRS = "__number__", "__array__", "__tuple__", "__pairs__"
KINDS = "biufcSU"  # NumPy's kinds of bools, numbers and texts


def to_json(value: Any, game: str) -> Any:
    """Return a JSON value for `value`.

    It may hold None, bools, numbers, strings, lists, tuples, dictionaries, and NumPy's numbers and arrays. Raises
    GameError, which names the `game`, for anything else.
    """
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in KINDS:
        key = NUMBER if isinstance(value, np.generic) else ARRAY
        return {key: [value.dtype.str, list(value.shape), value.tobytes().hex()]}
    if type(value) is tuple:
        return {TUPLE: [to_json(item, game) for item in value]}
    if type(value) is list:
        return [to_json(item, game) for item in value]
    if type(value) is dict:
        if all(type(key) is str and not key.startswith("__") for key in value):
            return {key: to_json(item, game) for key, item in value.items()}
        return {PAIRS: [[to_json(key, game), to_json(item, game)] for key, item in value.items()]}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise GameError(
        f"{game}: its state holds a {type(value).__name__}, which cannot be saved; use numbers, strings, lists, "
        "tuples, dictionaries and NumPy arrays"
    )


def from_json(value: Any) -> Any:
    """Return the value that `to_json` converted. Raises ValueError or TypeError for others."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if TUPLE in value:
        return tuple(from_json(value[TUPLE]))
    if PAIRS in value:
        return {from_json(key): from_json(item) for key, item in value[PAIRS]}
    for key in (NUMBER, ARRAY):
        if key in value:
            dtype, shape, content = value[key]
            if np.dtype(dtype).kind not in KINDS:  # objects would be pointers that a stranger chose
                raise ValueError(f"{str(dtype)[:100]} is not a type of numbers or texts")
            array = np.ndarray(shape, dtype, bytearray.fromhex(content))
            return array[()] if key == NUMBER else array
    return {key: from_json(item) for key, item in value.items()}
