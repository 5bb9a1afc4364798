"""Options as fields of a dataclass: their flags, help and limits once, and from them a command line.

Nothing here knows which options there are.
"""

import argparse
import dataclasses
import math
import re
import shutil
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

from paac.cli.errors import UserError

FIXED = "fixed"  # part of what the run is: a resume refuses a change
TUNABLE = "tunable"  # a resume takes a change, logs it and saves it
LOCAL = "local"  # of this machine and this moment: never compared

CHOSEN_AT_START: Any = dataclasses.MISSING  # in place of a default

Parsed = TypeVar("Parsed")


class Limit(NamedTuple):
    """What an option's value must fulfil, and how to say so."""

    holds: Callable[[Any], bool]
    text: str


POSITIVE = Limit(lambda value: value > 0, "more than 0")
NOT_NEGATIVE = Limit(lambda value: value >= 0, "0 or more")
AT_LEAST_ONE = Limit(lambda value: value >= 1, "1 or more")
LARGEST = 2**53  # whole numbers up to here are exact wherever they go
PATH = Limit(lambda value: value.strip() != "" and "\0" not in value, "a path")
SHARE = Limit(lambda value: 0 <= value <= 1, "from 0 to 1")
SEED = Limit(lambda value: 0 <= value < 2**31, f"from 0 to {2**31 - 1}")
DEVICE = Limit(lambda value: bool(re.fullmatch(r"/(cpu|gpu):\d+", value, re.I)), "/cpu:0, /gpu:0, /gpu:1, ...")


def between(low: float, high: float) -> Limit:
    """A limit to a range, both ends included."""
    return Limit(lambda value: low <= value <= high, f"from {low} to {high}")


def one_of(*values: Any) -> Limit:
    """A limit to the values listed."""
    return Limit(lambda value: value in values, "one of " + ", ".join(map(str, values)))


def option(
    default: Any,
    *flags: str,
    help: str,
    group: str = "",
    kind: str = LOCAL,
    limit: Limit | None = None,
    alone: Any = None,
) -> Any:
    """A dataclass field that is an option; without flags it is `--name`. Typed without a value it means `alone`."""
    metadata = {"flags": flags, "help": help, "group": group, "kind": kind, "limit": limit, "alone": alone}
    return dataclasses.field(default=default, metadata=metadata | {"typed_as": ""})


def arguments(name: str, *, help: str, group: str = "") -> Any:
    """A dataclass field, a list of texts, for what is typed without a flag; called `name` in the help."""
    metadata = {"flags": (), "help": help, "group": group, "kind": LOCAL, "limit": None, "alone": None}
    return dataclasses.field(metadata=metadata | {"typed_as": name})


def parse(cls: type[Parsed], argv: Sequence[str], description: str) -> Parsed:
    """The options `cls` as `argv` says, the rest by their defaults. Raises UserError; `--help` prints and exits."""
    typed = typed_options(cls, argv, description)
    check_limits(cls, typed)
    return cls(**typed)


def typed_options(
    cls: type, argv: Sequence[str], description: str, switches: Mapping[str, tuple[str, str]] | None = None
) -> dict[str, Any]:
    """Only what the user typed, by field name. Raises UserError; `--help` prints and exits.

    `switches` are further flags that are no field: name -> (group, help).
    """
    fields = typed_fields(cls)
    names = [field.metadata["typed_as"] for field, _ in fields if field.metadata["typed_as"]]
    parser = _Parser(
        usage=" ".join(["%(prog)s [options]", *(f"{name} [{name} ...]" for name in names)]),
        description=description,
        allow_abbrev=False,
        formatter_class=_HelpFormatter,
    )
    groups: dict[str, Any] = {}
    for field, kind in fields:
        title = field.metadata["group"]
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        _add_option(groups[title], field, kind)
    for name, (title, help) in (switches or {}).items():
        groups[title].add_argument(f"--{name}", action="store_true", default=argparse.SUPPRESS, help=help)
    return vars(parser.parse_args(list(argv)))


def _add_option(group: Any, field: dataclasses.Field, kind: type) -> None:
    metadata = field.metadata
    if metadata["typed_as"]:
        group.add_argument(field.name, nargs="+", metavar=metadata["typed_as"], help=metadata["help"])
        return
    shown = "" if field.default in (None, CHOSEN_AT_START) or kind is bool else f" ({field.default})"
    settings: dict[str, Any] = {
        "dest": field.name,
        "default": argparse.SUPPRESS,
        "help": (metadata["help"] + shown).replace("%", "%%"),
    }
    if kind is bool:
        settings["action"] = argparse.BooleanOptionalAction
    else:
        settings |= {"type": whole_number if kind is int else kind, "metavar": _METAVARS[kind]}
        if metadata["alone"] is not None:
            settings |= {"nargs": "?", "const": metadata["alone"]}
    group.add_argument(*(metadata["flags"] or (f"--{field.name}",)), **settings)


def check_limits(cls: type, values: Mapping[str, Any], where: str = "") -> None:
    """Raise UserError for the first of the options `values`, fields of `cls`, that is out of its limits."""
    for field, kind in typed_fields(cls):
        value, limit = values.get(field.name), field.metadata["limit"]
        if value is None:
            continue
        if kind is float and not math.isfinite(value):
            raise UserError(f"{where}{flag(field)} {value}: must be a finite number")
        if kind is int and not -LARGEST <= value <= LARGEST:
            raise UserError(f"{where}{flag(field)} {value}: must be at most {LARGEST}")
        if limit and not limit.holds(value):
            raise UserError(f"{where}{flag(field)} {value}: must be {limit.text}")


def whole_number(text: str) -> int:
    """An int, also written as 1_000_000 or 1e6."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value.is_integer():
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text}")
    return int(value)


_METAVARS = {int: "N", float: "X", str: "NAME"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UserError(f"{message}; --help lists the options")


class _HelpFormatter(argparse.HelpFormatter):
    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=36, width=min(120, max(80, shutil.get_terminal_size().columns)))


def flag(field: dataclasses.Field) -> str:
    """What a user types to set the field."""
    return (field.metadata["flags"] or (f"--{field.name}",))[-1]


def typed_fields(cls: type) -> list[tuple[dataclasses.Field, type]]:
    """Each field with its plain type: `int` for `int | None`."""
    hints = get_type_hints(cls)
    return [
        (field, get_args(hints[field.name])[0] if isinstance(hints[field.name], types.UnionType) else hints[field.name])
        for field in dataclasses.fields(cls)
    ]
