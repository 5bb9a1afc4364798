"""Resume a training, and copy its newest checkpoint at regular intervals."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from agents.kept_checkpoints import CheckpointKeeper, parse_keep_options
from experiments.trainings import Trainings, failure_reason
from paac.cli import entry_point

DESCRIPTION = """Resume a training with the options in its args.json. You may edit that file first: changes of tunable
options take effect, changes of fixed options are refused. Every --time seconds the newest checkpoint is copied to
checkpoints_saved in the run's folder. Ctrl+C saves and stops."""


def main(argv: Sequence[str]) -> None:
    options, run = parse_keep_options(argv, DESCRIPTION)
    trainings = Trainings()
    with trainings.passing_signals(), ThreadPoolExecutor(1) as worker, CheckpointKeeper(run, options.time) as keeper:
        code = worker.submit(trainings.train, ["-df", str(run)]).result()
        if code == 0:
            keeper.keep_newest()
    if code and code < 0:
        print(f"resumeTraining.py: {failure_reason(code, '')}", file=sys.stderr)
        sys.exit(entry_point.FAILURE)
    sys.exit(code)


if __name__ == "__main__":
    entry_point.run(main)
