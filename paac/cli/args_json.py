"""The options of a run in its file `args.json`: saved, read, and read again by a resume."""

import dataclasses
import difflib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paac.cli.command_line import FIXED, LOCAL, flag, typed_fields
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve

KIND_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def save_options(options: Options, file: Path) -> None:
    """Write args.json, whole or not at all."""
    aside = file.with_name(f".{file.name}.new")
    aside.write_text(json.dumps(dataclasses.asdict(options), indent=2) + "\n", encoding="utf-8")
    os.replace(aside, file)


def load_options(file: Path) -> Options:
    """Read args.json, that of the original Manette too; what it lacks takes its default. Raises UserError."""
    return resolve(read_options(file), f"{file}: ")


def read_options(file: Path) -> dict[str, Any]:
    """The options that args.json names. Raises UserError."""
    return check_json(read_json(file), str(file))


def read_json(file: Path) -> dict[str, Any]:
    """The object that a JSON file holds. Raises UserError."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} cannot be read ({error}): correct it, or name another folder") from None
    if not isinstance(values, dict):
        raise UserError(f"{file} holds no JSON object: correct it, or name another folder")
    return values


def check_json(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The options that a JSON object holds, each known and of its type; `resolve` checks the values.

    Raises UserError, which says `where` the object came from.
    """
    kinds = {field.name: (kind, field) for field, kind in typed_fields(Options)}
    given = {}
    for name, value in values.items():
        if name not in kinds:
            near = difflib.get_close_matches(name, kinds, n=1)
            raise UserError(f"{where}: unknown key {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
        kind, field = kinds[name]
        if value is None and field.default in (None, dataclasses.MISSING):
            continue  # as if it were not there
        if kind is float and type(value) is int and abs(value) < 2**63:
            value = float(value)
        if type(value) is not kind:
            raise UserError(f"{where}: {name} must be {KIND_NAMES[kind]}, not {json.dumps(value)}")
        given[name] = value
    return given


def resume_options(
    saved: Mapping[str, Any], typed: Mapping[str, Any], started: bool = True
) -> tuple[Options, list[str]]:
    """The saved options with what was typed, and a line for each change. Raises UserError for a fixed one.

    Only typed options count: a default that has changed since is no change of the user's. A run that has not `started`
    has no checkpoint yet, and nothing about it is fixed.
    """
    folder = typed.get("debugging_folder", Options.debugging_folder)
    changes = []
    for field, _ in typed_fields(Options):
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
    # Where it goes and whether it is watched is said anew each time.
    anew = {"debugging_folder": folder, "visualize": typed.get("visualize", Options.visualize)}
    return resolve({**saved, **typed, **anew}), changes
