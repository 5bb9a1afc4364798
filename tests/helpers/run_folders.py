"""Folders of runs without weights, for tests of what a command finds."""

import os

from paac.cli.options import resolve
from paac.training.run_folder import RunFolder


def new_run(name, game="pong", step=None, seconds=1000, **options):
    """Make a run with its options and, with a `step`, a checkpoint written at the time `seconds`."""
    run = RunFolder(name)
    run.save_options(resolve({"debugging_folder": name, "game": game, "random_seed": 3, **options}))
    if step is not None:
        checkpoint = run.checkpoints.folder / str(step)
        checkpoint.mkdir(parents=True)
        os.utime(checkpoint, (seconds, seconds))
    return run.path
