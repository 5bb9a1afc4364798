"""From a folder of JSON files to the trainings that they ask for."""

import itertools
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from emulators import GameError, find_game, make_emulator
from paac.cli.args_json import check_json, read_json
from paac.cli.command_line import LOCAL, flag, option_fields
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve

SWEEP = "sweep"
LOCAL_OPTIONS = {field.name for field, _ in option_fields(Options) if field.metadata["kind"] == LOCAL}


class Planned(NamedTuple):
    """One training."""

    name: str  # of its folder
    values: dict[str, Any]  # as in args.json; what is not there takes its default
    options: Options


def read_plan(folder: Path, seeds: int | None = None) -> list[Planned]:
    """The trainings of all JSON files in `folder` and below, by the files' names; each with `seeds` seeds if given.

    Raises UserError that names every file at fault, and its key.
    """
    if not folder.is_dir():
        raise UserError(f"-f {folder}: no such folder; name a folder of JSON files")
    files = sorted(file for file in folder.rglob("*.json") if not file.name.startswith("."))
    if not files:
        raise UserError(f"-f {folder}: no JSON file there; args.json of any run shows what goes into one")
    plan: list[Planned] = []
    faults = []
    for file, name in _names(folder, files).items():
        try:
            plan += _trainings(file, name, seeds)
        except (UserError, GameError) as error:
            faults.append(str(error))
    if faults:
        raise UserError("; ".join(faults))
    _check_names(plan)
    return plan


def _names(folder: Path, files: list[Path]) -> dict[Path, str]:
    """Each file's own name, with those of its folders before it where two have the same."""
    stems = [file.stem for file in files]
    return {
        file: file.stem
        if stems.count(file.stem) == 1
        else _plain("-".join(file.relative_to(folder).with_suffix("").parts))
        for file in files
    }


def _trainings(file: Path, name: str, seeds: int | None) -> Iterator[Planned]:
    values = read_json(file)
    sweep = _sweep(values.pop(SWEEP, {}), file)
    if seeds is not None:
        if "random_seed" in sweep:
            raise UserError(f"--seeds {seeds}: {file} has seeds in its {SWEEP}; leave one of them out")
        sweep["random_seed"] = _seeds(values.get("random_seed"), seeds, file)
    for combination in itertools.product(*sweep.values()):
        changes = dict(zip(sweep, combination, strict=True))
        chosen = [f"{_typed_as(key)}={value}" for key, value in changes.items() if len(sweep[key]) > 1]
        label = "-".join([name, *map(_plain, chosen)])
        where = f"{file} ({label})" if chosen else str(file)
        options = resolve(check_json({**values, **changes}, where), f"{where}: ")
        _check_game(options, file)
        yield Planned(label, {**values, **changes}, options)


def _sweep(lists: Any, file: Path) -> dict[str, list[Any]]:
    """What a file wants tried, key by key."""
    if not isinstance(lists, Mapping):
        raise UserError(f'{file}: {SWEEP} must be an object of lists, as {{"arch": ["NIPS", "NATURE"]}}')
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            raise UserError(f"{file}: {SWEEP}.{key} must be a list with something in it")
        if key in LOCAL_OPTIONS:
            raise UserError(f"{file}: {SWEEP}.{key}: changes no training; leave it out")
    return dict(lists)


def _seeds(first: Any, count: int, file: Path) -> list[int]:
    """`count` seeds from the file's own on, or from 1."""
    if first is not None and type(first) is not int:
        raise UserError(f"{file}: random_seed must be a whole number, not {first!r}")
    start = 1 if first is None else first
    return list(range(start, start + count))


def _typed_as(key: str) -> str:
    """The option's name on the command line, which is the shorter one."""
    fields = {field.name: field for field, _ in option_fields(Options)}
    return flag(fields[key]).lstrip("-") if key in fields else key


def _check_game(options: Options, file: Path) -> None:
    """Start the game once, before any training starts."""
    try:
        _start_game(options.game, options.rom_path, **options.emulator_settings)
    except GameError as error:
        raise UserError(f"{file}: {error}") from None


@cache
def _start_game(game: str, rom_path: str, **settings: Any) -> None:
    make_emulator(find_game(game, rom_path), seed=0, **settings).close()


def _check_names(plan: list[Planned]) -> None:
    names = [planned.name for planned in plan]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"two trainings would be called {twice[0]}: give their files other names, or sweep it once")


def _plain(text: str) -> str:
    """`text` as a folder may be called anywhere."""
    return re.sub(r"[^\w.=+-]", "_", text)
