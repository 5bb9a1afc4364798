"""The state that a session starts from: the newest checkpoint in the run's folder, and the counters saved in it.

This module does not import TensorFlow, so that a session that cannot start is refused at once.
"""

import dataclasses
import shlex
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from paac.cli.command_line import TUNABLE, flag, option_fields, words_that_set
from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.cli.words import print_lines
from paac.processes import Processes
from paac.training.checkpoint import Checkpoint
from paac.training.episodes import EpisodeTracker
from paac.training.original import OriginalCheckpoint
from paac.training.run_folder import RunFolder
from paac.training.state import TrainingState


@contextmanager
def opened_run(
    run: RunFolder, options: Options, processes: Processes
) -> Iterator[tuple[Checkpoint | OriginalCheckpoint | None, TrainingState]]:
    """Lock the run's folder, and yield the newest checkpoint and the state to start from.

    Raises UserError in all processes if it fails in one.
    """
    with ExitStack() as opened:
        with processes.together():
            opened.enter_context(run.lock())
            checkpoint, damaged = newest_checkpoint(run)
            print_lines(damaged)
            state = starting_state(run, options, checkpoint, processes)
        yield checkpoint, state


def newest_checkpoint(run: RunFolder) -> tuple[Checkpoint | OriginalCheckpoint | None, list[str]]:
    """Return the newest intact checkpoint, or None if there is none, and a line for each newer, damaged one.

    Raises UserError if checkpoints are damaged and no intact one is left, or only that of step 0.
    """
    checkpoint, damaged = run.newest_checkpoint()
    if damaged and (checkpoint is None or checkpoint.step == 0):  # starting over would delete the run's curves
        raise UserError(
            f"{'; '.join(damaged)}; no other checkpoint holds a trained agent: move {run} away to start over"
        )
    return checkpoint, [f"{line}; using the previous one" for line in damaged]


def starting_state(
    run: RunFolder, options: Options, checkpoint: Checkpoint | OriginalCheckpoint | None, processes: Processes
) -> TrainingState:
    """Return the counters to start from; `emulators` is 0 in them if all emulators must start new episodes.

    Raises CheckpointError, and UserError if a fixed option differs from the one that the checkpoint was trained with.
    """
    total = options.emulator_counts * processes.count
    if checkpoint is None:
        return TrainingState(EpisodeTracker(total), options.fixed, tunable_options(options))
    if isinstance(checkpoint, OriginalCheckpoint):  # the original saved no counters
        return TrainingState(
            EpisodeTracker(total),
            options.fixed,
            tunable_options(options),
            global_step=checkpoint.step,
            updates=checkpoint.step // (options.max_local_steps * total),
            plays=checkpoint.step,
            logs=run.log_lengths(),
            imported_steps=checkpoint.step,
        )
    state = TrainingState.from_checkpoint(checkpoint)
    trained = {name: state.fixed.get(name, value) for name, value in options.fixed.items()}
    fields = [field for field, _ in option_fields(Options) if field.name in trained]
    differing = [field for field in fields if trained[field.name] != options.fixed[field.name]]
    if differing and not run.exists():
        words = [word for field in differing for word in words_that_set(field, trained[field.name])]
        raise UserError(f"{run} has no args.json, and its run had other options: type {shlex.join(words)[:200]}")
    if differing:
        field = differing[0]
        raise UserError(
            f"{run.args}: {field.name} is {options.fixed[field.name]}, but the run was trained with "
            f"{str(trained[field.name])[:100]}: restore that value"
        )
    state.fixed, state.tunable = options.fixed, tunable_options(options)
    if not checkpoint.has_emulators or state.emulators != total:  # not saved, or by a different number of processes
        state.emulators = 0
        state.episodes = state.episodes.with_new_episodes(total)
    return state


def check_start(options: Options, typed: Collection[str]) -> list[str]:
    """Check, before TensorFlow is loaded, that a session in one process can start; return lines for the user.

    They name the options that have changed in args.json since the last checkpoint and are not `typed`. Nothing is
    written. Raises UserError as `train` does.
    """
    run = RunFolder(options.debugging_folder)
    run.refuse_links()
    run.check_unlocked()
    checkpoint, _ = newest_checkpoint(run)
    starting_state(run, options, checkpoint, Processes())
    if not isinstance(checkpoint, Checkpoint):
        return []
    trained = TrainingState.from_checkpoint(checkpoint).tunable
    edited = [
        f"{flag(field)} is now {getattr(options, field.name)} (it was {trained[field.name]})"
        for field, _ in option_fields(Options)
        if field.name in trained and field.name not in typed and getattr(options, field.name) != trained[field.name]
    ]
    return [f"{run.args} has changed since the last checkpoint: {', '.join(edited)}"] if edited else []


def tunable_options(options: Options) -> dict[str, Any]:
    """Return the options that a resume may change and that are saved."""
    return {f.name: getattr(options, f.name) for f, _ in option_fields(Options) if f.metadata["kind"] == TUNABLE}


def save_end(run: RunFolder, options: Options) -> str:
    """Save the --max_global_steps of a finished run; return a line about other changes, which are not saved, or "".

    args.json holds what the agent was trained with, and nothing was trained with these changes. Raises UserError.
    """
    if not run.exists():
        return ""
    saved = run.load_options()
    if options.max_global_steps != saved.max_global_steps:
        run.save_options(dataclasses.replace(saved, max_global_steps=options.max_global_steps))
    before, now = tunable_options(saved), tunable_options(options)
    fields = [field for field, _ in option_fields(Options) if before.get(field.name) != now.get(field.name)]
    changed = [flag(field) for field in fields if field.name != "max_global_steps"]
    again = "; to train with it, type it together with a larger --max_global_steps"
    return f"Not saved, because the run is finished: {', '.join(changed)}{again}" if changed else ""
