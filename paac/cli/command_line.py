"""Options as fields of a dataclass: each field has its flags, help and limits, and the parser is made from them.

The module is independent of the options themselves.
"""

import argparse
import dataclasses
import json
import math
import os
import re
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

from paac.cli.errors import UserError
from paac.cli.input_files import parse_json
from paac.cli.parser import Parser
from paac.cli.words import did_you_mean

# The kinds of options, by what a resume does with a typed value:
FIXED = "fixed"  # it refuses a change, because the option defines the run
TUNABLE = "tunable"  # it accepts a change, logs it and, unless the run is finished, saves it
LOCAL = "local"  # it accepts any value silently, because the option concerns only this machine and session

CHOSEN_AT_START: Any = dataclasses.MISSING  # the default of an option whose value `resolve` chooses

Parsed = TypeVar("Parsed")


class JsonObject(str):
    """The text of a JSON object, always written in the same way, so that equal objects are equal texts."""

    def __new__(cls, value: str | Mapping[str, Any]) -> "JsonObject":
        """Raises ValueError unless `value` is a mapping of JSON values, or the text of a JSON object."""
        try:
            parsed = parse_json(value) if isinstance(value, str) else value
            text = json.dumps(parsed, allow_nan=False, sort_keys=True)
        except (TypeError, RecursionError) as error:
            raise ValueError(str(error)) from None
        if not isinstance(parsed, Mapping):
            raise ValueError(f"{text} is no JSON object")
        return super().__new__(cls, text)


class Limit(NamedTuple):
    """A condition that the value of an option must satisfy, and its description for messages."""

    holds: Callable[[Any], bool]
    description: str
    choices: tuple[str, ...] = ()  # the allowed values, if there are only few


POSITIVE = Limit(lambda value: value > 0, "more than 0")
NOT_NEGATIVE = Limit(lambda value: value >= 0, "0 or more")
AT_LEAST_ONE = Limit(lambda value: value >= 1, "1 or more")
EXPONENTS = {"k": "e3", "m": "e6", "g": "e9"}  # 10M is 10e6
MAX_INTEGER = 2**53  # integers up to this are exact in JSON and as float64
MIN_FLOAT, MAX_FLOAT = 1e-30, 1e30  # far from the smallest and the largest float32
PATH = Limit(lambda value: value.strip() != "" and "\0" not in value, "a path, not empty")
# TensorFlow cannot write into a folder whose name has bytes that are not valid UTF-8, which Python shows as these.
UTF8_PATH = Limit(
    lambda value: PATH.holds(value) and not re.search("[\udc80-\udcff]", value), "a path in valid UTF-8, not empty"
)
FRACTION = Limit(lambda value: 0 <= value <= 1, "from 0 to 1")
SEED = Limit(lambda value: 0 <= value < 2**31, f"from 0 to {2**31 - 1}")
DEVICE = Limit(lambda value: bool(re.fullmatch(r"/(cpu|gpu):\d+", value, re.I)), "/cpu:0, /gpu:0, /gpu:1, ...")


def between(low: float, high: float) -> Limit:
    """Return a limit that allows values from `low` to `high`, both included."""
    return Limit(lambda value: low <= value <= high, f"from {low} to {high}")


def one_of(*values: Any) -> Limit:
    """Return a limit that allows only these values."""
    choices = tuple(map(str, values))
    return Limit(lambda value: value in values, f"one of {', '.join(choices)}", choices)


def option(
    default: Any,
    *flags: str,
    help: str,
    group: str = "",
    kind: str = LOCAL,
    limit: Limit | None = None,
    flag_value: Any = None,
) -> Any:
    """Return a dataclass field that is an option. Without `flags` its flag is `--` and the name of the field.

    With a `flag_value`, the flag may be typed without a value, which then means `flag_value`.
    """
    metadata = {"flags": flags, "help": help, "group": group, "kind": kind, "limit": limit, "flag_value": flag_value}
    return dataclasses.field(default=default, metadata=metadata | {"positional": ""})


def arguments(name: str, *, help: str, group: str = "") -> Any:
    """Return a dataclass field, a list of strings, for positional arguments, which the help calls `name`."""
    metadata = {"flags": (), "help": help, "group": group, "kind": LOCAL, "limit": None, "flag_value": None}
    return dataclasses.field(metadata=metadata | {"positional": name})


def parse(cls: type[Parsed], argv: Sequence[str], description: str) -> Parsed:
    """Parse `argv` into options of class `cls`, with defaults. Raises UserError; `--help` prints the help and exits."""
    typed = typed_options(cls, argv, description)
    check_limits(cls, typed)
    return cls(**typed)


