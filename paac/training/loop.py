"""A training, from its options to its end: learn, count, log, save; and go on where a checkpoint was left."""

import time
from contextlib import suppress
from pathlib import Path

from emulators import EmulatorPool, Game, WorkerError
from networks.registry import make_network
from paac.cli.errors import UserError
from paac.cli.options import Options, fixed_options
from paac.learner import Learner, ObservationHistory
from paac.processes import Processes
from paac.rollout import Played
from paac.schedule import linear_to_zero
from paac.summaries.activations import active_units
from paac.summaries.curves import EpisodeLog, Summaries, cut_logs, log_lengths
from paac.training.checkpoint import Checkpoint, CheckpointFolder
from paac.training.episodes import EpisodeTracker
from paac.training.progress import Progress
from paac.training.run_folder import ARGS, create_run, emulator_settings, network_settings, only_trainer
from paac.training.stop_signal import StopSignal
from paac.training.viewer import Viewer
from paac.video.episode import film_episode

SUMMARY_UPDATES = 50  # updates from one point of a curve to the next
LR_PER_EMULATOR = 0.0007  # Clemente et al. 2017, section 5.1: the learning rate grows with the batch
FEW_ACTIVE = 0.1  # share of a layer's units below which learning was seen to fail for good
PICTURE_UPDATES = 500  # from one picture of the convolutions, after the first update, to the next


def train(
    options: Options, game: Game, stop: StopSignal, viewer: Viewer | None = None, processes: Processes | None = None
) -> None:
    """Train in the options' folder until their last step, or until `stop` asks for an end; both save.

    Raises UserError, before anything is written, when the folder's checkpoint does not fit, and after saving the last
    good weights when the training diverges; WorkerError, after saving, when the emulators fail, and OSError when the
    disk does.
    """
    run = Path(options.debugging_folder)
    with only_trainer(run):
        _train(options, run, game, stop, viewer, processes or Processes())


def _train(
    options: Options, run: Path, game: Game, stop: StopSignal, viewer: Viewer | None, processes: Processes
) -> None:
    checkpoints = CheckpointFolder(run / "checkpoints")
    checkpoint, damaged = checkpoints.newest()
    if damaged and checkpoint is None:  # starting over would lose the curves as well
        raise UserError(f"{'; '.join(damaged)}; no other is left: move {run} away to start over")
    for line in damaged:
        print(f"{line}; taking the one before it")
    if checkpoint is not None:
        check_fit(options, checkpoint)
    if checkpoint is not None and checkpoint.step >= options.max_global_steps:
        print(f"{run} is finished at {checkpoint.step:,} decisions; a larger --max_global_steps makes it go on")
        return
    create_run(options)
    checkpoints.drop_unfinished()
    if checkpoint is None:
        cut_logs(run, {})
    else:
        with checkpoint.read() as state:
            cut_logs(run, state["logs"])
    with EmulatorPool(
        game,
        options.emulator_counts,
        workers=options.workers,
        shards=options.shards,
        seed=emulator_seed(options, checkpoint, processes),
        first=processes.rank * options.emulator_counts,
        share_screens=viewer is not None,
        **emulator_settings(options),
    ) as pool:
        training = Training(options, run, pool, checkpoints, processes)
        if checkpoint is None:
            pool.reset()
        else:
            training.restore(checkpoint)
        training.loop(stop, viewer)


def check_fit(options: Options, checkpoint: Checkpoint) -> None:
    """Raise UserError if args.json was edited into another run than the checkpoint's."""
    for name, value in fixed_options(options).items():
        with checkpoint.read() as state:
            trained = state.get("fixed", {}).get(name, value)
        if value != trained:
            run = options.debugging_folder
            where = f"{run}/args.json" if (Path(run) / ARGS).exists() else f"{run} has lost its args.json; as typed"
            raise UserError(f"{where}: {name} is {value}, but the run was trained with {trained}: put that back")


def emulator_seed(options: Options, checkpoint: Checkpoint | None, processes: Processes) -> list[int]:
    """The run's seed; emulators that were not saved must not play the first episodes again."""
    if checkpoint is None or has_all_emulators(options, checkpoint, processes):
        return [options.random_seed]
    with checkpoint.read() as state:
        return [options.random_seed, int(state["updates"])]


def has_all_emulators(options: Options, checkpoint: Checkpoint, processes: Processes) -> bool:
    """Whether the emulators of exactly these processes were saved."""
    with checkpoint.read() as state:
        count = int(state.get("emulators", options.emulator_counts))
    return checkpoint.has_emulators and count == options.emulator_counts * processes.count


