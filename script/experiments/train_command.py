"""The command that repeats the training of a run."""

import shlex
from collections.abc import Mapping
from typing import Any

from emulators.games import OWN_GAMES
from emulators.gym_settings import DEFAULT_FRAME_SKIP
from emulators.registry import frame_skip_by_name
from paac.cli.command_line import LOCAL, option_fields, words_that_set
from paac.cli.options import MAX_CHOICES, Options, resolve

# Defaults of other options depend on these.
DECISIVE_OPTIONS = ("game", "env_kwargs", "rom_path", "protocol", "emulator_counts", "max_repetition")


def train_command(options: Options, name: str, num_processes: int = 1) -> str:
    """The command for a new training with these `options` in logs/NAME; options with their default are left out."""
    decisive = {name: getattr(options, name) for name in DECISIVE_OPTIONS}
    # Without opening an environment, whose frame rate chooses the frame skip: it is always part of the command then.
    usual_frame_skip = frame_skip_by_name(options.game)
    chooses_frame_skip = usual_frame_skip == DEFAULT_FRAME_SKIP and options.game not in OWN_GAMES
    always = ("game", "random_seed", "frame_skip") if chooses_frame_skip else ("game", "random_seed")
    choices = min(options.max_repetition + 1, MAX_CHOICES)
    defaults = resolve({**decisive, "nb_choices": choices, "frame_skip": usual_frame_skip})
    launch = ["script/launch.py", "--processes", str(num_processes), "--"]
    words = ["python3", *(launch if num_processes > 1 else ["train.py"]), "-df", f"logs/{name}"]
    for field, _ in option_fields(Options):
        value = getattr(options, field.name)
        is_needed = field.name in always or value != getattr(defaults, field.name)
        if field.name in DECISIVE_OPTIONS[1:]:
            is_needed = value != field.default
        if field.metadata["kind"] == LOCAL or not is_needed:
            continue
        words += option_words({field.name: value})
    return shlex.join(words)


def option_words(values: Mapping[str, Any]) -> list[str]:
    """The words that set options of train.py, given by name, to these values on a command line."""
    fields = [field for field, _ in option_fields(Options) if field.name in values]
    return [word for field in fields for word in words_that_set(field, values[field.name])]
