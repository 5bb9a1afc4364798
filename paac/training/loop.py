"""A training, from its options to its end: learn, record, save; and go on where a checkpoint was left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from emulators import EmulatorPool, Game, WorkerError
from networks.registry import make_network
from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.learner import Hyperparameters, Learner, Update
from paac.processes import Processes
from paac.rollout import ObservationHistory, Transitions
from paac.schedule import linear_to_zero
from paac.training.checkpoint import Checkpoint, DamagedCheckpoint
from paac.training.recorder import Recorder
from paac.training.resume import newest_checkpoint, starting_state
from paac.training.run_folder import RunFolder
from paac.training.state import TrainingState
from paac.training.stop_signal import StopSignal
from paac.training.viewer import Viewer

LR_PER_EMULATOR = 0.0007  # Clemente et al. 2017, section 5.1: the learning rate grows with the batch


def train(
    options: Options, game: Game, stop: StopSignal, viewer: Viewer | None = None, processes: Processes | None = None
) -> None:
    """Train in the options' folder until their last step, or until `stop` asks for an end; both save.

    Raises UserError, before anything is written, when the folder's checkpoint does not fit, and after saving the last
    good weights when the training diverges; WorkerError, after saving, when the emulators fail, and OSError when the
    disk does.
    """
    run, processes = RunFolder(options.debugging_folder), processes or Processes()
    with run.only_trainer():
        checkpoint = newest_checkpoint(run)
        state = starting_state(options, checkpoint, processes)
        if checkpoint is not None and state.global_step >= options.max_global_steps:
            print(f"{run} is finished at {state.global_step:,} decisions; a larger --max_global_steps makes it go on")
            return
        # Emulators that were not saved must not play the first episodes again.
        seed_suffix = [state.updates] if checkpoint is not None and not state.emulators else []
        with EmulatorPool(
            game,
            options.emulator_counts,
            workers=options.workers,
            shards=options.shards,
            seed=[options.random_seed, *seed_suffix],
            first_index=processes.rank * options.emulator_counts,
            share_screens=viewer is not None,
            **options.emulator_settings,
        ) as pool:
            training = Training(options, run, pool, state, processes)
            training.start(checkpoint)
            run.save_options(options)
            run.checkpoints.drop_unfinished()
            run.cut_logs(state.logs)
            training.loop(stop, viewer)


class Training:
    """A training that is running in this process: its network, learner, emulators and counters."""

    recorder: Recorder  # while `loop` runs

    def __init__(
        self, options: Options, run: RunFolder, pool: EmulatorPool, state: TrainingState, processes: Processes
    ):
        self.options = options
        self.run = run
        self.pool = pool
        self.state = state
        self.processes = processes
        self.network = make_network(num_actions=pool.num_actions, **options.network_settings)
        self.learner = Learner(
            self.network, pool, learner_hyperparameters(options), seed=options.random_seed, processes=processes
        )
        shape = (processes.count * pool.count, *pool.observations.shape[1:])
        self.history = ObservationHistory(self.network.torso.history_length, shape)  # of the emulators of all processes
        self.saved_step: int | None = None

    def start(self, checkpoint: Checkpoint | None) -> None:
        """Start the emulators; go on from `checkpoint` if there is one. Raises DamagedCheckpoint."""
        self._introduce()
        if checkpoint is None:
            self.pool.reset()
            return
        going_on = bool(self.state.emulators)
        checkpoint.restore(**self._tracked(history=going_on))
        self.learner.updates = self.state.updates
        self.saved_step = self.state.global_step
        print(f"Going on from {self.state.global_step:,} decisions")
        if not going_on:
            why = "are those of another number of processes" if checkpoint.has_emulators else "were not saved with it"
            print(f"The emulators {why}: all start new episodes")
            self.pool.reset()
            return
        states = checkpoint.emulator_states()
        if len(states) != self.state.emulators:
            raise DamagedCheckpoint(f"{checkpoint.folder} is damaged ({len(states)} states of emulators)")
        own = slice(self.processes.rank * self.pool.count, (self.processes.rank + 1) * self.pool.count)
        self.pool.load_states(states[own])
        for mine, of_all in zip(self.learner.history.observations, self.history.observations, strict=True):
            mine.assign(of_all[own])

    def loop(self, stop: StopSignal, viewer: Viewer | None) -> None:
        """Update until the last step, or until asked to stop; save on the way and at the end."""
        with Recorder(self.run, self.options, self.pool, self.learner, self.state) as self.recorder, self._saving():
            stopping = self.processes.any_true(stop.requested)
            while self.state.global_step < self.options.max_global_steps and not stopping:
                self.update()
                stopping = self.processes.any_true(stop.requested)
                self.recorder.show(self.scheduled_values())
                if viewer:
                    viewer.show(self.pool.screens)
                if self.is_save_due():
                    self.recorder.film()
                    self.save(self.emulator_states())
            if self.saved_step != self.state.global_step:
                if not stopping:
                    self.recorder.film()
                self.save(self.emulator_states())
        print(f"Saved at {self.state.global_step:,} decisions in {self.run}")

    def update(self) -> None:
        """Play and learn once, and record it."""
        began = time.monotonic()
        step = self.state.global_step + self.learner.decisions_per_update
        update = self.learner.update(
            lr=self.learning_rate(step),
            epsilon=self.epsilon(step),
            summarize_gradients=self.recorder.wants_gradients,
        )
        update = update._replace(transitions=Transitions(*self.processes.gather(update.transitions, axis=1)))
        finished = self.state.add(update.transitions, seconds=time.monotonic() - began)
        self.recorder.record(update, finished)
        self._check_finite(update)

    def _check_finite(self, update: Update) -> None:
        if update.is_finite:
            return
        self.save(self.emulator_states())
        raise UserError(
            f"--initial_lr {self.options.initial_lr}: loss or gradient became NaN or infinite at "
            f"{self.state.global_step:,} decisions; saved with the weights before that: go on with a lower one, or "
            "clip more (--clip_norm)"
        )

    def learning_rate(self, step: int) -> float:
        """The learning rate of the update that ends at `step`."""
        options = self.options
        start = LR_PER_EMULATOR * self.processes.count * self.pool.count if options.scale_lr else options.initial_lr
        return linear_to_zero(start, options.lr_annealing_steps, step)

    def epsilon(self, step: int) -> float:
        """The epsilon of the update that ends at `step`."""
        options = self.options
        return linear_to_zero(options.epsilon, options.annealed_steps, step) if options.annealed else options.epsilon

    def scheduled_values(self) -> dict[str, float]:
        """Curves of the learning rate, the temperature and epsilon as they are now."""
        step = self.state.global_step
        values = {
            "parameters/lr": self.learning_rate(step),
            "parameters/softmax_temp": self.options.softmax_temp,
        }
        return values | ({"parameters/epsilon": self.epsilon(step)} if self.options.egreedy else {})

    def emulator_states(self) -> list[bytes] | None:
        """Of all processes, for a checkpoint; None where the game cannot save its state.

        The observation histories are gathered with them.
        """
        if not self.pool.can_save:
            return None
        own = [earlier.numpy() for earlier in self.learner.history.observations]
        for of_all, observations in zip(self.history.observations, self.processes.gather(own, axis=0), strict=True):
            of_all.assign(observations)
        return self.processes.gather_bytes(self.pool.save_states())

    def is_save_due(self) -> bool:
        """Whether a checkpoint interval has ended since the last one."""
        interval = self.options.checkpoint_interval
        return self.state.global_step // interval > (self.saved_step or 0) // interval

    def save(self, emulator_states: list[bytes] | None) -> None:
        """Write a checkpoint of this moment."""
        self.recorder.flush()
        self.state.emulators = len(emulator_states or ())
        self.state.logs = self.run.log_lengths()
        self.run.checkpoints.write(
            self.state.global_step,
            self._tracked(),
            self.state.to_json(),
            emulator_states,
            keep=self.options.keep_checkpoints,
        )
        self.saved_step = self.state.global_step

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """When the emulators or the disk fail, save what can still be saved."""
        try:
            yield
        except WorkerError:
            if self.saved_step != self.state.global_step:  # or it would replace one that has the emulators
                self.save(None)
            raise
        except OSError:
            with suppress(OSError):  # whatever failed, a checkpoint may still succeed
                alone = self.processes.count == 1  # other processes know nothing of this: nothing can be gathered
                self.save(self.emulator_states() if alone else None)
            raise

    def _tracked(self, history: bool = True) -> dict:
        """What `tf.train.Checkpoint` saves and restores."""
        tracked = {"network": self.network, "optimizer": self.learner.optimizer}
        return tracked | ({"memory": self.history} if history and self.network.torso.history_length else {})

    def _introduce(self) -> None:
        if self.options.repetition_table != [0]:
            print(f"FiGAR: every action is repeated one of {self.options.repetition_table} times")
        each = f" in each of {self.processes.count} processes" if self.processes.count > 1 else ""
        print(
            f"{self.pool.game}: {self.options.arch} with {self.network.count_params():,} parameters, in "
            f"{self.options.precision}, {self.pool.count} emulators in {len(self.pool.worker_pids)} workers and "
            f"{len(self.pool.shards)} shards{each}, seed {self.options.random_seed}, into {self.run}"
        )


def learner_hyperparameters(options: Options) -> Hyperparameters:
    """The hyperparameters of the learner, from the options."""
    return Hyperparameters(
        repetition_table=options.repetition_table,
        max_local_steps=options.max_local_steps,
        gamma=options.gamma,
        discount_plays=options.figar_discount == "play",
        entropy_coef=options.entropy_regularisation_strength,
        egreedy=options.egreedy,
        rmsprop_decay=options.alpha,
        rmsprop_epsilon=options.e,
        clip_norm=options.clip_norm,
        clip_norm_type=options.clip_norm_type,
    )
