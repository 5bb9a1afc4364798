"""Reads the runs of experiments from a folder of JSON files: each of its sub-folders is an experiment."""

import itertools
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from emulators import GameError, find_game, make_emulator
from paac.cli.args_json import check_json, read_json, rename_keys
from paac.cli.command_line import flag, option_fields
from paac.cli.errors import UserError
from paac.cli.folders import walk
from paac.cli.options import LOCAL_OPTIONS, Options, resolve
from paac.cli.presets import with_preset
from paac.cli.words import counted
from paac.training.find_runs import with_absolute_rom_path
from paac.training.run_folder import RunFolder

SWEEP = "sweep"
MAX_RUNS = 10_000  # of a JSON file
MAX_ERRORS = 5  # in one message


class PlannedRun(NamedTuple):
    """One run of an experiment."""

    experiment: str  # name of the sub-folder that contains its JSON file
    name: str  # of the run's folder
    values: dict[str, Any]  # the options that its JSON file, the sweep and the preset set, by their names in args.json
    options: Options

    @property
    def label(self) -> str:
        """The names of the experiment and of the run, for messages."""
        return f"{self.experiment}/{self.name}"


def read_plan(folder: Path, seeds: int | None = None, destination: Path | None = None) -> list[PlannedRun]:
    """Read all JSON files in `folder` and its sub-folders, in the order of their paths; returns the runs.

    A file in the sub-folder SUB belongs to the experiment SUB; deeper folders become part of the run's name. A file
    directly in `folder` belongs to the experiment with the name of `folder`. Links to folders are followed. Hidden
    files and folders are skipped, and so is `destination`, the folder of the runs. With `seeds`, each run is planned that many
    times with different seeds. Raises UserError, which names the first wrong files and keys.
    """
    if not folder.is_dir():
        reason = "that is a file" if folder.exists() else "no such folder"
        raise UserError(f"-f {folder}: {reason}; name a folder of JSON files")
    skipped = os.path.realpath(destination) if destination else None
    if os.path.realpath(folder) == skipped:
        raise UserError(
            f"-f {folder}: is also -d, the folder of the runs; name the folder of JSON files, or another -d"
        )
    files = sorted(_json_files(folder, skipped))
    if not files:
        raise UserError(f"-f {folder}: no JSON file there; see the args.json of any run for the format")
    plan: list[PlannedRun] = []
    errors = []
    for file in files:
        *folders, name = file.relative_to(folder).with_suffix("").parts
        experiment, *deeper = folders or [folder.resolve().name]
        try:
            plan += _runs_of_file(file, experiment, "-".join([*deeper, name]), seeds)
        except (UserError, GameError) as error:
            errors.append(str(error))
    if errors:
        raise UserError(_error_message(errors, folder, files))
    _check_unique_names(plan)
    return plan


def _json_files(folder: Path, skipped: str | None) -> Iterator[Path]:
    """Yield the files, without hidden ones and without those in the folder with the real path `skipped`."""
    for path, folders, names in walk(folder):
        shown = (name for name in folders if not name.startswith("."))
        folders[:] = [name for name in shown if os.path.realpath(os.path.join(path, name)) != skipped]
        yield from (Path(path, name) for name in names if name.endswith(".json") and not name.startswith("."))


def _error_message(errors: Sequence[str], folder: Path, files: Sequence[Path]) -> str:
    """The first errors in one line, with a hint if `folder` holds trained runs."""
    shown = list(errors[:MAX_ERRORS])
    if len(errors) > MAX_ERRORS:
        shown.append(f"and {counted(len(errors) - MAX_ERRORS, 'more file')} with errors")
    run = next((run for file in files if (run := RunFolder(file.parent)).has_checkpoint()), None)
    if run is not None:
        shown.append(f"{folder} holds trained runs, such as {run}: -f is the folder of JSON files, and -d that of runs")
    return "; ".join(shown)


