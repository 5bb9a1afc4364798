"""Train one agent for each JSON file in a folder; the same command resumes what was stopped."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
import importlib.util
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from agents.kept_checkpoints import CheckpointKeeper
from experiments.folder import Experiment, create_experiment, log_line, open_experiments, run_status
from experiments.plan import PlannedRun, read_plan
from experiments.trainings import Trainings, failure_reason, was_stopped
from paac.cli import entry_point
from paac.cli.command_line import AT_LEAST_ONE, PATH, POSITIVE, Limit, option, parse, refuse_changed
from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.cli.words import counted
from paac.training.run_folder import RunFolder

DESCRIPTION = """Train one agent for each JSON file in a folder and its sub-folders. The file FOLDER/SUB/NAME.json gives
a run in DESTINATION/DATE-SUB/NAME; a file directly in FOLDER gives one in DESTINATION/DATE-FOLDER/NAME. A JSON file has
the format of args.json, and "preset" names a preset; options that are missing take their defaults. Lists under "sweep"
are tried in every combination. Ctrl+C saves the running trainings and stops. The same command resumes them and skips
finished runs."""

CLUSTER = Limit(lambda address: bool(re.fullmatch(r"auto|\S+:\d+", address)), "HOST:PORT")
GPUS = Limit(lambda gpus: 0 <= gpus <= 1 or gpus > 1 and gpus == int(gpus), "from 0 to 1, or a whole number")


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """Options of batchTrain.py."""

    # fmt: off
    folder: str = option("toTrain/", "-f", "--folder", group="Batch", limit=PATH, help="folder of JSON files; each of its sub-folders is an experiment")
    destination: str = option("logs/", "-d", "--destination", group="Batch", limit=PATH, help="folder in which the folders of the experiments are created")
    time: float = option(1800.0, "-t", "--time", group="Batch", limit=POSITIVE, help="seconds between two copies of a run's newest checkpoint")
    jobs: int = option(1, group="Batch", limit=AT_LEAST_ONE, help="number of trainings that run at the same time")
    seeds: int | None = option(None, group="Batch", limit=AT_LEAST_ONE, help="train each file N times, each time with another seed (once)")
    ray: str | None = option(None, flag_value="auto", group="Cluster", limit=CLUSTER, help="train all runs at once on the Ray cluster at this address, HOST:PORT; without an address, on the cluster that this machine belongs to; needs pip install -r script/requirements-ray.txt")
    cpus: float = option(2.0, group="Cluster", limit=POSITIVE, help="with --ray: CPU cores of each run, which by default has as many emulator workers, at most 8")
    gpus: float = option(0.0, group="Cluster", limit=GPUS, help="with --ray: GPUs of each run; 0.5 lets two runs use the same GPU")
    dry_run: bool = option(False, group="Batch", help="only show the planned runs, and train nothing")
    # fmt: on


def connect_to_ray(options: BatchOptions) -> Any:
    """Connect to the Ray cluster. Raises UserError if Ray is not installed or no cluster answers."""
    if importlib.util.find_spec("ray") is None:
        raise UserError("--ray: ray is not installed; run pip install -r script/requirements-ray.txt")
    from experiments.ray_trainings import RayTrainings

    return RayTrainings(options.ray or "", options.cpus, options.gpus)


class RunOutcome(NamedTuple):
    """How a run ended in this batch."""

    state: str  # finished, stopped, not started, or failed with the last line of its output
    failed: bool


class Batch:
    """Trains the runs of all experiments."""

    def __init__(self, experiments: Sequence[Experiment], options: BatchOptions):
        self.runs = [
            (RunFolder(experiment.folder / planned.name), planned)
            for experiment in experiments
            for planned in experiment.plan
        ]
        self._options = options
        self._output_lock = threading.Lock()

    def train(self) -> list[RunOutcome]:
        """Train the runs that are not finished, in their order: `jobs` at a time, or all at once with Ray."""
        trainings = connect_to_ray(self._options) if self._options.ray else Trainings(self._options.jobs)
        jobs = len(self.runs) if self._options.ray else self._options.jobs
        with trainings.passing_signals(), ThreadPoolExecutor(jobs) as workers:
            return list(workers.map(partial(self._train_run, trainings), range(len(self.runs))))

    def _train_run(self, trainings: Any, number: int) -> RunOutcome:
        run, planned = self.runs[number]
        last_line = ""

        def show_line(line: str) -> None:
            with self._output_lock:
                print(f"[{number + 1}/{len(self.runs)} {planned.label}] {without_folder(line, run)}", flush=True)
                log_line(run, line)

        def show_training_line(line: str) -> None:
            nonlocal last_line
            last_line = line
            show_line(line)

        if run_status(run, planned).is_finished:
            return RunOutcome("finished", failed=False)
        if not trainings.stopping:
            show_line("Starting train.py")  # whose own first line takes seconds
        with CheckpointKeeper(run, self._options.time, show_line) as keeper:
            code = trainings.train(["-df", str(run)], show_training_line)
            if code == 0:
                keeper.keep_newest()
        if code and not (trainings.stopping and was_stopped(code)):
            return RunOutcome(f"failed: {failure_reason(code, last_line)}", failed=True)
        if run_status(run, planned).is_finished:
            return RunOutcome("finished", failed=False)
        return RunOutcome("not started" if code is None else "stopped", failed=False)

    def print_table(self, states: Sequence[str]) -> None:
        """Print a table with one row per run; `states` are in the order of the runs."""
        width = max(len(planned.label) for _, planned in self.runs)
        print(f"\n{'run':{width}}  {'decisions':>12}  {'of':>12}  {'mean of last 50':>15}  {'hours':>6}  state")
        for (run, planned), state in zip(self.runs, states, strict=True):
            status = run_status(run, planned)
            score = "" if status.score is None else f"{status.score:.2f}"
            cells = f"{status.step:12,}  {status.last_step:12,}  {score:>15}  {status.hours:6.2f}"
            print(f"{planned.label:{width}}  {cells}  {state}")


def state_before_training(run: RunFolder, planned: PlannedRun) -> str:
    """Whether the batch will skip, resume or start the run, in words."""
    status = run_status(run, planned)
    if status.is_finished:
        return "finished"
    return f"resumes from {counted(status.step, 'decision')}" if status.step else "new"


def without_folder(line: str, run: RunFolder) -> str:
    """A line of output about the run without the path of its folder, which the name before the line repeats."""
    folder = re.escape(str(run))
    return re.sub(f",? (?:saved )?in {folder}$|{folder}/", "", line)


def changed_options(planned: PlannedRun) -> str:
    """The game, and the options that a run's JSON file and sweep set to other values than their defaults, in words."""
    changed = {
        field.name: getattr(planned.options, field.name)
        for field in dataclasses.fields(Options)
        if field.name in planned.values.keys() - {"debugging_folder"}
        and getattr(planned.options, field.name) != field.default
    }
    return ", ".join(f"{name} {value}" for name, value in {"game": planned.options.game, **changed}.items())


