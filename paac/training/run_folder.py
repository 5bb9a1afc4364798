"""Finding and opening the folder of a run."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emulators import short_name
from paac.cli.errors import UserError
from paac.cli.options import Options, check, load_options, resolve, resume_options, save_options

ARGS = "args.json"
LOCK = ".lock"  # held by the process that trains here, with its number; left when it ends


def open_run(typed: Mapping[str, Any]) -> tuple[Options, list[str]]:
    """Options of the run that the `typed` ones ask for, new or there already, and lines to tell the user.

    Nothing is written. Raises UserError.
    """
    if "game" in typed:
        typed = {**typed, "game": short_name(typed["game"])}
    rom_path = typed.get("rom_path")
    if rom_path is not None and not os.path.isdir(rom_path):
        raise UserError(f"--rom_path {rom_path}: no such folder; leave it out to play the library's own ROMs")
    folder = Path(typed.get("debugging_folder", Options.debugging_folder))
    if folder.exists() and not folder.is_dir():
        raise UserError(f"-df {folder}: that is a file; name a folder")
    if (folder / ARGS).exists():
        started = bool(checkpoint_steps(folder / "checkpoints"))
        options, changes = resume_options(load_options(folder / ARGS), typed, started)
        return resolve(options), changes
    options = Options(**typed)
    check(options)
    return resolve(options), []


@contextmanager
def only_trainer(folder: Path, typed_as: str = "-df") -> Iterator[None]:
    """Hold the folder of a run or an experiment, made if need be: two trainings in one would cut each other's curves.

    Raises UserError if another training holds it. The system lets go of it however this process ends.
    """
    with _writing(folder, typed_as):
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / LOCK).open("a+", encoding="utf-8")
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            raise UserError(
                f"{typed_as} {folder}: process {held.read()} is training there; stop it first, or name another folder"
            ) from None
        except OSError:
            pass  # a file system without locks
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


def create_run(options: Options) -> None:
    """Make the run's folder and write args.json. Raises UserError if it cannot be written."""
    folder = Path(options.debugging_folder)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        save_options(options, folder / ARGS)


@contextmanager
def _writing(folder: Path, typed_as: str = "-df") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{typed_as} {folder}: cannot be written ({error.strerror}); name another folder") from None


def find_run(folder: str) -> tuple[Path, Options, str]:
    """The run in `folder`, or the only one below it, with its options and a line to tell the user ("" for none).

    Raises UserError if there is none, or more than one.
    """
    root = Path(folder)
    if (root / ARGS).is_file():
        return root, resolve(load_options(root / ARGS)), ""
    runs = find_runs(folder)
    if len(runs) > 1:
        raise UserError(f"-f {folder}: several runs there; name one of {', '.join(map(str, runs))}")
    return runs[0], resolve(load_options(runs[0] / ARGS)), f"Taking the only run in {folder}: {runs[0]}"


def find_runs(folder: str, typed_as: str = "-f") -> list[Path]:
    """All runs at or below `folder`, by name. Raises UserError, which names `typed_as`, if there is none."""
    if not Path(folder).is_dir():
        raise UserError(f"{typed_as} {folder}: no such folder; name the folder of a run")
    runs = []
    for path, folders, files in os.walk(folder):
        if ARGS in files:
            runs.append(Path(path))
            folders.clear()  # what lies inside a run belongs to it
    if not runs:
        raise UserError(f"{typed_as} {folder}: no run there; train one with train.py -df {folder}, or name another")
    return sorted(runs)


def checkpoint_steps(checkpoints: Path) -> list[int]:
    """Decisions at which those in a folder `checkpoints` were taken, rising; they may be damaged."""
    names = [path.name for path in checkpoints.glob("[0-9]*") if path.is_dir()]
    return sorted(int(name) for name in names if name.isdecimal() and name == str(int(name)))


def emulator_settings(options: Options) -> dict[str, Any]:
    """What `make_emulator` needs of the options of a run that has started, but for the seed."""
    return {
        name: getattr(options, name)
        for name in (
            *("rgb", "random_start", "single_life_episodes", "max_episode_frames"),
            *("sticky_actions", "full_action_space"),
        )
    }


def network_settings(options: Options) -> dict[str, Any]:
    """What `make_network` needs of the options of a run that has started, but for the number of actions."""
    names = (
        "arch",
        "nb_choices",
        "rgb",
        "activation",
        "alpha_leaky_relu",
        "keep_percentage",
        "softmax_temp",
        "precision",
    )
    return {**{name: getattr(options, name) for name in names}, "seed": options.random_seed}
