"""Train every JSON file of a folder, each into a run of its own; the same command goes on where it stopped."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses
import importlib.util
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from agents.kept_checkpoints import Keeper
from experiments.folder import create_experiment, open_experiment, run_status
from experiments.plan import Planned, read_plan
from experiments.trainings import Trainings
from paac.cli import entry_point
from paac.cli.command_line import AT_LEAST_ONE, NOT_NEGATIVE, PATH, POSITIVE, option, parse
from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.training.run_folder import RunFolder

ABOUT = """Train every JSON file of a folder and its sub-folders, each into DESTINATION/DATE-experiment/NAME. A file
holds options as args.json does; what it lacks takes its default, and lists under "sweep" are tried in every
combination. Ctrl+C saves what runs; the same command goes on where it stopped and skips what is finished."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """Options of batchTrain.py."""

    # fmt: off
    folder: str = option("toTrain/", "-f", "--folder", group="Batch", limit=PATH, help="folder of JSON files")
    destination: str = option("logs/", "-d", "--destination", group="Batch", limit=PATH, help="where it trains")
    time: float = option(1800.0, "-t", "--time", group="Batch", limit=POSITIVE, help="seconds between kept checkpoints")
    jobs: int = option(1, group="Batch", limit=AT_LEAST_ONE, help="trainings that run at the same time")
    seeds: int | None = option(None, group="Batch", limit=AT_LEAST_ONE, help="train each with so many seeds")
    ray: str | None = option(None, flag_value="auto", group="Cluster", help="train on the Ray cluster at this address, all runs at once; without an address on the one this machine belongs to; first pip install -r script/requirements-ray.txt")
    cpus: float = option(2.0, group="Cluster", limit=POSITIVE, help="cores of a run, which are its emulator workers")
    gpus: float = option(0.0, group="Cluster", limit=NOT_NEGATIVE, help="GPUs of a run, also a part of one")
    dry_run: bool = option(False, group="Batch", help="only show what would be trained")
    # fmt: on


def on_cluster(options: BatchOptions) -> Any:
    """The trainings of a Ray cluster. Raises UserError if there is none."""
    if importlib.util.find_spec("ray") is None:
        raise UserError("--ray: ray is not there; pip install -r script/requirements-ray.txt")
    from experiments.ray_trainings import RayTrainings

    return RayTrainings(options.ray or "", options.cpus, options.gpus)


class Outcome(NamedTuple):
    """How a run's part of this batch ended."""

    state: str
    failed: bool


class Batch:
    """The trainings of one experiment."""

    def __init__(self, plan: Sequence[Planned], folder: Path, options: BatchOptions):
        self.plan = plan
        self.folder = folder
        self._options = options
        self._saying = threading.Lock()

    def train(self) -> list[Outcome]:
        """Train what is not finished, `jobs` at a time or all on a cluster, in the order of the plan."""
        trainings = on_cluster(self._options) if self._options.ray else Trainings()
        jobs = len(self.plan) if self._options.ray else self._options.jobs
        with trainings.passing_signals(), ThreadPoolExecutor(jobs) as workers:
            return list(workers.map(partial(self._train_one, trainings), range(len(self.plan))))

    def state(self, planned: Planned) -> str:
        """What there is of a run before the batch."""
        now = run_status(RunFolder(self.folder / planned.name), planned)
        if now.is_finished:
            return "finished"
        has_begun = RunFolder(self.folder / planned.name).checkpoints.steps()
        return f"goes on from {now.step:,}" if has_begun else "new"

    def _train_one(self, trainings: Any, number: int) -> Outcome:
        planned = self.plan[number]
        run = RunFolder(self.folder / planned.name)
        last_line = ""

        def say(line: str) -> None:
            with self._saying, (run.path / "train.log").open("a", encoding="utf-8") as log:
                log.write(line + "\n")
                print(f"[{number + 1}/{len(self.plan)} {planned.name}] {line}", flush=True)

        def say_and_note(line: str) -> None:
            nonlocal last_line
            last_line = line
            say(line)

        if run_status(run, planned).is_finished:
            return Outcome("finished", failed=False)
        with Keeper(run, self._options.time, say) as keeper:
            code = trainings.train(["-df", str(run)], say_and_note)
            if code == 0:
                keeper.keep_last()
        if code and not trainings.stopping:
            return Outcome(f"failed: {last_line}", failed=True)
        if run_status(run, planned).is_finished:
            return Outcome("finished", failed=False)
        return Outcome("not started" if code is None else "stopped", failed=False)

    def show(self, states: Sequence[str]) -> None:
        """A table of all runs, with their `states`."""
        width = max(len(planned.name) for planned in self.plan)
        print(f"\n{'run':{width}}  {'decisions':>12}  {'of':>12}  {'mean of last 50':>15}  {'hours':>6}  state")
        for planned, state in zip(self.plan, states, strict=True):
            now = run_status(RunFolder(self.folder / planned.name), planned)
            score = "" if now.score is None else f"{now.score:.2f}"
            print(
                f"{planned.name:{width}}  {now.step:12,}  {now.last_step:12,}  {score:>15}  {now.hours:6.2f}  {state}"
            )


def described(planned: Planned) -> str:
    """The options of a training that are not the default."""
    changed = {
        field.name: getattr(planned.options, field.name)
        for field in dataclasses.fields(Options)
        if getattr(planned.options, field.name) != field.default and field.name != "debugging_folder"
    }
    return ", ".join(f"{name} {value}" for name, value in changed.items()) or "all defaults"


def main(argv: Sequence[str]) -> None:
    options = parse(BatchOptions, argv, ABOUT)
    if Path(options.destination).exists() and not Path(options.destination).is_dir():
        raise UserError(f"-d {options.destination}: that is a file; name a folder")
    plan = read_plan(Path(options.folder), options.seeds)
    batch = Batch(plan, open_experiment(Path(options.destination), plan), options)
    trainings = "1 training" if len(plan) == 1 else f"{len(plan)} trainings"
    print(f"{trainings}, {'going on in' if batch.folder.exists() else 'into the new'} {batch.folder}")
    if options.dry_run:
        for planned in plan:
            print(f"{planned.name}: {batch.state(planned)}; {described(planned)}")
        return
    with RunFolder(batch.folder).lock("-d"):
        create_experiment(batch.folder, plan)
        outcomes = batch.train()
    batch.show([outcome.state for outcome in outcomes])
    failed = sum(outcome.failed for outcome in outcomes)
    if failed:
        print(f"{failed} of {len(plan)} failed; the same command tries them again", file=sys.stderr)
        sys.exit(entry_point.FAILURE)
    if any(outcome.state != "finished" for outcome in outcomes):
        print("The same command goes on from here.")


if __name__ == "__main__":
    entry_point.run(main)
