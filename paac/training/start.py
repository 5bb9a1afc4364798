"""The options and the game that a training starts with. Its first process chooses them for all."""

import dataclasses
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from emulators import Game, GameError, find_game, make_emulator, short_name
from emulators.fingerprint import fingerprint
from paac.cli.command_line import check_limits, flag, option_fields
from paac.cli.errors import UserError
from paac.cli.options import LOCAL_OPTIONS, Options, assigned_cores, resolve
from paac.cli.words import counted
from paac.training.find_runs import check_rom_path, resolve_run_options, training_folder
from paac.training.run_folder import RunFolder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start:
    """What a process starts a training with.

    In every process but the first, `options` holds only what TensorFlow needs to start, and `game` is None.
    `complete_start` adds the rest.
    """

    options: Options
    game: Game | None = None
    fingerprint: Mapping[str, str] = dataclasses.field(default_factory=dict)  # what must be equal in all processes
    notes: Sequence[str] = ()  # lines for the user
    given: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # what was typed, and saved local options


def prepare(typed: Mapping[str, Any], rank: int = 0) -> Start:
    """Return what process `rank` starts with when the user has `typed` these options. Nothing is written.

    Raises UserError and GameError.
    """
    if rank:
        return _prepare_other(typed)
    options, notes = resolve_run_options(typed)
    run = RunFolder(options.debugging_folder)
    start = _with_game(options, typed, run)
    assert start.game
    lines = (
        _new_run(start.game, run, typed.get("preset")),
        *notes,
        start.game.notice,
        *start.notes,
        *options.notes,
        _idle_cores(options),
    )
    return dataclasses.replace(start, notes=tuple(filter(None, lines)))


def _new_run(game: Game, run: RunFolder, preset: str | None) -> str:
    if run.has_checkpoint():
        return ""
    with_preset = "" if preset is None or run.exists() else f", with the preset {preset or game}"
    return f"{game}: new run in {run}{with_preset}"


def _idle_cores(options: Options) -> str:
    cores = assigned_cores()
    # The network uses at least one core. A number that the user has chosen needs no hint.
    if options.emulator_workers is not None or cores <= options.workers + 1:
        return ""
    return (
        f"{counted(options.workers, 'worker')} on {cores} cores: python3 script/benchmark.py --tune finds the fastest "
        "-ew, --shards and --op_threads"
    )


def _with_game(options: Options, typed: Mapping[str, Any], run: RunFolder) -> Start:
    """Return the start with the game of the options.

    Raises GameError; its message names the file that the game or its settings came from, unless they were typed.
    """
    with _naming_source(typed, ("game", "rom_path", "env_kwargs"), run):
        game = find_game(options.game, options.rom_path, options.env_kwargs)
    if game.rom and Path(game.rom).parent == Path(options.rom_path):  # the user's own ROM, for other folders too
        options = dataclasses.replace(options, rom_path=os.path.abspath(options.rom_path))
    settings = options.emulator_settings
    with (
        _naming_source(typed, ("protocol", *settings), run),
        closing(make_emulator(game, seed=0, **settings)) as emulator,
    ):
        notes = []
        if typed.get("random_start") and emulator.noop is None:
            notes.append(f"--random_start has no effect: {game} has no action that is known to do nothing")
        if typed.get("single_life_episodes") and not emulator.has_lives():
            notes.append(f"--single_life_episodes has no effect: {game} has no lives")
        return Start(options=options, game=game, fingerprint=fingerprint(game, emulator), notes=notes)


@contextmanager
def _naming_source(typed: Mapping[str, Any], names: Collection[str], run: RunFolder) -> Iterator[None]:
    """Let a GameError begin with the file that the options `names` come from, if none of them was typed."""
    try:
        yield
    except GameError as error:
        if typed.keys() & set(names):
            raise
        preset = f"--preset {typed['preset']}".strip() if typed.get("preset") is not None else ""
        source = str(run.args) if run.exists() else preset
        raise GameError(f"{source}: {error}" if source else str(error)) from None


def _prepare_other(typed: Mapping[str, Any]) -> Start:
    """Return what a process that is not the first starts with: it needs no folder of the run, and no preset."""
    typed = {name: value for name, value in typed.items() if name != "preset"}
    check_limits(Options, typed)
    check_rom_path(typed.get("rom_path"))
    run = RunFolder(training_folder(typed)[0])
    saved = run.read_options() if run.exists() else {}
    given = {name: value for name, value in saved.items() if name in LOCAL_OPTIONS} | dict(typed)
    if "game" in given:
        given["game"] = short_name(given["game"])
    needed = {name: value for name, value in given.items() if name in ("device", "op_threads")}
    return Start(options=resolve(needed), given=given)


def complete_start(start: Start, first: Mapping[str, Any], folder: str) -> Start:
    """Return the whole start of a process that is not the first, whose files go to `folder`.

    `first` are the options of the first process. Raises UserError if the user has typed others here, and GameError.
    """
    local = {name: value for name, value in start.given.items() if name in LOCAL_OPTIONS}
    typed = {name: value for name, value in start.given.items() if name not in LOCAL_OPTIONS}
    for field, _ in option_fields(Options):
        # TensorFlow has already started with these threads, typed or not.
        value = start.options.op_threads if field.name == "op_threads" else typed.get(field.name, first[field.name])
        if value != first[field.name]:
            raise UserError(
                f"{flag(field)} is {value} here, but {first[field.name]} in the first process; "
                "type the same options in all processes"
            )
    shared = {name: value for name, value in first.items() if name not in LOCAL_OPTIONS}
    own = {**shared, **local, "debugging_folder": folder, "visualize": 0}
    return _with_game(resolve(own, started=True), own, RunFolder(folder))


def check_equal(fingerprints: Sequence[Mapping[str, str]]) -> None:
    """Raise UserError, which names the difference, unless all processes have equal fingerprints."""
    first = fingerprints[0]
    for rank, other in enumerate(fingerprints):
        for name in {**first, **other}:
            if first.get(name) != other.get(name):
                raise UserError(
                    f"-g {first['game']}: the {name} is {first.get(name)} in process 0, but {other.get(name)} in "
                    f"process {rank}; give all processes the same game in the same version"
                )