class Training:
    """The pieces of one training and its counters."""

    def __init__(
        self, options: Options, run: Path, pool: EmulatorPool, checkpoints: CheckpointFolder, processes: Processes
    ):
        self.options = options
        self.run = run
        self.pool = pool
        self.checkpoints = checkpoints
        self.processes = processes
        self.network = make_network(num_actions=pool.num_actions, **network_settings(options))
        self.learner = Learner(
            self.network,
            pool,
            seed=options.random_seed,
            repetition_table=options.repetition_table,
            max_local_steps=options.max_local_steps,
            gamma=options.gamma,
            discount_plays=options.figar_discount == "play",
            entropy_coef=options.entropy_regularisation_strength,
            egreedy=options.egreedy,
            decay=options.alpha,
            rmsprop_epsilon=options.e,
            clip_norm=options.clip_norm,
            clip_norm_type=options.clip_norm_type,
            processes=processes,
        )
        self.tracked = {"network": self.network, "optimizer": self.learner.optimizer}
        shape = (processes.count * pool.count, *pool.observations.shape[1:])
        self.history = ObservationHistory(self.network.torso.memory, shape)  # of the emulators of all processes
        if self.network.torso.memory:
            self.tracked["memory"] = self.history
        self.episodes = EpisodeTracker(pool.count * processes.count)
        self.global_step = 0  # decisions of all emulators
        self.plays = 0  # of all emulators
        self.seconds = 0.0  # of training, all sessions together
        self.saved_step: int | None = None
        self.told_of_dead = False
        if self.options.repetition_table != [0]:
            print(f"FiGAR: every action is repeated one of {options.repetition_table} times")
        each = f" in each of {processes.count} processes" if processes.count > 1 else ""
        print(
            f"{pool.game}: {options.arch} with {self.network.count_params():,} parameters, in {options.precision}, "
            f"{pool.count} emulators in {len(pool.worker_pids)} workers and {len(pool.shards)} shards{each}, "
            f"seed {options.random_seed}, into {run}"
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`. Raises DamagedCheckpoint."""
        has_emulators = has_all_emulators(self.options, checkpoint, self.processes)
        checkpoint.restore(**{name: part for name, part in self.tracked.items() if has_emulators or name != "memory"})
        with checkpoint.read() as state:
            self.learner.updates = int(state["updates"])
            self.global_step = self.saved_step = int(state["global_step"])
            self.plays = int(state["plays"])
            self.seconds = float(state["seconds"])
            self.episodes.restore(state["episodes"], running=has_emulators)
            print(f"Going on from {self.global_step:,} decisions")
            if has_emulators:
                own = slice(self.processes.rank * self.pool.count, (self.processes.rank + 1) * self.pool.count)
                self.pool.load_states(checkpoint.emulator_states()[own])
                for mine, whole in zip(self.learner.history.observations, self.history.observations, strict=True):
                    mine.assign(whole[own])
        if not has_emulators:
            why = "are those of another number of processes" if checkpoint.has_emulators else "were not saved with it"
            print(f"The emulators {why}: all start new episodes")
            self.pool.reset()

    def loop(self, stop: StopSignal, viewer: Viewer | None) -> None:
        """Update until the last step, or until asked to stop; save on the way and at the end."""
        options = self.options
        self.log = EpisodeLog(self.run / "episodes.csv")
        self.summaries = Summaries(self.run / "tf", self.pool.num_actions, options.repetition_table)
        self.summaries.describe(options, self.network, self.learner.graph, self.global_step)
        try:
            with Progress(self.global_step, options.max_global_steps) as progress:
                pace = Pace(self)
                stopping = self.processes.any(stop.requested)
                while self.global_step < options.max_global_steps and not stopping:
                    self.update()
                    stopping = self.processes.any(stop.requested)
                    progress.show(self.global_step, self.plays * self.pool.frame_skip, self.episodes.mean_reward)
                    if viewer:
                        viewer.show(self.pool.screens)
                    self.summarize(pace, progress)
                    if self.is_save_due():
                        self.film()
                        self.save(self.emulator_states())
            if self.saved_step != self.global_step:
                if not stopping:
                    self.film()
                self.save(self.emulator_states())
        except WorkerError:
            if self.saved_step != self.global_step:  # or it would replace one that has the emulators
                self.save(None)
            raise
        except OSError:
            with suppress(OSError):  # whatever failed, a checkpoint may still succeed
                alone = self.processes.count == 1  # other processes know nothing of this: nothing can be gathered
                self.save(self.emulator_states() if alone else None)
            raise
        finally:
            self.summaries.close()
            self.log.close()
        print(f"Saved at {self.global_step:,} decisions in {self.run}")

    def update(self) -> None:
        """Play and learn once, and take note of it."""
        began = time.monotonic()
        step = self.global_step + self.learner.decisions_per_update
        update = self.learner.update(
            lr=self.learning_rate(step),
            epsilon=self.epsilon(step),
            gradient_statistics=(self.learner.updates + 1) % SUMMARY_UPDATES == 0,
        )
        before, self.global_step = self.global_step, step
        update = update._replace(played=Played(*self.processes.gather(update.played, axis=1)))
        finished = self.episodes.add(update.played, before)
        self.plays += int(update.played.plays.sum())
        self.seconds += time.monotonic() - began
        self.log.add(finished, self.seconds)
        self.summaries.add(update, finished)
        if not update.is_finite:
            self.save(self.emulator_states())
            raise UserError(
                f"--initial_lr {self.options.initial_lr}: loss or gradient is no number any more at {step:,} decisions;"
                " saved with the weights before that: go on with a lower one, or clip more (--clip_norm)"
            )

    def summarize(self, pace: "Pace", progress: Progress) -> None:
        """Write the curves that are due, and the pictures."""
        if self.learner.updates % SUMMARY_UPDATES == 0:
            curves = self.parameters() | pace.rates() | self.active_units(progress)
            self.summaries.write(self.global_step, self.episodes.last, curves)
        if self.options.visualize_convs and self.learner.updates % PICTURE_UPDATES == 1:
            self.summaries.show_convolutions(self.global_step, self.network, self.pool.observations[0])

    def active_units(self, progress: Progress) -> dict[str, float]:
        """Curves of how much of the network is alive; says once a session that a layer is not."""
        shares = active_units(self.network, self.pool.observations)
        dead = [layer for layer, share in shares.items() if share < FEW_ACTIVE]
        if dead and not self.told_of_dead and self.options.activation == "relu":  # others let a gradient through
            self.told_of_dead = True
            progress.say(
                f"Fewer than {FEW_ACTIVE:.0%} of the units of {' and '.join(dead)} react to the emulators' screens at "
                f"{self.global_step:,} decisions: the network may never learn again. Start over with smaller steps, by "
                "a lower --initial_lr or a larger --e (curves: active_units)"
            )
        return {f"active_units/{layer}": share for layer, share in shares.items()}

    def learning_rate(self, step: int) -> float:
        """Its value for the update that ends at `step`."""
        start = LR_PER_EMULATOR * self.episodes.count if self.options.scale_lr else self.options.initial_lr
        return linear_to_zero(start, self.options.lr_annealing_steps, step)

    def epsilon(self, step: int) -> float:
        """Its value for the update that ends at `step`."""
        options = self.options
        return linear_to_zero(options.epsilon, options.annealed_steps, step) if options.annealed else options.epsilon

    def parameters(self) -> dict[str, float]:
        """Curves of what the schedules set."""
        values = {
            "parameters/lr": self.learning_rate(self.global_step),
            "parameters/softmax_temp": self.options.softmax_temp,
        }
        if self.options.egreedy:
            values["parameters/epsilon"] = self.epsilon(self.global_step)
        return values

    def emulator_states(self) -> list[bytes] | None:
        """Of all processes, for a checkpoint; None where the game cannot save its state.

        The observation histories are gathered with them.
        """
        if not self.pool.can_save:
            return None
        own = [earlier.numpy() for earlier in self.learner.history.observations]
        for whole, observations in zip(self.history.observations, self.processes.gather(own, axis=0), strict=True):
            whole.assign(observations)
        return self.processes.gather_bytes(self.pool.save_states())

    def is_save_due(self) -> bool:
        """Whether a checkpoint interval has ended since the last one."""
        interval = self.options.checkpoint_interval
        return self.global_step // interval > (self.saved_step or 0) // interval

    def film(self) -> None:
        """Show how the agent plays now; before the checkpoint is written, which notes how long the logs are."""
        options = self.options
        if options.log_video:
            gif = film_episode(
                self.network,
                self.pool.game,
                emulator_settings(options),
                options.repetition_table,
                seed=options.random_seed,
            )
            self.summaries.show_film(self.global_step, gif)

    def save(self, emulator_states: list[bytes] | None) -> None:
        """Write a checkpoint of this moment."""
        self.summaries.flush()
        state = {
            "global_step": self.global_step,
            "updates": self.learner.updates,
            "plays": self.plays,
            "seconds": self.seconds,
            "episodes": self.episodes.state(),
            "emulators": len(emulator_states or ()),
            "logs": log_lengths(self.run),
            "fixed": fixed_options(self.options),
        }
        self.checkpoints.write(
            self.global_step, self.tracked, state, emulator_states, keep=self.options.keep_checkpoints
        )
        self.saved_step = self.global_step


class Pace:
    """How fast a training goes, between one call of `rates` and the next."""

    def __init__(self, training: Training):
        self._training = training
        self._mark = self._now()

    def rates(self) -> dict[str, float]:
        """Curves of the speed: decisions, plays and frames a second."""
        before, self._mark = self._mark, self._now()
        seconds, steps, plays = (now - then for now, then in zip(self._mark, before, strict=True))
        return {
            "stats/steps_per_s": steps / seconds,
            "stats/average_steps_per_s": self._training.global_step / self._training.seconds,
            "stats/actions_per_s": plays / seconds,
            "stats/frames_per_s": plays * self._training.pool.frame_skip / seconds,
        }

    def _now(self) -> tuple[float, int, int]:
        return time.monotonic(), self._training.global_step, self._training.plays
