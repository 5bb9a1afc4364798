"""The options of a run in its file `args.json`: saving, loading, and changes when the run is resumed."""

import argparse
import dataclasses
import json
import os
import textwrap
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from emulators import find_game, frame_skip_by_name, short_name
from paac.cli.command_line import (
    FIXED,
    LOCAL,
    JsonObject,
    check_limits,
    expand_home,
    flag,
    is_path,
    option_fields,
    spellings,
    whole_number,
)
from paac.cli.errors import UserError
from paac.cli.input_files import load_json
from paac.cli.options import Options, resolve
from paac.cli.safe_files import replace_file
from paac.cli.words import did_you_mean

PAAC_KEYS = {"arg_file"}  # keys of PAAC's args.json that are no options here
# Options that were chosen for the value of another one: option -> those to choose again when it changes.
DEPENDENT_OPTIONS = {
    "game": ("env_kwargs", "frame_skip", "random_start"),
    "protocol": ("random_start", "sticky_actions", "full_action_space"),
    "max_repetition": ("nb_choices",),
    "emulator_counts": ("shards",),
}
TYPE_NAMES = {
    int: "a whole number",
    float: "a number",
    str: "a string",
    bool: "true or false",
    JsonObject: "a JSON object",
}


def save_options(options: Options, file: Path) -> None:
    """Write args.json as `replace_file` does."""
    replace_file(file, (json.dumps(dataclasses.asdict(options), indent=2) + "\n").encode())


def load_options(file: Path, ignore: Collection[str] = ()) -> Options:
    """Read args.json as `read_options` does; missing options take their defaults. Raises UserError."""
    return resolve(read_options(file, ignore), f"{file}: ", started=True)


def read_options(file: Path, ignore: Collection[str] = ()) -> dict[str, Any]:
    """Return the options in args.json, even one from the original Manette or PAAC, except those to `ignore`.

    Raises UserError.
    """
    options = check_json(read_json(file), str(file))
    options.setdefault("frame_skip", frame_skip_by_name(options.get("game", Options.game)))
    return {name: value for name, value in options.items() if name not in ignore}


