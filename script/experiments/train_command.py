"""The command that trains a run again."""

import shlex

from paac.cli.command_line import LOCAL, flag, option_fields
from paac.cli.options import Options, resolve


def train_command(options: Options, name: str) -> str:
    """What to type for a training with these `options` in logs/NAME; it leaves out what a new run chooses by itself."""
    chosen = resolve({name: getattr(options, name) for name in ("game", "protocol", "emulator_counts")})
    words = ["python3", "train.py", "-df", f"logs/{name}"]
    for field, kind in option_fields(Options):
        value = getattr(options, field.name)
        asked = field.name in ("game", "random_seed") or value != getattr(chosen, field.name)
        if field.name in ("protocol", "emulator_counts"):
            asked = value != field.default
        if field.metadata["kind"] == LOCAL or not asked:
            continue
        name_typed = flag(field)
        words += [name_typed if value else f"--no-{name_typed[2:]}"] if kind is bool else [name_typed, str(value)]
    return shlex.join(words)
