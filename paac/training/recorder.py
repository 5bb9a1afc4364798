"""What a training writes and shows on its way: episodes.csv, curves, pictures, films, a progress bar and warnings."""

from collections.abc import Mapping, Sequence

from emulators import EmulatorPool
from paac.cli.options import Options
from paac.learner import Learner, Update
from paac.summaries.activations import active_units
from paac.summaries.curves import Summaries
from paac.training.episodes import Episode, EpisodeLog
from paac.training.progress import Progress, SpeedMeter
from paac.training.run_folder import RunFolder
from paac.training.state import TrainingState
from paac.video.episode import film_episode

SUMMARY_UPDATES = 50  # updates from one point of a curve to the next
PICTURE_UPDATES = 500  # from one picture of the convolutions, after the first update, to the next
FEW_ACTIVE = 0.1  # of a layer's units: with fewer of them active, learning was seen to fail for good


class Recorder:
    """Records the training of `learner`, whose counters are in `state`; a context manager."""

    def __init__(
        self, run: RunFolder, options: Options, pool: EmulatorPool, learner: Learner, state: TrainingState
    ) -> None:
        self._options = options
        self._pool = pool
        self._network = learner.network
        self._state = state
        self._warned = False
        self._log = EpisodeLog(run.episodes_csv)
        self._summaries = Summaries(run.events, pool.num_actions, options.repetition_table)
        self._summaries.describe(options, learner.network, learner.graph, state.global_step)
        self._progress = Progress(state.global_step, options.max_global_steps)
        self._meter = SpeedMeter(state.global_step, state.plays)

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.close()
        self._summaries.close()
        self._log.close()

    @property
    def wants_gradients(self) -> bool:
        """Whether the next update is to give statistics of its gradients."""
        return (self._state.updates + 1) % SUMMARY_UPDATES == 0

    def record(self, update: Update, finished: Sequence[Episode]) -> None:
        """Take note of one update and of the episodes that ended in it."""
        self._log.add(finished, self._state.seconds)
        self._summaries.add(update, finished)

    def show(self, scheduled_values: Mapping[str, float]) -> None:
        """Show how far the training is, and write what is due; `scheduled_values` are further curves."""
        state, frame_skip = self._state, self._pool.frame_skip
        self._progress.show(state.global_step, state.plays * frame_skip, state.episodes.mean_reward)
        if state.updates % SUMMARY_UPDATES == 0:
            curves = {**scheduled_values, **self._rates(), **self._active_units()}
            self._summaries.write(state.global_step, state.episodes.last, curves)
        if self._options.visualize_convs and state.updates % PICTURE_UPDATES == 1:
            self._summaries.show_convolutions(state.global_step, self._network, self._pool.observations[0])

    def film(self) -> None:
        """Show how the agent plays now; before a checkpoint is written, which notes how long the logs are."""
        options = self._options
        if options.log_video:
            gif = film_episode(
                self._network,
                self._pool.game,
                options.emulator_settings,
                options.repetition_table,
                seed=options.random_seed,
            )
            self._summaries.show_film(self._state.global_step, gif)

    def flush(self) -> None:
        """Put everything into the files."""
        self._summaries.flush()

    def _rates(self) -> dict[str, float]:
        """Curves of the speed: decisions, plays and frames per second."""
        state = self._state
        steps_per_s, plays_per_s = self._meter.read(state.global_step, state.plays)
        return {
            "stats/steps_per_s": steps_per_s,
            "stats/average_steps_per_s": state.global_step / state.seconds,
            "stats/actions_per_s": plays_per_s,
            "stats/frames_per_s": plays_per_s * self._pool.frame_skip,
        }

    def _active_units(self) -> dict[str, float]:
        """Curves of how much of the network is active; warns once a session where little of it is."""
        shares = active_units(self._network, self._pool.observations)
        inactive = [layer for layer, share in shares.items() if share < FEW_ACTIVE]
        if inactive and not self._warned and self._options.activation == "relu":  # others let a gradient through
            self._warned = True
            self._progress.say(
                f"Fewer than {FEW_ACTIVE:.0%} of the units of {' and '.join(inactive)} react to the emulators' screens "
                f"at {self._state.global_step:,} decisions: the network may never learn again. Start over with smaller "
                "steps, by a lower --initial_lr or a larger --e (curves: active_units)"
            )
        return {f"active_units/{layer}": share for layer, share in shares.items()}
