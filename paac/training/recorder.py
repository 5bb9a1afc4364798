"""What the training writes and shows while it runs: episodes.csv, TensorBoard events, the progress bar and warnings."""

from collections.abc import Sequence
from types import MappingProxyType

from emulators import EmulatorPool
from paac.cli.options import Options
from paac.learner import Learner, Update
from paac.summaries.activations import active_units
from paac.summaries.writer import SummaryWriter
from paac.training.episodes import Episode, EpisodeLog
from paac.training.hyperparameters import schedule_curves
from paac.training.periodic_evaluation import BestAgent, append_evaluation, describe, evaluate, is_evaluation_due
from paac.training.progress import Progress, SpeedMeter
from paac.training.provenance import append_session, describe_session
from paac.training.run_folder import RunFolder
from paac.training.state import TrainingState
from paac.training.summary import Callback, Summary
from paac.video.episode import film_episode

SUMMARY_UPDATES = 50  # updates between two points of a curve
PICTURE_UPDATES = 500  # updates between two pictures of the convolutions; the first follows the first update
MIN_ACTIVE_FRACTION = 0.1  # of a layer's units; runs with a smaller fraction never recovered


class Recorder:
    """Records the training of `learner`, whose counters are in `state`; a context manager that closes the files."""

    def __init__(
        self,
        run: RunFolder,
        options: Options,
        pool: EmulatorPool,
        learner: Learner,
        state: TrainingState,
        callback: Callback,
    ) -> None:
        """`callback` receives each summary after it was written."""
        self._run = run
        self._options = options
        self._pool = pool
        self._network = learner.network
        self._decisions_per_update = learner.decisions_per_update
        self._state = state
        self._callback = callback
        self._log = EpisodeLog(run.episodes_csv)
        self._summaries = SummaryWriter(run.events, pool.action_names, options.repetition_table)
        session = describe_session(state.global_step)
        append_session(run.sessions, session)
        self._summaries.write_session_start(options, learner.network, learner.graph, session.step, session.rows)
        self._progress = Progress(state.global_step, options.max_global_steps)
        self._meter = SpeedMeter(state.global_step, state.plays)
        if run.evaluations_csv.exists():
            run.watch(run.evaluations_csv)
        self.check_unchanged()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.close()
        self._log.close()
        self._summaries.close()

    @property
    def wants_gradients(self) -> bool:
        """Whether the next update should return statistics of its gradients."""
        return (self._state.updates + 1) % SUMMARY_UPDATES == 0

    def record(self, update: Update, finished: Sequence[Episode]) -> None:
        """Record one update and the episodes that ended in it.

        Raises OSError if writing fails, or another program has changed the lock of the run or its episodes.csv.
        """
        self._run.check_lock()
        self._log.add(finished, self._state.seconds)
        self._summaries.add(update, finished)

    def show_progress_and_write_curves(self) -> None:
        """Update the progress bar, write the curves and pictures that are due, and pass the curves to the callback."""
        state, frame_skip = self._state, self._pool.frame_skip
        self._progress.show(state.global_step, state.plays * frame_skip, state.episodes.mean_score)
        if state.updates % SUMMARY_UPDATES == 0:
            schedules = schedule_curves(self._options, state.episodes.num_emulators, state.global_step)
            curves = {**schedules, **self._rates(), **self._active_units()}
            curves = self._summaries.write(state.global_step, state.episodes.last, curves)
            self._callback(
                Summary(
                    step=state.global_step,
                    seconds=state.seconds,
                    mean_score=state.episodes.mean_score,
                    curves=MappingProxyType(curves),
                )
            )
        if self._options.visualize_convs and state.updates % PICTURE_UPDATES == 1:
            self._summaries.show_convolutions(state.global_step, self._network, self._pool.observations[0])

    def film(self) -> None:
        """With --log_video, write a film of the agent.

        Call it before a checkpoint is written, because a checkpoint stores the logs' lengths.
        """
        options = self._options
        if not options.log_video:
            return
        try:
            gif = film_episode(
                self._network,
                self._pool.game,
                options.emulator_settings,
                options.repetition_table,
                seed=options.random_seed,
                epsilon=options.test_epsilon,
            )
        except Exception as error:  # any error of the environment's own code
            self._progress.print_line(f"--log_video: no film at {self._state.decisions_text} ({error})")
        else:
            self._summaries.show_film(self._state.global_step, gif)

    def evaluate_if_due(self) -> None:
        """Evaluate the agent if an interval ended in the last update; save it in `best` if it is the best so far.

        Call it before a checkpoint is written, because a checkpoint stores the logs' lengths and the best score.
        """
        state = self._state
        if not is_evaluation_due(self._options, state.global_step, self._decisions_per_update):
            return
        try:
            evaluation = evaluate(self._network, self._pool.game, self._options, state)
        except Exception as error:  # any error of the environment's own code
            self._progress.print_line(f"--eval_interval: no evaluation at {state.global_step:,} decisions ({error})")
            return
        is_best = state.best_score is None or evaluation.mean > state.best_score
        if is_best:
            BestAgent(self._run).save(self._network, self._options, state)
            state.best_score, state.best_step = evaluation.mean, evaluation.step
        self._run.check_unchanged()
        append_evaluation(self._run.evaluations_csv, evaluation)
        self._run.watch(self._run.evaluations_csv)
        self._summaries.write_evaluation(evaluation.step, evaluation.curves)
        self._progress.print_line(describe(evaluation, is_best))

    def check_unchanged(self) -> None:
        """Raise OSError or UserError if another program has changed a file that the training writes."""
        self._log.check_unchanged()
        self._summaries.check_unchanged()
        self._run.check_unchanged()

    def _rates(self) -> dict[str, float]:
        """Return decisions, plays and frames per second by their TensorBoard tags."""
        state = self._state
        steps_per_s, plays_per_s = self._meter.read(state.global_step, state.plays)
        return {
            "stats/steps_per_s": steps_per_s,
            "stats/average_steps_per_s": (state.global_step - state.imported_steps) / state.seconds,
            "stats/actions_per_s": plays_per_s,
            "stats/frames_per_s": plays_per_s * self._pool.frame_skip,
        }

    def _active_units(self) -> dict[str, float]:
        """Return the fraction of active units by TensorBoard tag; warn once per run if a layer has few."""
        fractions = active_units(self._network, self._pool.observations)
        inactive = [layer for layer, fraction in fractions.items() if fraction < MIN_ACTIVE_FRACTION]
        # Leaky ReLU always has a gradient.
        if inactive and not self._state.warned and self._options.activation == "relu":
            self._state.warned = True
            self._progress.print_line(
                f"Fewer than {MIN_ACTIVE_FRACTION:.0%} of the units of {' and '.join(inactive)} are active on the "
                f"emulators' screens at {self._state.decisions_text}: the network may never learn again. "
                f"Start over with smaller updates: {self._options.how_to_lower_lr}, or a larger --e "
                "(TensorBoard: active_units)"
            )
        return {f"active_units/{layer}": fraction for layer, fraction in fractions.items()}
