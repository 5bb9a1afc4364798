"""The space of a hyperparameter search: the options that vary, and the values that each may have."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from emulators import short_name
from paac.cli.args_json import DEPENDENT_OPTIONS, check_json, read_json, rename_keys
from paac.cli.command_line import check_limits, flag, option_fields
from paac.cli.errors import UserError
from paac.cli.options import LOCAL_OPTIONS, Options
from paac.cli.presets import with_preset
from paac.training.find_runs import check_rom_path, with_absolute_rom_path

DEFAULT_SPACE: dict[str, Any] = {
    "initial_lr": {"low": 1e-4, "high": 0.1, "log": True},
    "e": {"low": 1e-8, "high": 0.1, "log": True},
    "clip_norm": {"low": 0.5, "high": 10.0, "log": True},
    "entropy_regularisation_strength": {"low": 0.001, "high": 0.1, "log": True},
    "activation": ["relu", "leaky_relu"],
    "max_local_steps": {"low": 5, "high": 20, "step": 5},
}
RANGE_KEYS = {"low", "high", "log", "step"}
NOT_SEARCHED = {"game", "max_global_steps", "random_seed"}  # they are the same for all trials, or set for each
FIELDS = {field.name: field for field, _ in option_fields(Options)}
TYPES = {field.name: value_type for field, value_type in option_fields(Options)}

Space = dict[str, Any]  # Optuna's distributions by the names of the options


def read_space(file: str | None) -> tuple[dict[str, Any], Space]:
    """Read the JSON file of a space, or take the default space without one; returns its JSON object and the space.

    Raises UserError, which names the file and the key.
    """
    where = file or "the default space"
    if file and not Path(file).exists():
        raise UserError(f"--space {file}: no such file; name a JSON file of options and their ranges")
    ranges = rename_keys(read_json(Path(file)), where) if file else DEFAULT_SPACE
    if not ranges:
        raise UserError(f'{where}: names no option; an example is {{"initial_lr": {json.dumps(DEFAULT_SPACE["e"])}}}')
    return dict(ranges), {name: _distribution(name, values, where) for name, values in ranges.items()}


def _distribution(name: str, values: Any, where: str) -> Any:
    """The values that the option `name` may have. Raises UserError."""
    if name in NOT_SEARCHED | LOCAL_OPTIONS:
        raise UserError(f"{where}: {name} cannot be searched for; leave it out")
    if isinstance(values, list) and values:
        return CategoricalDistribution([_checked(name, value, where) for value in values])
    if not isinstance(values, Mapping) or not {"low", "high"} <= values.keys() <= RANGE_KEYS:
        raise UserError(f'{where}: {name} must be a list of values, or {{"low": A, "high": B}} with "log" or "step"')
    low, high = (_checked(name, values[key], where) for key in ("low", "high"))
    log, step = values.get("log", False), values.get("step")
    if TYPES[name] not in (int, float):
        raise UserError(f"{where}: {name} is not a number, so its values must be a list")
    if type(log) is not bool or log and step is not None:
        raise UserError(f'{where}: {name}: "log" must be true or false, and cannot be true with a "step"')
    if step is not None and (type(step) not in (int, TYPES[name]) or not 0 < step < math.inf):
        kind = "whole number" if TYPES[name] is int else "number"
        raise UserError(f'{where}: {name}: "step" must be a {kind} above 0')
    try:
        if TYPES[name] is int:
            return IntDistribution(low, high, log, step or 1)
        return FloatDistribution(low, high, log, step)
    except ValueError as error:
        raise UserError(f"{where}: {name}: {error}") from None


def _checked(name: str, value: Any, where: str) -> Any:
    """The value of an option after a check of its name, type and limit. Raises UserError."""
    checked = check_json({name: value}, where)
    check_limits(Options, checked, f"{where}: ")
    if name not in checked:  # null
        raise UserError(f"{where}: {name} must have a value")
    return checked[name]


def point_of(options: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """The values that the `options` have in the space; those that lie outside it are left out."""
    point = {}
    for name, distribution in space.items():
        value = options[name]
        if isinstance(distribution, CategoricalDistribution):
            is_inside = value in distribution.choices
        else:
            is_inside = distribution.low <= value <= distribution.high
            if is_inside and distribution.step:
                steps = (value - distribution.low) / distribution.step
                is_inside = math.isclose(steps, round(steps), abs_tol=1e-8)
        if is_inside:
            point[name] = value
    return point


class TrialOptions(NamedTuple):
    """The options of the trials that were typed or come from a preset."""

    shared: dict[str, Any]  # of all trials
    start: dict[str, Any]  # the values that the first trial has for options that are searched for
    local: dict[str, Any]  # of this machine


def split_options(typed: Mapping[str, Any], space: Space) -> TrialOptions:
    """Divide the `typed` options and those of a preset among the trials. Raises UserError or GameError."""
    for name in space:
        if name in typed:
            raise UserError(f"{flag(FIELDS[name])}: the space has {name} too; leave it out of one of them")
    check_rom_path(typed.get("rom_path"))
    named = with_preset({name: value for name, value in typed.items() if name in FIELDS or name == "preset"})
    options = {"game": Options.game, **with_absolute_rom_path(named)}
    options["game"] = short_name(options["game"])
    left_out = {"max_global_steps", "random_seed", *LOCAL_OPTIONS, *space}
    left_out |= {name for searched in space for name in DEPENDENT_OPTIONS.get(searched, ()) if name not in typed}
    return TrialOptions(
        shared={name: value for name, value in options.items() if name not in left_out},
        start={name: options[name] for name in space if name in options},
        local={name: value for name, value in options.items() if name in LOCAL_OPTIONS},
    )
