"""The options of a run in its file `args.json`: saving, loading, and changes when the run is resumed."""

import dataclasses
import difflib
import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from emulators import earlier_frame_skip, short_name
from paac.cli.command_line import FIXED, LOCAL, JsonObject, expand_home, flag, is_path, option_fields
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve

PAAC_KEYS = {"arg_file"}  # keys of PAAC's args.json that are no options here
ENVIRONMENT_OPTIONS = ("env_kwargs", "frame_skip")  # those that do not suit another game
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


def replace_file(file: Path, content: bytes) -> None:
    """Write a file aside and rename it: after a crash it is either the old one or the new one. Raises OSError."""
    new_file = file.with_name(f".{file.name}.new")
    try:
        new_file.write_bytes(content)
        os.replace(new_file, file)
    except OSError:
        new_file.unlink(missing_ok=True)
        raise


def load_options(file: Path, ignore: Collection[str] = ()) -> Options:
    """Read args.json as `read_options` does; missing options take their defaults. Raises UserError."""
    return resolve(read_options(file, ignore), f"{file}: ", started=True)


def read_options(file: Path, ignore: Collection[str] = ()) -> dict[str, Any]:
    """Return the options in args.json, even one from the original Manette or PAAC, except those to `ignore`.

    Raises UserError.
    """
    options = check_json(read_json(file), str(file))
    options.setdefault("frame_skip", earlier_frame_skip(options.get("game", Options.game)))
    return {name: value for name, value in options.items() if name not in ignore}


def read_json(file: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises UserError."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} cannot be read ({error}): correct it, or name another") from None
    if not isinstance(values, dict):
        raise UserError(f"{file} holds no JSON object: correct it, or name another")
    return values


def check_json(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the options in a JSON object after a check of their names and types; `resolve` checks their values.

    Raises UserError, with a message that starts with `where`, the source of the object.
    """
    known = {field.name: (field, value_type) for field, value_type in option_fields(Options)}
    given = {}
    for name, value in values.items():
        if name in PAAC_KEYS:
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UserError(f"{where}: unknown key {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
        field, value_type = known[name]
        if value is None and field.default in (None, dataclasses.MISSING):
            continue  # null means that the option is missing
        if name == "visualize" and type(value) is bool:  # PAAC's
            value = int(value)
        if value_type is float and type(value) is int and abs(value) < 2**63:
            value = float(value)
        if value_type is JsonObject and isinstance(value, str | dict):
            with suppress(ValueError):
                value = JsonObject(value)
        if type(value) is not value_type:
            raise UserError(f"{where}: {name} must be {TYPE_NAMES[value_type]}, not {json.dumps(value)}")
        if is_path(field):
            value = expand_home(str(value))
        given[name] = short_name(str(value)) if name == "game" else value
    return given


def resume_options(
    saved: Mapping[str, Any], typed: Mapping[str, Any], started: bool = True
) -> tuple[Options, list[str]]:
    """Return the saved options updated with the typed ones, and a message for each change.

    Raises UserError if a typed option changes a fixed one, unless the run has not `started`: before its first
    checkpoint, no option is fixed. Options that were not typed keep their saved values, even if their defaults have
    changed since.
    """
    folder = typed.get("debugging_folder", Options.debugging_folder)
    changes = []
    if not started and typed.get("game") not in (None, saved.get("game", Options.game)):
        saved = {name: value for name, value in saved.items() if name not in ENVIRONMENT_OPTIONS}
    for field, _ in option_fields(Options):
        if field.name not in typed or field.metadata["kind"] == LOCAL:
            continue
        old, new = saved.get(field.name, field.default), typed[field.name]
        if old in (new, dataclasses.MISSING):
            continue
        if started and field.metadata["kind"] == FIXED:
            raise UserError(
                f"{flag(field)} {new}: the run in {folder} has {old}, and that cannot change; leave the option out, or "
                "start a new run with another -df"
            )
        changes.append(f"{flag(field)} is now {new}; it was {old}")
    # The saved values of these two are ignored: the folder may have moved, and a window is opened only on request.
    not_saved = {"debugging_folder": folder, "visualize": typed.get("visualize", Options.visualize)}
    return resolve({**saved, **typed, **not_saved}, started=started), changes
