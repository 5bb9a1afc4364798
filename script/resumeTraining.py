"""Go on with a training, and keep a copy of its checkpoint every now and then."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from agents.kept_checkpoints import Keeper, keep_options
from experiments.trainings import Trainings
from paac.cli import entry_point

ABOUT = """Go on with a training, with the options in its args.json, which may have been edited: what is tunable there
is taken, what is fixed is refused. Copies of its checkpoint go to checkpoints_saved, in its folder. Ctrl+C saves."""


def main(argv: Sequence[str]) -> None:
    options, run = keep_options(argv, ABOUT)
    trainings = Trainings()
    with trainings.passing_signals(), ThreadPoolExecutor(1) as worker, Keeper(run, options.time) as keeper:
        code = worker.submit(trainings.train, ["-df", str(run)]).result()
        if code == 0:
            keeper.keep_last()
    sys.exit(code)


if __name__ == "__main__":
    entry_point.run(main)