def main(argv: Sequence[str]) -> None:
    options = parse(BatchOptions, argv, DESCRIPTION)
    if options.ray:
        refuse_changed(options, ("jobs",), "has no effect with --ray, which trains all runs at once")
    else:
        refuse_changed(options, ("cpus", "gpus"), "has no effect without --ray")
    if Path(options.destination).exists() and not Path(options.destination).is_dir():
        raise UserError(f"-d {options.destination}: that is a file; name a folder")
    plan = read_plan(Path(options.folder), options.seeds, Path(options.destination))
    experiments = open_experiments(Path(options.destination), plan, f"{datetime.now():%Y-%m-%d}")
    for folder, runs in experiments:
        print(f"{counted(len(runs), 'run')} in the {'existing' if folder.exists() else 'new'} experiment {folder}")
    batch = Batch(experiments, options)
    if options.dry_run:
        for run, planned in batch.runs:
            print(f"{planned.label}: {state_before_training(run, planned)}; {changed_options(planned)}")
        return
    with ExitStack() as locks:
        for experiment in experiments:
            locks.enter_context(RunFolder(experiment.folder).lock("-d"))
            create_experiment(experiment)
        outcomes = batch.train()
    batch.print_table([outcome.state for outcome in outcomes])
    failed = sum(outcome.failed for outcome in outcomes)
    if failed:
        print(
            f"{failed} of {counted(len(plan), 'run')} failed; run the same command to try them again", file=sys.stderr
        )
        sys.exit(entry_point.FAILURE)
    if any(outcome.state != "finished" for outcome in outcomes):
        print("Run the same command to resume.")


if __name__ == "__main__":
    entry_point.run(main)
