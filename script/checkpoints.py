"""Copy a run's newest checkpoint at regular intervals, while another process trains the run."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import time
from collections.abc import Sequence

from agents.kept_checkpoints import keep_newest, parse_keep_options
from paac.cli import entry_point
from paac.training.run_folder import RunFolder

DESCRIPTION = """Copy the newest checkpoint of a run to checkpoints_saved in the run's folder, at once and then every
--time seconds, until the run is finished, a file checkpoints_saved/STOP appears or you press Ctrl+C. The training that
writes the checkpoints needs no special option."""
MAX_PAUSE_S = 1.0  # time between two checks for the file STOP


def reason_to_end(run: RunFolder, stop: Path) -> str:
    """Why there is nothing more to copy, in words; "" while there is no reason."""
    if stop.exists():
        return f"{stop} exists; no more copies"
    steps = run.checkpoints.steps()
    return f"{run} is finished" if steps and steps[-1] >= run.load_options().max_global_steps else ""


def wait_for(stop: Path, seconds: float) -> None:
    """Wait until the file `stop` exists, at most for `seconds`."""
    end = time.monotonic() + seconds
    while not stop.exists() and time.monotonic() < end:
        time.sleep(min(seconds, MAX_PAUSE_S))


def main(argv: Sequence[str]) -> None:
    options, run = parse_keep_options(argv, DESCRIPTION)
    folder = run.kept_checkpoints.folder
    run.refuse_links()
    folder.mkdir(exist_ok=True)  # so that the user can create the file STOP there
    stop = folder / "STOP"
    if stop.exists():
        stop.unlink()
        print(f"Deleted {stop}, which was left there from an earlier session")
    interval = "second" if options.time == 1 else f"{options.time:g} seconds"
    print(f"Copying the newest checkpoint of {run} every {interval}; Ctrl+C or {stop} stops", flush=True)
    while True:
        reason = reason_to_end(run, stop)  # before the copy, so that the last checkpoint is copied too
        kept = keep_newest(run)
        if kept:
            print(f"Saved the copy {kept}", flush=True)
        if reason:
            print(reason)
            return
        wait_for(stop, options.time)


if __name__ == "__main__":
    entry_point.run(main)