def _runs_of_file(file: Path, experiment: str, name: str, seeds: int | None) -> Iterator[PlannedRun]:
    """Yield a run for each combination of values in the file's sweep."""
    read = read_json(file)
    if "options" in read and read.keys() <= {"about", "options"}:
        raise UserError(f'{file}: that is a preset; move it to another folder, and name it: {{"preset": "FILE"}}')
    values = rename_keys(read, str(file))
    sweep = _check_sweep(values.pop(SWEEP, {}), file)
    if seeds is not None:
        if "random_seed" in sweep:
            raise UserError(f"--seeds {seeds}: {file} has seeds in its {SWEEP}; leave one of them out")
        sweep["random_seed"] = _consecutive_seeds(values.get("random_seed"), seeds, file)
    if math.prod(map(len, sweep.values())) > MAX_RUNS:
        raise UserError(f"{file}: more than {MAX_RUNS:,} runs; give {SWEEP} or --seeds fewer values")
    for combination in itertools.product(*sweep.values()):
        changes = dict(zip(sweep, combination, strict=True))
        varied = [f"{flag_name(key)}={value}" for key, value in changes.items() if len(sweep[key]) > 1]
        run_name = "-".join([name, *map(_safe_file_name, varied)])
        where = f"{file} ({run_name})" if varied else str(file)
        named = _with_preset({**values, **changes}, where)
        options = resolve(with_absolute_rom_path(check_json(named, where)), f"{where}: ")
        _check_game(options, file)
        yield PlannedRun(experiment, run_name, named, options)


def _with_preset(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The options of a run, unchanged if they name no preset, and otherwise with those of the preset."""
    if "preset" not in values:
        return dict(values)
    preset, own = values["preset"], {name: value for name, value in values.items() if name != "preset"}
    if not isinstance(preset, str):
        raise UserError(f'{where}: preset must be the name or file of a preset, or "" for that of the game')
    given = check_json(own, where)
    try:
        return {"game": Options.game, **with_preset({**given, "preset": preset})}
    except (UserError, GameError) as error:
        raise UserError(f"{where}: {error}") from None


def _check_sweep(lists: Any, file: Path) -> dict[str, Sequence[Any]]:
    """The values to try for each option. Raises UserError unless `lists` maps options to lists."""
    if not isinstance(lists, Mapping):
        raise UserError(f'{file}: {SWEEP} must be an object of lists, such as {{"arch": ["NIPS", "NATURE"]}}')
    named = rename_keys(lists, f"{file}: {SWEEP}")
    for key, values in named.items():
        if not isinstance(values, list) or not values:
            raise UserError(f"{file}: {SWEEP}.{key} must be a list with at least one value")
        if key in LOCAL_OPTIONS:
            raise UserError(f"{file}: {SWEEP}.{key}: does not change the training; leave it out")
    return named


def _consecutive_seeds(first: Any, count: int, file: Path) -> Sequence[int]:
    """`count` seeds, which start at the file's own seed `first`, or at 1 if it has none."""
    start = check_json({"random_seed": first}, str(file)).get("random_seed", 1)
    return range(start, start + count)


def flag_name(key: str) -> str:
    """The name of the option on the command line, which can be shorter than its key."""
    fields = {field.name: field for field, _ in option_fields(Options)}
    return flag(fields[key]).lstrip("-") if key in fields else key


def _check_game(options: Options, file: Path) -> None:
    """Start the game once, so that an error shows before any training starts."""
    try:
        _start_game(options.game, options.rom_path, options.env_kwargs, **options.emulator_settings)
    except GameError as error:
        raise UserError(f"{file}: {error}") from None


@cache
def _start_game(game: str, rom_path: str, env_kwargs: str, **settings: Any) -> None:
    make_emulator(find_game(game, rom_path, env_kwargs), seed=0, **settings).close()


def _check_unique_names(plan: list[PlannedRun]) -> None:
    labels = Counter(planned.label for planned in plan)
    duplicates = sorted(label for label, count in labels.items() if count > 1)
    if duplicates:
        raise UserError(f"two runs have the name {duplicates[0]}: rename a file, or remove a repeated value of {SWEEP}")


def _safe_file_name(name: str) -> str:
    """Replace the characters of `name` that some file systems do not allow in names."""
    return re.sub(r"[^\w.=+-]", "_", name)
