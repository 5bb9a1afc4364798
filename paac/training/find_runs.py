"""Which folder a command means: where a training starts or goes on, which run is tested, and which runs there are.

One run may lie below another one: logs/ itself can be a run, and logs/pong too.
"""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from emulators import GameError, short_name
from paac.cli.args_json import differing_options, resume_options
from paac.cli.command_line import FIXED, check_limits, flag
from paac.cli.errors import UserError
from paac.cli.folders import free_name, numbered, walk
from paac.cli.options import OWN_PRESET, Options, resolve
from paac.cli.presets import ORIGINAL, with_preset
from paac.training.folder_lock import report_write_errors
from paac.training.run_folder import BEST, KEPT, RunFolder


def find_runs(folder: str | Path, typed_as: str = "-f") -> list[RunFolder]:
    """Return the run in `folder` itself, if there is one, and all runs below it, by path.

    Links to folders are followed, and a run to which several paths lead is listed once. Hidden folders and the copies
    in a run's folder are skipped. Raises UserError if there is no run; its message begins with `typed_as`, the option
    that named the folder, or "" for none.
    """
    typed = f"{typed_as} {folder}" if typed_as else str(folder)
    if not os.path.isdir(folder):
        reason = "that is a file" if os.path.exists(folder) else "no such folder"
        raise UserError(f"{typed}: {reason}; name the folder of a run")
    runs = []
    for path, folders, _ in walk(folder):
        passed_over: tuple[str, ...] = ()
        if RunFolder(path).exists():
            runs.append(Path(path))
            passed_over = (BEST, KEPT)
        folders[:] = [name for name in folders if not name.startswith(".") and name not in passed_over]
    if not runs:
        if RunFolder(folder).has_checkpoint():
            raise UserError(
                f"{typed}: its args.json, which holds the options of the run, is missing; put it back, or type the "
                f"options again: python3 train.py -df {shlex.quote(str(folder))} -g GAME ..."
            )
        raise UserError(f"{typed}: no run there; start one with train.py, or name another folder")
    return [RunFolder(path) for path in sorted(runs)]


def find_run(folder: str | Path, typed_as: str = "-f") -> tuple[RunFolder, Options, str]:
    """Return the run in or below `folder` whose newest checkpoint was written last, its options, and a message or "".

    RUN/checkpoints means the run in RUN alone, whatever lies below it. Raises UserError, which names `typed_as`, if
    there is no run, if none of several runs has a checkpoint, or if `folder` is itself a checkpoint.
    """
    named = RunFolder(Path(folder).parent)
    if Path(folder).name == named.checkpoints.folder.name and named.exists():
        return named, named.load_options(), ""
    _refuse_checkpoint(Path(folder), typed_as)
    runs = find_runs(folder, typed_as)
    if len(runs) == 1:
        is_named = runs[0].path == Path(folder)
        return runs[0], runs[0].load_options(), "" if is_named else f"Using the only run in {folder}: {runs[0]}"
    times = {run: time for run in runs if (time := run.checkpoint_time()) is not None}
    if not times:
        raise UserError(
            f"{typed_as} {folder}: no run there has a checkpoint; train one first: {', '.join(map(str, runs))}"
        )
    run = max(times, key=lambda found: times[found])
    return run, run.load_options(), f"Using the latest checkpoint of {len(runs)} runs in {folder}, that of {run}"


def _refuse_checkpoint(folder: Path, typed_as: str) -> None:
    """Raise UserError, which says how to use it, if `folder` is one of the checkpoints of a run."""
    run = RunFolder(folder.parent.parent)
    steps = run.checkpoints.steps()
    if folder.parent != run.checkpoints.folder or not run.exists() or folder.name not in map(str, steps):
        return
    error = f"{typed_as} {folder}: that is a checkpoint of {run}"
    if folder.name == str(steps[-1]):
        raise UserError(f"{error}, its newest one: type {typed_as} {shlex.quote(str(run))}")
    name = free_name(f"{run.path if run.path.name else run.path.absolute()}-{folder.name}")
    new, args, checkpoint, checkpoints = map(shlex.quote, map(str, (name, run.args, folder, f"{name}/checkpoints")))
    raise UserError(
        f"{error}; to use it, make a run of it: mkdir -p {checkpoints} && cp {args} {new} && "
        f"cp -r {checkpoint} {checkpoints}, then {typed_as} {new}"
    )


