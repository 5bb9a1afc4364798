"""Go on with a training, and keep a copy of its checkpoint every now and then."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from experiments.kept import Keeper
from experiments.trainings import Trainings
from paac import front_door
from paac.command_line import PATH, POSITIVE, OptionError, check_limits, option, typed_options
from paac.run_folder import ARGS

ABOUT = """Go on with a training, with the options in its args.json, which may have been edited: what is tunable there
is taken, what is fixed is refused. Copies of its checkpoint go to checkpoints_saved, in its folder. Ctrl+C saves."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResumeOptions:
    """Options of resumeTraining.py."""

    # fmt: off
    debugging_folder: str = option("logs/", "-df", "--debugging_folder", group="Run", limit=PATH, help="its folder")
    time: float = option(1800.0, "-t", "--time", group="Run", limit=POSITIVE, help="seconds between copies")
    # fmt: on


def main(argv: Sequence[str]) -> None:
    options = ResumeOptions(**typed_options(ResumeOptions, argv, ABOUT))
    check_limits(options)
    run = Path(options.debugging_folder)
    if not (run / ARGS).is_file():
        raise OptionError(f"-df {run}: no run there; start one with train.py -df {run}")
    trainings = Trainings()
    with trainings.passing_signals(), ThreadPoolExecutor(1) as worker, Keeper(run, options.time) as keeper:
        code = worker.submit(trainings.train, ["-df", str(run)]).result()
        if code == 0:
            keeper.keep_last()
    sys.exit(code)


if __name__ == "__main__":
    front_door.run(main)
