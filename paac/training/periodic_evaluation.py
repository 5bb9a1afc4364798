"""Evaluations while an agent is trained, which do not affect the training, and the best agent that they found.

RUN/
    evaluations.csv     a line for each evaluation
    best/               the agent with the highest mean score, itself a run's folder
"""

import dataclasses
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emulators import Game, make_emulator
from emulators.seeds import periodic_evaluation_seed
from paac.cli.args_json import save_options
from paac.cli.errors import UserError
from paac.cli.folders import free_name
from paac.cli.options import Options
from paac.cli.safe_files import append, read_unlinked_file, replace_file
from paac.training.checkpoint import Checkpoint
from paac.training.resume import tunable_options
from paac.training.run_folder import RunFolder
from paac.training.state import TrainingState

if TYPE_CHECKING:
    from networks.actor_critic import ActorCritic


class Evaluation(NamedTuple):
    """The scores of one evaluation; each field is a column of evaluations.csv."""

    step: int  # decisions of all emulators when the agent was evaluated
    seconds: float  # of training until then
    episodes: int
    mean: float
    std: float
    min: float
    max: float

    @property
    def curves(self) -> dict[str, float]:
        """The statistics of the scores by their TensorBoard tags."""
        return {f"evaluation/{name}": getattr(self, name) for name in ("mean", "std", "min", "max")}


def is_evaluation_due(options: Options, step: int, decisions: int) -> bool:
    """Return whether an evaluation interval ended in the last `decisions` before `step`."""
    interval = options.eval_interval
    return bool(interval) and step // interval > (step - decisions) // interval


def evaluate(network: "ActorCritic", game: Game, options: Options, state: TrainingState) -> Evaluation:
    """Play `eval_episodes` whole episodes in emulators of their own, as test.py does.

    All evaluations of a run use the same seeds, so they differ only in what the agent has learned.
    """
    from paac.evaluation import play_episodes

    settings = options.emulator_settings | {"single_life_episodes": False}
    with ExitStack() as opened:
        emulators = [
            opened.enter_context(
                closing(make_emulator(game, seed=periodic_evaluation_seed(options.random_seed, number), **settings))
            )
            for number in range(options.eval_episodes)
        ]
        results = play_episodes(
            network, emulators, options.repetition_table, seed=options.random_seed, epsilon=options.test_epsilon
        )
    scores = np.array([result.score for result in results])
    statistics = (float(scores.mean()), float(scores.std()), float(scores.min()), float(scores.max()))
    return Evaluation(state.global_step, state.seconds, len(scores), *statistics)


def append_evaluation(file: Path, evaluation: Evaluation) -> None:
    """Append a line to evaluations.csv."""
    statistics = ",".join(f"{value:.15g}" for value in evaluation[3:])
    line = f"{evaluation.step},{evaluation.seconds:.1f},{evaluation.episodes},{statistics}\n"
    append(file, line.encode(), header=",".join(Evaluation._fields).encode() + b"\n")


class BestAgent:
    """The folder `best` of a run.

    A better agent does not replace the one before it until the run's next checkpoint: after a kill, the run resumes
    from its last checkpoint, and needs the agent that was the best at that checkpoint.
    """

    def __init__(self, run: RunFolder):
        self._run = run
        self._best = RunFolder(run.best)

    def save(self, network: "ActorCritic", options: Options, state: TrainingState) -> None:
        """Save the weights, the options, the sessions and the episodes so far, next to the agents saved before.

        Raises OSError, and UserError if a file or folder there is a link.
        """
        self._best.path.mkdir(exist_ok=True)
        self._run.refuse_links()
        save_options(options, self._best.args)
        replace_file(self._best.episodes_csv, read_unlinked_file(self._run.episodes_csv))
        replace_file(self._best.sessions, read_unlinked_file(self._run.sessions))
        values = state.to_json() | {"emulators": 0, "timed": False, "logs": self._best.log_lengths()}
        steps = self._best.checkpoints.steps()
        self._best.checkpoints.write(state.global_step, {"network": network}, values, None, keep=len(steps) + 1)

    def delete_others(self, state: TrainingState) -> None:
        """Delete all agents but the best one in `state`, which a checkpoint has saved."""
        steps = self._best.checkpoints.steps()
        kept = [step for step in steps if step <= state.global_step]
        if state.best_step in kept:
            kept = [state.best_step]
        if kept != steps:
            self._run.refuse_links()
            self._best.checkpoints.keep_only(kept)

    def restore(self, state: TrainingState) -> str:
        """Go back to the best agent in `state`, which was read from a checkpoint; return a line for the user, or "".

        If that agent is missing or damaged, `state` forgets it, and the next evaluation finds a new one. If there are
        only later agents, because newer checkpoints were moved away or the training was killed before it wrote one,
        the folder becomes a kept copy.
        """
        self._best.checkpoints.remove_unfinished()
        steps = self._best.checkpoints.steps()
        if state.best_step not in steps:
            state.best_score = state.best_step = None
            return self._keep_as_copy(steps[-1]) if steps and steps[-1] > state.global_step else ""
        self.delete_others(state)
        try:
            best = TrainingState.from_checkpoint(Checkpoint(self._best.checkpoints.folder / str(state.best_step)))
            self._best.truncate_logs(best.logs)
            self._restore_options(best)
        except UserError as error:
            state.best_score = state.best_step = None
            return f"{error}; the next evaluation finds a new best agent"
        return ""

    def _restore_options(self, best: TrainingState) -> None:
        """Write the options of the `best` agent: args.json may hold those of a later one, which is gone."""
        options = self._best.load_options()
        trained = {name: best.tunable.get(name, value) for name, value in tunable_options(options).items()}
        if trained != tunable_options(options):
            save_options(dataclasses.replace(options, **trained), self._best.args)

    def _keep_as_copy(self, step: int) -> str:
        """Move the folder to the kept copies of checkpoints; return a line for the user."""
        self._run.refuse_links()
        self._run.kept_checkpoints.folder.mkdir(exist_ok=True)
        copy = free_name(str(self._run.kept_checkpoints.folder / str(step)))
        self._best.path.rename(copy)
        return f"{self._best} holds only an agent that is newer than the checkpoint; it is now {copy}"


def describe(evaluation: Evaluation, is_best: bool) -> str:
    """Return a line about the evaluation, for the user."""
    line = f"Evaluated at {evaluation.step:,} decisions: mean {evaluation.mean:.2f}, std {evaluation.std:.2f}"
    return f"{line}, the best so far" if is_best else line
