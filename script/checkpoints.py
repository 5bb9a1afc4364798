"""Keep a copy of a run's checkpoint every now and then, beside the training that writes them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
import time
from collections.abc import Sequence

from experiments.kept import keep_newest
from paac import front_door
from paac.command_line import PATH, POSITIVE, OptionError, check_limits, option, typed_options
from paac.options import load_options
from paac.run_folder import ARGS, checkpoint_steps

ABOUT = """Copy the newest checkpoint of a run to checkpoints_saved in its folder, now and every so many seconds, until
the run is finished or Ctrl+C. Whatever trains there need not know."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeepOptions:
    """Options of checkpoints.py."""

    # fmt: off
    debugging_folder: str = option("logs/", "-df", "--debugging_folder", group="Run", limit=PATH, help="its folder")
    time: float = option(1800.0, "-t", "--time", group="Run", limit=POSITIVE, help="seconds between copies")
    # fmt: on


def main(argv: Sequence[str]) -> None:
    options = KeepOptions(**typed_options(KeepOptions, argv, ABOUT))
    check_limits(options)
    run = Path(options.debugging_folder)
    if not (run / ARGS).is_file():
        raise OptionError(f"-df {run}: no run there; start one with train.py -df {run}")
    print(f"Keeping what is newest in {run} every {options.time:g} seconds; Ctrl+C ends", flush=True)
    while True:
        steps = checkpoint_steps(run / "checkpoints")
        is_finished = bool(steps) and steps[-1] >= load_options(run / ARGS).max_global_steps
        kept = keep_newest(run)
        if kept:
            print(f"Kept {kept}", flush=True)
        if is_finished:
            print(f"{run} is finished")
            return
        time.sleep(options.time)


if __name__ == "__main__":
    front_door.run(main)
