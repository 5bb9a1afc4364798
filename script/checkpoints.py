"""Copy a run's newest checkpoint at regular intervals, while another process trains the run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import time
from collections.abc import Sequence

from agents.kept_checkpoints import keep_newest, parse_keep_options
from paac.cli import entry_point

DESCRIPTION = """Copy the newest checkpoint of a run to checkpoints_saved in the run's folder, at once and then every
--time seconds, until the run is finished or you press Ctrl+C. The training that writes the checkpoints needs no special
option."""


def main(argv: Sequence[str]) -> None:
    options, run = parse_keep_options(argv, DESCRIPTION)
    print(f"Copying the newest checkpoint of {run} every {options.time:g} seconds; Ctrl+C stops", flush=True)
    while True:
        steps = run.checkpoints.steps()
        is_finished = bool(steps) and steps[-1] >= run.load_options().max_global_steps
        kept = keep_newest(run)
        if kept:
            print(f"Saved the copy {kept}", flush=True)
        if is_finished:
            print(f"{run} is finished")
            return
        time.sleep(options.time)


if __name__ == "__main__":
    entry_point.run(main)
