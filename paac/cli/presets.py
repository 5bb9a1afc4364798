"""Presets: options of trained agents, in presets/NAME.json, and those of the original Manette."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulators import find_game, short_name
from paac.cli.args_json import check_json, read_json, without_dependent
from paac.cli.command_line import expand_home
from paac.cli.errors import UserError
from paac.cli.options import LOCAL_OPTIONS, OWN_PRESET, Options, resolve
from paac.cli.words import did_you_mean

PRESETS = Path(__file__).resolve().parents[2] / "presets"
ORIGINAL = "original"

ORIGINAL_ATARI: dict[str, Any] = {
    "arch": "PWYX",
    "max_repetition": 10,
    "nb_choices": 11,
    "entropy_regularisation_strength": 0.05,
    "lr_annealing_steps": 300_000_000,
}
ORIGINAL_PIXEL_GAME: dict[str, Any] = {"random_start": False, "lr_annealing_steps": 300_000_000}
# The options of agents that the original Manette shipped, where they differ from ORIGINAL_ATARI.
ORIGINAL_AGENTS: dict[str, dict[str, Any]] = {
    "breakout": ORIGINAL_ATARI | {"rgb": True},
    "pong": ORIGINAL_ATARI | {"rgb": True},
    "space_invaders": ORIGINAL_ATARI | {"rgb": True},
    "Catcher-v0": ORIGINAL_PIXEL_GAME | {"initial_lr": 0.02},
    "FlappyBird-v0": ORIGINAL_PIXEL_GAME | {"initial_lr": 0.01, "entropy_regularisation_strength": 0.01},
    "Snake-v0": ORIGINAL_PIXEL_GAME | {"entropy_regularisation_strength": 0.01},
}


def preset_files() -> dict[str, Path]:
    """Return the files in presets/ by the names of the presets."""
    return {file.stem: file for file in sorted(PRESETS.glob("*.json"), key=lambda file: file.stem.lower())}


def with_preset(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in `values` and those of the preset that it names under "preset", if it names one.

    The options in `values` win. Raises UserError or GameError.
    """
    given = {name: value for name, value in values.items() if name != "preset"}
    preset = values.get("preset")
    if preset is None:
        return given
    game = short_name(given.get("game", Options.game))
    options = _original(given, game) if preset == ORIGINAL else read_preset(_find_file(preset, game))
    # If another game or number of repeats is given, what the preset chose for its own is chosen again.
    chosen = without_dependent({"game": game, **options}, given)
    if "game" not in options:
        del chosen["game"]  # `game` is only the default then, and no choice of the preset
    return {**chosen, **given}


def read_preset(file: Path) -> dict[str, Any]:
    """Return the options in the file of a preset, as `read_json` and `check_json` check them. Raises UserError."""
    values = read_json(file)
    options = values.get("options")
    if not isinstance(options, Mapping) or not values.keys() <= {"about", "options"}:
        raise UserError(
            f'{file}: must hold {{"about": {{...}}, "options": {{...}}}}, as the files in {PRESETS.name}/ do'
        )
    options = check_json(options, str(file))
    for name in LOCAL_OPTIONS & options.keys():
        raise UserError(f"{file}: {name} belongs to a machine, and not to a preset; leave it out")
    resolve(options, f"{file}: ")
    return options


def _find_file(preset: str, game: str) -> Path:
    files = preset_files()
    name = game if preset == OWN_PRESET else preset
    if name in files:
        return files[name]
    if preset == OWN_PRESET:
        raise UserError(
            f"--preset: there is no preset for {game}; try --preset fast, which is for any game, or name another "
            f"preset or a file: {', '.join([*files, ORIGINAL])}"
        )
    file = Path(expand_home(preset))
    if not os.path.isfile(file):
        names = [*files, ORIGINAL]
        hint = did_you_mean(preset, names)
        raise UserError(f"--preset {preset}: no such preset or file; the presets are {', '.join(names)}{hint}")
    return file


def _original(given: Mapping[str, Any], game: str) -> dict[str, Any]:
    """Return the options of the original Manette for `game`. Raises UserError if it had none, and GameError."""
    if game in ORIGINAL_AGENTS:
        return dict(ORIGINAL_AGENTS[game])
    found = find_game(game, given.get("rom_path", Options.rom_path), given.get("env_kwargs", Options.env_kwargs))
    if found.platform != "atari":
        raise UserError(
            f"--preset {ORIGINAL}: the original Manette has no options for {game}; it has them for Atari games, "
            "Catcher-v0, FlappyBird-v0 and Snake-v0"
        )
    return dict(ORIGINAL_ATARI)