def typed_options(
    cls: type,
    argv: Sequence[str],
    description: str,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """Return only the options that the user typed, by field name. The fields `without` get no flags.

    Raises UserError; `--help` prints the help and exits.
    """
    fields = [(field, value_type) for field, value_type in option_fields(cls) if field.name not in without]
    names = [field.metadata["positional"] for field, _ in fields if field.metadata["positional"]]
    parser = Parser(" ".join(["%(prog)s [options]", *(f"{name} [{name} ...]" for name in names)]), description)
    groups: dict[str, Any] = {}
    for field, value_type in fields:
        title = field.metadata["group"]
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        _add_option(groups[title], field, value_type)
    return parser.values(argv)


def _add_option(group: Any, field: dataclasses.Field, value_type: type) -> None:
    metadata = field.metadata
    if metadata["positional"]:
        group.add_argument(field.name, nargs="+", metavar=metadata["positional"], help=metadata["help"])
        return
    shown = "" if field.default in (None, CHOSEN_AT_START) or value_type is bool else f" ({field.default})"
    settings: dict[str, Any] = {
        "dest": field.name,
        "default": argparse.SUPPRESS,
        "help": (metadata["help"] + shown).replace("%", "%%"),
    }
    if value_type is bool:
        settings["action"] = argparse.BooleanOptionalAction
    else:
        convert = expand_home if is_path(field) else _PARSERS.get(value_type, value_type)
        settings |= {"type": convert, "metavar": _METAVARS[value_type]}
        if metadata["flag_value"] is not None:
            settings |= {"nargs": "?", "const": metadata["flag_value"]}
    group.add_argument(*flags(field), **settings)


def check_limits(cls: type, values: Mapping[str, Any], prefix: str = "") -> None:
    """Check the options `values`, fields of `cls`. Raises UserError for the first one that is outside its limit.

    `prefix`, such as "args.json: ", begins the message.
    """
    for field, value_type in option_fields(cls):
        value, limit = values.get(field.name), field.metadata["limit"]
        if value is None:
            continue
        if value_type is float and value and not MIN_FLOAT <= abs(value) <= MAX_FLOAT:
            raise UserError(
                f"{prefix}{flag(field)} {value}: must be a finite number; its size must be 0 or from {MIN_FLOAT} to "
                f"{MAX_FLOAT}"
            )
        if value_type is int and not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise UserError(f"{prefix}{flag(field)} {value}: must be from {-MAX_INTEGER} to {MAX_INTEGER}")
        if limit and not limit.holds(value):
            hint = did_you_mean(str(value), limit.choices)
            shown = value if str(value).strip() else repr(value)
            raise UserError(f"{prefix}{flag(field)} {shown}: must be {limit.description}{hint}")


def refuse_changed(options: Any, names: Collection[str], reason: str) -> None:
    """Raise UserError, with the reason, for the first field of `names` that has another value than its default."""
    for field, _ in option_fields(type(options)):
        value = getattr(options, field.name)
        if field.name in names and value != field.default:
            raise UserError(f"{' '.join(words_that_set(field, value))}: {reason}; leave it out")


def whole_number(text: str) -> int:
    """Parse an integer, which may also be written as 1_000_000, 1e6, 500k or 10M."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text[:-1] + EXPONENTS[text[-1].lower()] if text[-1:].lower() in EXPONENTS else text)
    except ValueError:
        value = math.nan
    if not value.is_integer():
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text}")
    return int(value)


def json_object(text: str) -> JsonObject:
    """Parse a JSON object."""
    try:
        return JsonObject(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"""must be a JSON object, such as '{{"size": 8}}', not {text}""") from None


_PARSERS: dict[type, Callable[[str], Any]] = {int: whole_number, JsonObject: json_object}
_METAVARS = {int: "N", float: "X", str: "NAME", JsonObject: "JSON"}


def expand_home(path: str) -> str:
    """Return the path with ~ replaced by the user's home folder; a shell does this only at the start of a word."""
    try:
        return os.path.expanduser(path)
    except ValueError:  # not a path at all
        return path


def is_path(field: dataclasses.Field) -> bool:
    """Return whether the option is a path."""
    return field.metadata["limit"] in (PATH, UTF8_PATH)


def flags(field: dataclasses.Field) -> tuple[str, ...]:
    """Return the flags that set the field."""
    return field.metadata["flags"] or (f"--{field.name}",)


def flag(field: dataclasses.Field) -> str:
    """Return the flag that names the field in messages and commands, the last one if it has two."""
    return flags(field)[-1]


def words_that_set(field: dataclasses.Field, value: Any) -> list[str]:
    """Return the words that set the option to `value` on a command line."""
    if isinstance(value, bool):
        return [flag(field) if value else f"--no-{flag(field)[2:]}"]
    return [flag(field), str(value)]


def spellings(field: dataclasses.Field) -> tuple[str, ...]:
    """Return the names by which a user may call the field: its own, and its flags."""
    return (field.name, *flags(field))


def option_fields(cls: type) -> list[tuple[dataclasses.Field, type]]:
    """Return each field with the type of its values: `int` for `int | None`."""
    hints = get_type_hints(cls)
    return [
        (field, get_args(hints[field.name])[0] if isinstance(hints[field.name], types.UnionType) else hints[field.name])
        for field in dataclasses.fields(cls)
    ]
