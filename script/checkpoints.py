"""Keep a copy of a run's checkpoint every now and then, beside the training that writes them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import time
from collections.abc import Sequence

from agents.kept_checkpoints import keep_newest, keep_options
from paac.cli import entry_point

ABOUT = """Copy the newest checkpoint of a run to checkpoints_saved in its folder, now and every so many seconds, until
the run is finished or Ctrl+C. Whatever trains there need not know."""


def main(argv: Sequence[str]) -> None:
    options, run = keep_options(argv, ABOUT)
    print(f"Keeping what is newest in {run} every {options.time:g} seconds; Ctrl+C ends", flush=True)
    while True:
        steps = run.checkpoints.steps()
        is_finished = bool(steps) and steps[-1] >= run.load_options().max_global_steps
        kept = keep_newest(run)
        if kept:
            print(f"Kept {kept}", flush=True)
        if is_finished:
            print(f"{run} is finished")
            return
        time.sleep(options.time)


if __name__ == "__main__":
    entry_point.run(main)