def read_json(file: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises UserError."""
    try:
        values = load_json(file)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise UserError(f"{file} cannot be read ({error}): correct it") from None
    if not isinstance(values, dict):
        raise UserError(f"{file} holds no JSON object: correct it")
    return values


def key_names(cls: type = Options) -> dict[str, str]:
    """Return the keys that a JSON file may have, with the option that each sets: names of options, and flags."""
    return {spelling.lstrip("-"): field.name for field, _ in option_fields(cls) for spelling in spellings(field)}


def rename_keys(values: Mapping[str, Any], where: str, cls: type = Options) -> dict[str, Any]:
    """Return `values` with the names of args.json as keys, where the file may have flags without their dashes.

    Raises UserError, with a message that starts with `where`, if two keys set the same option.
    """
    names = key_names(cls)
    renamed: dict[str, Any] = {}
    for key, value in values.items():
        name = names.get(key, key)
        if name in renamed:
            keys = " and ".join(key for key in values if names.get(key, key) == name)
            raise UserError(f"{where}: {keys} set the same option; leave one of them out")
        renamed[name] = value
    return renamed


def check_json(values: Mapping[str, Any], where: str, cls: type = Options) -> dict[str, Any]:
    """Return the options of `cls` in a JSON object after a check of their names and types, but not of their limits.

    Raises UserError, with a message that starts with `where`, the source of the object.
    """
    known = {field.name: (field, value_type) for field, value_type in option_fields(cls)}
    given = {}
    for name, value in rename_keys(values, where, cls).items():
        if name in PAAC_KEYS:
            continue
        if name not in known:
            raise UserError(f"{where}: unknown key {name[:100]!r}{did_you_mean(name, key_names(cls))}")
        field, value_type = known[name]
        if value is None and field.default in (None, dataclasses.MISSING):
            continue  # null means that the option is missing
        converted = _converted(name, value, value_type)
        if type(converted) is not value_type:
            shown = textwrap.shorten(json.dumps(value, default=repr), 200, placeholder="...")
            raise UserError(f"{where}: {name} must be {TYPE_NAMES[value_type]}, not {shown}")
        given[name] = expand_home(str(converted)) if is_path(field) else converted
    return given


def from_keywords(values: Mapping[str, Any], where: str, cls: type = Options) -> dict[str, Any]:
    """Return the options of `cls` that a program gave as keywords: `check_json` and `check_limits` check them.

    Paths and numbers of NumPy are allowed too. Raises UserError, with a message that starts with `where`.
    """
    plain = {
        name: os.fspath(value)
        if isinstance(value, os.PathLike)
        else value.item()
        if isinstance(value, np.generic)
        else value
        for name, value in values.items()
    }
    given = check_json(plain, where, cls)
    check_limits(cls, given, f"{where}: ")
    return given


def _converted(name: str, value: Any, value_type: type) -> Any:
    """Return the value of an option in JSON as a `value_type` if it has that meaning, otherwise unchanged."""
    if name == "game" and isinstance(value, str):
        return short_name(value)
    if name == "visualize" and type(value) is bool:  # PAAC's
        return int(value)
    if value_type is float and type(value) is int and abs(value) < 2**63:
        return float(value)
    with suppress(ValueError, argparse.ArgumentTypeError):
        if value_type is int and isinstance(value, str | float):  # 1e6 and "10M"
            return whole_number(str(value))
        if value_type is JsonObject and isinstance(value, str | dict):
            return JsonObject(value)
    return value


def resume_options(
    saved: Mapping[str, Any], typed: Mapping[str, Any], started: bool = True
) -> tuple[Options, list[str]]:
    """Return the saved options updated with the typed ones, and a message for each change.

    Raises UserError or GameError if a typed option is invalid or changes a fixed one, unless the run has not `started`:
    before its first checkpoint, no option is fixed. Options that were not typed keep their saved values, even if their
    defaults have changed since.
    """
    check_limits(Options, typed)
    folder = typed.get("debugging_folder", Options.debugging_folder)
    changes = []
    if not started:
        saved = without_dependent(saved, typed)
    for field, old, new in differing_options(saved, typed):
        if started and field.metadata["kind"] == FIXED:
            if field.name == "game":  # a game that does not exist is the first mistake
                find_game(new, typed.get("rom_path", saved.get("rom_path", Options.rom_path)))
            raise UserError(
                f"{flag(field)} {new}: the run in {folder} has {old}, and that cannot change; leave the option out, or "
                "start a new run with another -df"
            )
        changes.append(f"{flag(field)} is now {new}; it was {old}")
    # The saved values of these two are ignored: the folder may have moved, and a window is opened only on request.
    not_saved = {"debugging_folder": folder, "visualize": typed.get("visualize", Options.visualize)}
    return resolve({**saved, **typed, **not_saved}, started=started), changes


def differing_options(
    saved: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[tuple[dataclasses.Field, Any, Any]]:
    """Yield each fixed or tunable option whose saved and given values differ, with these two values."""
    for field, _ in option_fields(Options):
        if field.name not in given or field.metadata["kind"] == LOCAL:
            continue
        old, new = saved.get(field.name, field.default), given[field.name]
        if old != new and old is not dataclasses.MISSING:
            yield field, old, new


def without_dependent(saved: Mapping[str, Any], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the saved options without those that were chosen for the value of an option that is now another one."""
    chosen_again = {
        dependent
        for name, dependents in DEPENDENT_OPTIONS.items()
        if typed.get(name) not in (None, saved.get(name, getattr(Options, name)))
        for dependent in dependents
    }
    return {name: value for name, value in saved.items() if name not in chosen_again}