def resolve_run_options(typed: Mapping[str, Any]) -> tuple[Options, list[str]]:
    """Return the options to train with, and messages for the user.

    They are the `typed` options with defaults for the others or, if the folder has a run, the saved options changed by
    the typed ones. A preset is read only if there is no run yet. Nothing is written. Raises UserError or GameError.
    """
    if "game" in typed:
        typed = {**typed, "game": short_name(typed["game"])}
    check_rom_path(typed.get("rom_path"))
    typed, preset_notes = _read_preset(typed)
    folder, note = training_folder(typed)
    notes = list(filter(None, (note, *preset_notes)))
    typed = {**with_absolute_rom_path(typed), "debugging_folder": folder}
    check_limits(Options, {"debugging_folder": folder})
    run = RunFolder(folder)
    # Report a name that is too long, or a folder without permission; a missing folder is fine.
    with report_write_errors(run.path), suppress(FileNotFoundError):
        run.path.stat()
    if run.path.exists() and not run.path.is_dir():
        raise UserError(f"-df {run}: that is a file; name a folder")
    run.check_trainable()
    run.check_logs_have_a_checkpoint()
    if not run.exists():
        return resolve(typed), [*notes, *_runs_beside(run)]
    saved, started = run.read_options(), run.has_checkpoint()
    resolve(saved, f"{run.args}: ", started=started)  # reports errors in the file as such, not as typed options
    options, changes = resume_options(saved, typed, started)
    return options, notes + changes


def _runs_beside(run: RunFolder) -> list[str]:
    """Return a line for the user if other runs lie in the folder of a new one."""
    other = None
    with suppress(OSError):  # a folder that may not be read
        other = next((folder for folder in sorted(run.path.iterdir()) if RunFolder(folder).exists()), None)
    if other is None:
        return []
    return [f"{run} also holds other runs, such as {other}; -df {run.path / 'NAME'} keeps the new one apart"]


def _read_preset(typed: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[str]]:
    """Return the `typed` options with those of the preset that they name, and messages for the user."""
    own = {name: value for name, value in typed.items() if name != "preset"}
    if typed.get("preset") is None:
        return own, ()
    # Without -g and -df, the game of a named preset chooses the folder, so the preset is read first.
    is_folder_known = typed["preset"] in (OWN_PRESET, ORIGINAL) or own.keys() & {"game", "debugging_folder"}
    folder, note = training_folder(own if is_folder_known else with_preset(typed))
    run = RunFolder(folder)
    if not run.exists():
        return with_preset(typed), ()
    if run.has_checkpoint():
        _check_preset_fits(typed, run)
    ignored = f"--preset is ignored: the run in {run} has its options in {run.args}"
    return {**own, "debugging_folder": folder}, (note, ignored)


def _check_preset_fits(typed: Mapping[str, Any], run: RunFolder) -> None:
    """Raise UserError if the preset has other fixed options than the run.

    A preset that cannot be read is passed over, because a resume does not need it.
    """
    saved = run.read_options()
    depends_on_game = typed["preset"] in (OWN_PRESET, ORIGINAL)
    try:
        options = with_preset({"game": saved.get("game", Options.game), **typed} if depends_on_game else typed)
    except (UserError, GameError):
        return
    command = f"--preset {typed['preset']}".strip()
    for field, old, new in differing_options(saved, options):
        if field.metadata["kind"] == FIXED and field.name not in typed:
            raise UserError(
                f"{command}: the run in {run} has {flag(field)} {old}, and the preset has {new}; start a new run with "
                "another -df, or leave --preset out to resume this one"
            )


def training_folder(typed: Mapping[str, Any]) -> tuple[str, str]:
    """Return the folder for the `typed` options, and a message ("" for none).

    Without -df it is that of the game in logs/, or logs/ itself if that holds the only run of the game, or the only one
    with a checkpoint. If two games have the same folder, the second gets another one: logs/GAME-2.
    """
    if "debugging_folder" in typed:
        return typed["debugging_folder"], ""
    logs = RunFolder(Options.debugging_folder)
    in_logs = _game(logs) if logs.exists() else None
    game = typed.get("game", in_logs or Options.game)
    name = re.sub(r"^$|^\.|[^\w.-]", "_", game)  # a folder with a dot before its name would be hidden
    runs = (RunFolder(path) for path in numbered(str(logs.path / name)))
    run = next(run for run in runs if not run.exists() or _game(run) == game)
    if game == in_logs:
        if not run.exists() or (logs.has_checkpoint() and not run.has_checkpoint()):
            return Options.debugging_folder, ""
        return str(run), f"{run} and {logs} both hold a run of {game}; this is {run}, and -df {logs} is the other one"
    if run.path.name == name:
        return str(run), ""
    return str(run), f"{logs.path / name} is the folder of another game's run: the run of {game} is in {run}"


def _game(run: RunFolder) -> str:
    return run.read_options().get("game", Options.game)


def check_rom_path(rom_path: str | None, instead: str = "play ale-py's own ROMs") -> None:
    """Raise UserError if `rom_path` was typed and is not a folder; `instead` says what happens without the option."""
    if rom_path not in (None, Options.rom_path) and not os.path.isdir(rom_path):
        raise UserError(f"--rom_path {rom_path}: no such folder; leave it out to {instead}")


def with_absolute_rom_path(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with an absolute `rom_path`: the run may be resumed and tested from another folder."""
    rom_path = options.get("rom_path", "")
    return {**options, "rom_path": os.path.abspath(rom_path)} if os.path.isdir(rom_path) else dict(options)
