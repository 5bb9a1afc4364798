"""The training loop: update, record and save, from the start or from a checkpoint to the last step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import tensorflow as tf

from emulators import EmulatorPool, Game, WorkerError
from emulators.seeds import NEW_EPISODES
from networks.registry import make_network
from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.cli.words import counted, print_lines
from paac.learner import Learner, Update
from paac.processes import Processes, UpdateError
from paac.rollout import ObservationHistory, Transitions
from paac.training.checkpoint import Checkpoint
from paac.training.description import describe_training
from paac.training.hyperparameters import epsilon, learner_hyperparameters, learning_rate
from paac.training.original import OriginalCheckpoint
from paac.training.periodic_evaluation import BestAgent
from paac.training.recorder import Recorder
from paac.training.resume import opened_run, save_end
from paac.training.run_folder import RunFolder
from paac.training.state import NOT_FINITE, TrainingState
from paac.training.stop_signal import Stop
from paac.training.summary import Callback, ignore
from paac.training.viewer import Viewer

MAX_SAVE_INTERVAL_S = 600.0  # a crash loses at most this time of training


def train(
    options: Options,
    game: Game,
    stop: Stop,
    viewer: Viewer | None = None,
    processes: Processes | None = None,
    callback: Callback = ignore,
) -> TrainingState:
    """Train in the folder of `options` to the last step or until `stop` is requested; save, and return the counters.

    Raises:
        UserError: The folder is in use, its checkpoints are damaged or do not fit the options (nothing has been written
            then), or the training diverged (nothing has been saved since the last checkpoint).
        WorkerError: Emulators failed, or another process ended; in the loop, all but the emulators' states is saved,
            unless the newest update could not be recorded. Its subclass UpdateError: see OpError.
        tf.errors.OpError: TensorFlow failed, for example because the device has no memory left; nothing is saved.
        OSError: Writing failed; nothing is saved.
    """
    run, processes = RunFolder(options.debugging_folder), processes or Processes()
    with opened_run(run, options, processes) as (checkpoint, state):
        if checkpoint is not None and state.global_step >= options.max_global_steps:
            finished = f"{run} is finished at {state.decisions_text}; a larger --max_global_steps continues it"
            print_lines([finished, save_end(run, options)])
            return state
        with _make_pool(options, game, state, processes, share_screens=viewer is not None) as pool:
            training = Training(options, run, pool, state, processes)
            training.restore_or_reset(checkpoint)
            run.checkpoints.remove_unfinished()
            with run.options_saved(options):
                if not isinstance(checkpoint, Checkpoint):  # a new run, or one of the original Manette
                    training.save_first_checkpoint()  # shows that saving works, before there is data to lose
            print_lines([*run.truncate_logs(state.logs), training.best.restore(state)])
            training.loop(stop, viewer, callback)
        return state


def _make_pool(
    options: Options, game: Game, state: TrainingState, processes: Processes, share_screens: bool
) -> EmulatorPool:
    # Emulators without saved states get a new seed: otherwise they would play the run's first episodes again.
    seed_suffix = [NEW_EPISODES, state.updates] if state.updates and not state.emulators else []
    return EmulatorPool(
        game,
        options.emulator_counts,
        workers=options.workers,
        shards=options.shards,
        seed=[options.random_seed, *seed_suffix],
        first_index=processes.own_emulators(options.emulator_counts).start,
        share_screens=share_screens,
        **options.emulator_settings,
    )


class Training:
    """A training run in progress: its network, learner, emulators and counters in this process."""

    recorder: Recorder  # set only while `loop` runs

    def __init__(
        self, options: Options, run: RunFolder, pool: EmulatorPool, state: TrainingState, processes: Processes
    ):
        self.options = options
        self.run = run
        self.pool = pool
        self.state = state
        self.processes = processes
        self.total_emulators = processes.count * pool.count
        self.network = make_network(num_actions=pool.num_actions, **options.network_settings)
        self.learner = Learner(
            self.network, pool, learner_hyperparameters(options), seed=options.random_seed, processes=processes
        )
        shape = (self.total_emulators, *pool.observations.shape[1:])
        self.history = ObservationHistory(self.network.torso.history_length, shape)  # of all processes, for checkpoints
        self.best = BestAgent(run)
        self.is_recorded = True  # whether the counters and logs have all updates of the weights
        self.saved_step: int | None = None
        self.saved_timed = state.timed
        self.saved_at = time.monotonic()

    def restore_or_reset(self, checkpoint: Checkpoint | OriginalCheckpoint | None) -> None:
        """Restore everything from `checkpoint`, or start new episodes if it is None. Raises CheckpointError."""
        print(
            *describe_training(self.options, self.pool, self.network, self.processes, self.state.global_step), sep="\n"
        )
        if checkpoint is None:
            self.pool.reset()
            return
        restores_emulators = bool(self.state.emulators)
        tracked = self._tracked(history=restores_emulators)
        if not checkpoint.has_optimizer():
            del tracked["optimizer"]
        checkpoint.restore(**tracked)
        self.learner.updates = self.state.updates
        self.saved_step = self.state.global_step
        print(f"Resuming at {self.state.decisions_text}")
        if "optimizer" not in tracked:
            print("RMSProp's statistics were not saved: they start afresh")
        if not restores_emulators:
            why = (
                "were saved by another number of processes" if checkpoint.has_emulators else "are not in the checkpoint"
            )
            print(f"The emulators' states {why}: all emulators start new episodes")
            self.pool.reset()
            return
        assert isinstance(checkpoint, Checkpoint)
        states = checkpoint.emulator_states(self.state.emulators)
        own = self.processes.own_emulators(self.pool.count)
        self.pool.load_states(states[own])
        for own_variable, variable in zip(self.learner.history.observations, self.history.observations, strict=True):
            own_variable.assign(variable[own])

    def save_first_checkpoint(self) -> None:
        """Write the first checkpoint of a new or imported run, before its first update here."""
        self._write_checkpoint(self.gather_emulator_states())

    def loop(self, stop: Stop, viewer: Viewer | None, callback: Callback) -> None:
        """Update until the last step or until `stop` is requested; save every checkpoint interval and at the end."""
        begin = self.state.global_step
        recorder = Recorder(self.run, self.options, self.pool, self.learner, self.state, callback)
        with recorder as self.recorder, self._save_on_failure():
            stopping = self.processes.any_true(stop.requested)[0]
            while self.state.global_step < self.options.max_global_steps and not stopping:
                self.update()
                self.recorder.show_progress_and_write_curves()
                is_save_due = self.is_save_due()
                if self.processes.rank == 0:
                    self.recorder.evaluate_if_due()
                    if is_save_due:
                        self.recorder.film()
                self.is_recorded = True
                # Here the other processes wait for the first one.
                stopping, timed_save_due = self.processes.any_true(stop.requested, self.is_timed_save_due())
                if viewer:
                    viewer.show(self.pool.screens)
                if is_save_due or timed_save_due:
                    self.save(self.gather_emulator_states(), timed=not is_save_due)
            if self.saved_step != self.state.global_step:
                self.save(self.gather_emulator_states())
        if self.state.global_step == begin:
            # Without an update there is nothing later than the checkpoint, which the next session would report.
            self.run.truncate_logs(self.state.logs)
        with suppress(OSError):  # the program that reads the output may have ended
            print(f"Saved at {self.state.decisions_text} in {self.run}")

    def update(self) -> None:
        """Make one update of the learner, and record it."""
        began = time.monotonic()
        step = self.state.global_step + self.learner.decisions_per_update
        lr = learning_rate(self.options, self.total_emulators, step)
        update = self.learner.update(lr, epsilon(self.options, step), self.recorder.wants_gradients)
        self.is_recorded = False
        update = update._replace(transitions=Transitions(*self.processes.all_gather(update.transitions, axis=1)))
        finished = self.state.add(update.transitions, seconds=time.monotonic() - began)
        self.recorder.record(update, finished)
        self._check_finite(update)

    def _check_finite(self, update: Update) -> None:
        """Raise UserError if the update was not finite.

        Nothing is saved: the weights are usually too large already, so a resume from them would fail at once.
        """
        if update.is_finite:
            return
        lr = "--scale_lr" if self.options.scale_lr else f"--initial_lr {self.options.initial_lr}"
        raise UserError(
            f"{lr}: {NOT_FINITE} at {self.state.decisions_text}. Resume from the last checkpoint, of "
            f"{counted(self.saved_step or 0, 'decision')}, with {self.options.how_to_lower_lr}, or with a lower "
            "--clip_norm"
        )

    def gather_emulator_states(self) -> list[bytes] | None:
        """Return the states of all processes' emulators; None if the game cannot save its state.

        This also updates `history`, the observation histories of all processes.
        """
        if not self.pool.can_save:
            return None
        own = [earlier.numpy() for earlier in self.learner.history.observations]
        for variable, earlier in zip(self.history.observations, self.processes.all_gather(own, axis=0), strict=True):
            variable.assign(earlier)
        return self.processes.all_gather_bytes(self.pool.save_states())

    def is_save_due(self) -> bool:
        """Return whether a checkpoint interval has ended since the last checkpoint, or the training ends."""
        interval = self.options.checkpoint_interval
        is_last = self.state.global_step >= self.options.max_global_steps
        return is_last or self.state.global_step // interval > (self.saved_step or 0) // interval

    def is_timed_save_due(self) -> bool:
        """Return whether the last checkpoint is too old. Only the first process decides; the others return False."""
        return self.processes.rank == 0 and time.monotonic() - self.saved_at >= MAX_SAVE_INTERVAL_S

    def save(self, emulator_states: list[bytes] | None, timed: bool = False) -> None:
        """Write a checkpoint of the current step, with `emulator_states` if they are not None.

        A `timed` one lies between the regular ones; the next checkpoint replaces it.
        """
        self.recorder.check_unchanged()
        self.run.sync_logs()  # before the checkpoint, which expects these lengths
        self.state.logs = self.run.log_lengths()
        self._write_checkpoint(emulator_states, timed)

    def _write_checkpoint(self, emulator_states: list[bytes] | None, timed: bool = False) -> None:
        replaced = self.saved_step if self.saved_timed else None
        self.state.timed = timed
        self.state.emulators = len(emulator_states or ())
        self.run.checkpoints.write(
            self.state.global_step,
            self._tracked(),
            self.state.to_json(),
            emulator_states,
            keep=self.options.keep_checkpoints + timed,
            replaced=replaced,
        )
        self.best.delete_others(self.state)
        self.saved_step, self.saved_timed, self.saved_at = self.state.global_step, timed, time.monotonic()

    @contextmanager
    def _save_on_failure(self) -> Iterator[None]:
        """Save what can still be saved when emulators or another process fail.

        If the newest update could not be recorded, or if writing or TensorFlow failed, nothing is saved: a resume from
        the previous checkpoint repeats the updates since then. So the logs have no gap, and no checkpoint holds a part
        of an update.
        """
        try:
            yield
        except (WorkerError, OSError, tf.errors.OpError) as error:
            if not self.run.path.exists():
                raise OSError(
                    f"{self.run} was moved or deleted during the training, which ends here; if you moved it, run the "
                    "same command with its new path"
                ) from None
            # A checkpoint of this step may hold the emulators' states, so it is not replaced.
            is_new = self.saved_step != self.state.global_step
            can_save = isinstance(error, WorkerError) and not isinstance(error, UpdateError)
            if is_new and self.is_recorded and can_save:
                # Failed emulators send no states, nor do other processes, which take no part in this save.
                with suppress(OSError):
                    self.save(None)
            raise

    def _tracked(self, history: bool = True) -> dict:
        """Return what `tf.train.Checkpoint` saves and restores, by its name there (the history is "memory")."""
        tracked = {"network": self.network, "optimizer": self.learner.optimizer}
        return tracked | ({"memory": self.history} if history and self.network.torso.history_length else {})
