"""The learner of PAAC: one call plays T decisions in all emulators and improves the network by them.

The rollout, the gradient and the step are one `tf.function`. Each shard of emulators is a chain of its own in the
graph, network -> emulators -> network ..., so that TensorFlow runs the network of one shard while the emulators of
another play. It is synchronous all the same: one set of weights for the whole rollout.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol
from weakref import ref

import numpy as np
import tensorflow as tf

from figar import joint_policy
from networks.actor_critic import ActorCritic, Outputs
from paac import exploration
from paac.distributed import Alone, Processes
from paac.loss import Losses, paac_losses
from paac.optimizer import RMSProp, clip_gradients
from paac.returns import n_step_returns
from paac.rollout import Rollout, look_back, play


class Pool(Protocol):
    """What the learner needs of `EmulatorPool`."""

    count: int
    shards: list[range]

    @property
    def failure(self) -> Exception | None: ...

    @property
    def observations(self) -> np.ndarray: ...

    def step(self, shard: int, actions: np.ndarray, repeats: np.ndarray) -> tuple[np.ndarray, ...]: ...


class GradientStatistics(NamedTuple):
    """Over all entries of all gradients, before clipping."""

    mean: Any
    stddev: Any
    max: Any
    min: Any


class Update(NamedTuple):
    """What one update did, in NumPy; B counts the emulators of all processes."""

    actions: np.ndarray  # int32 [T, B]
    choices: np.ndarray  # int32 [T, B]
    rewards: np.ndarray  # float32 [T, B], raw
    dones: np.ndarray  # bool [T, B]
    plays: np.ndarray  # int32 [T, B]
    losses: Losses  # float32 scalars
    global_norm: np.ndarray  # float32
    gradients: GradientStatistics | None  # where they were asked for

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradient were numbers; if not, nothing was learned."""
        return bool(np.isfinite(self.losses.loss) and np.isfinite(self.global_norm))


class Memory(tf.Module):
    """The observations before the newest that a torso looks back at, uint8 [B, 84, 84, channels] each, oldest first.

    Zeros stand for what was before an episode. B counts the emulators of all processes; each knows its own only, until
    a checkpoint needs all.
    """

    def __init__(self, length: int, shape: Sequence[int]):
        super().__init__()
        self.observations = [tf.Variable(tf.zeros(shape, tf.uint8), trainable=False) for _ in range(length)]


class Learner:
    """Improves `network` with the emulators of `pool`. Plain values in, so that it can be read without the options."""

    def __init__(
        self,
        network: ActorCritic,
        pool: Pool,
        *,
        seed: int,
        repetition_table: list[int],
        max_local_steps: int = 5,
        gamma: float = 0.99,
        discount_plays: bool = False,
        entropy_strength: float = 0.02,
        egreedy: bool = False,
        alpha: float = 0.99,
        e: float = 0.1,
        clip_norm: float = 3.0,
        clip_norm_type: str = "global",
        processes: Processes | None = None,
    ):
        """`discount_plays`: gamma for every play of an action (the FiGAR paper), not once a decision."""
        self.network = network
        self._variables = [variable.value for variable in network.trainable_variables]  # TensorFlow's, under Keras'
        self.optimizer = RMSProp(self._variables, alpha, e)
        self._processes = processes or Alone()
        self._emulators = pool.count * self._processes.count  # of all processes
        self._first = pool.count * self._processes.rank  # this one's
        self.memory = Memory(network.torso.memory, (self._emulators, *pool.observations.shape[1:]))
        self.updates = 0
        self._pool = pool
        self._seed = seed
        self._repetition_table = repetition_table
        self._max_local_steps = max_local_steps
        self._gamma = gamma
        self._discount_plays = discount_plays
        self._entropy_strength = entropy_strength
        self._egreedy = egreedy
        self._clip = partial(clip_gradients, clip_norm=clip_norm, clip_norm_type=clip_norm_type)
        update = self._processes.replicated(self._play_and_learn)
        self._update = tf.function(update, autograph=False).get_concrete_function(
            observations=tf.TensorSpec(pool.observations.shape, tf.uint8),
            number=tf.TensorSpec([], tf.int64),
            lr=tf.TensorSpec([], tf.float32),
            epsilon=tf.TensorSpec([], tf.float32),
            gradient_statistics=tf.TensorSpec([], tf.bool),
        )

    @property
    def decisions_per_update(self) -> int:
        """T * B, of all processes."""
        return self._max_local_steps * self._emulators

    @property
    def graph(self) -> tf.Graph:
        """The graph of one update."""
        return self._update.graph

    def update(self, lr: float, epsilon: float = 0.0, gradient_statistics: bool = False) -> Update:
        """Play and learn once, with learning rate `lr`. Raises WorkerError."""
        try:
            rollout, losses, norm, statistics = self._update(
                observations=tf.constant(self._pool.observations),
                number=tf.constant(np.int64(self.updates)),  # TensorFlow keeps each of Python's own numbers for ever
                lr=tf.constant(np.float32(lr)),
                epsilon=tf.constant(np.float32(epsilon)),
                gradient_statistics=tf.constant(gradient_statistics),
            )
        except tf.errors.OpError as error:
            # TensorFlow knows the pool's own error as text only.
            raise self._pool.failure or self._processes.failure(error) from None
        self.updates += 1
        actions, choices, rewards, dones, plays = self._processes.gather([values.numpy() for values in rollout], 1)
        return Update(
            actions,
            choices,
            rewards,
            dones,
            plays,
            losses=Losses(*(value.numpy() for value in losses)),
            global_norm=norm.numpy(),
            gradients=GradientStatistics(*(value.numpy() for value in statistics)) if gradient_statistics else None,
        )

    def _play_and_learn(self, observations, number, lr, epsilon, gradient_statistics):
        variables = self._variables
        noise, torso_noise = self.draw_noise(number), self.draw_torso_noise(number)
        rollouts, losses, gradients = [], [], []
        for shard, part in enumerate(self._pool.shards):
            emulators = slice(part.start, part.stop)  # of this process
            places = slice(self._first + part.start, self._first + part.stop)  # among those of all
            with tf.GradientTape() as tape:
                rollout = play(
                    self.network,
                    partial(_step, ref(self._pool), shard),
                    partial(self._choose, epsilon=epsilon),
                    observations[emulators],
                    [before[places] for before in self.memory.observations],
                    noise[:, places],
                    torso_noise[:, places],
                    tf.constant(self._repetition_table, tf.int32),
                )
                shard_losses = self._losses(rollout, look_back(self.network, rollout, torso_noise[:, places]))
            gradients.append(
                tape.gradient(shard_losses.loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            )
            rollouts.append(rollout)
            losses.append(shard_losses)
        gradients = [tf.add_n(parts) for parts in zip(*gradients, strict=True)]
        summed = tf.stack([tf.add_n(parts) for parts in zip(*losses, strict=True)])
        *gradients, means = self._processes.mean([*gradients, summed])
        statistics = tf.cond(gradient_statistics, lambda: _statistics(gradients), lambda: [tf.constant(0.0)] * 4)
        clipped, norm = self._clip(gradients)
        total = Losses(*tf.unstack(means))
        tf.cond(
            tf.math.is_finite(norm + total.loss),
            lambda: self.optimizer.apply(clipped, variables, lr),
            tf.no_op,  # the weights stay as they were, and the caller is told by the norm and the loss
        )
        played = [tf.concat(parts, axis=1) for parts in list(zip(*rollouts, strict=True))[:5]]
        remembered = zip(*(rollout.memory for rollout in rollouts), strict=True)
        for before, parts in zip(self.memory.observations, remembered, strict=True):
            before[self._first : self._first + self._pool.count].assign(tf.concat(parts, axis=0))
        return played, total, norm, statistics

    def draw_noise(self, number: tf.Tensor) -> tf.Tensor:
        """All uniform random numbers of update `number`, float32 [T, B, 2 heads, DRAWS].

        They depend on the seed and the number alone and are cut by emulator afterwards: shards, workers and processes
        change nothing, and only the number need be saved.
        """
        shape = [self._max_local_steps, self._emulators, 2, exploration.DRAWS]
        return tf.random.stateless_uniform(shape, self._noise_seed(number), alg="philox")

    def draw_torso_noise(self, number: tf.Tensor) -> tf.Tensor:
        """The torso's own random numbers of update `number` in the same way, float32 [T + 1, B, torso.noise]."""
        shape = [self._max_local_steps + 1, self._emulators, self.network.torso.noise]
        seed = tf.random.experimental.stateless_fold_in(self._noise_seed(number), 1, alg="philox")
        return tf.random.stateless_uniform(shape, seed, alg="philox")

    def _noise_seed(self, number: tf.Tensor) -> tf.Tensor:
        return tf.stack([tf.constant(self._seed, tf.int64), number])

    def gather_memory(self) -> None:
        """Make the memory whole, for a checkpoint: with what the other processes' emulators have seen."""
        mine = slice(self._first, self._first + self._pool.count)
        whole = self._processes.gather([before[mine].numpy() for before in self.memory.observations], 0)
        for before, observations in zip(self.memory.observations, whole, strict=True):
            before.assign(observations)

    def _choose(self, logits: tf.Tensor, noise: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
        if self._egreedy:
            return exploration.epsilon_greedy(logits, noise, epsilon)
        return exploration.sample(logits, noise)

    def _losses(self, rollout: Rollout, outputs: Outputs) -> Losses:
        going_on = 1.0 - tf.cast(rollout.dones, tf.float32)
        passed = tf.cast(rollout.plays, tf.float32) if self._discount_plays else 1.0
        returns = n_step_returns(
            tf.clip_by_value(rollout.rewards, -1.0, 1.0), self._gamma**passed * going_on, rollout.bootstrap
        )
        actions, choices, returns = (tf.reshape(values, [-1]) for values in (rollout.actions, rollout.choices, returns))
        return paac_losses(
            *joint_policy.log_probability(outputs.policy_logits, outputs.repetition_logits, actions, choices),
            joint_policy.entropy(outputs.policy_logits),
            joint_policy.entropy(outputs.repetition_logits),
            outputs.value,
            returns,
            entropy_strength=self._entropy_strength,
            batch_size=self._max_local_steps * self._pool.count,
        )


def _step(
    pool: "ref[Pool]", shard: int, _: np.ndarray, actions: np.ndarray, repeats: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Step one shard of the pool.

    The pool is held weakly: TensorFlow keeps every function that a graph calls until the process ends, and with it
    whatever the function holds.
    """
    living = pool()
    assert living is not None, "the learner holds its pool"
    observations, *others = living.step(shard, actions, repeats)
    return observations.copy(), *others  # TensorFlow may keep the very memory, which the next step overwrites


def _statistics(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    entries = tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients], axis=0)
    mean, variance = tf.nn.moments(entries, axes=[0])
    return [mean, tf.sqrt(variance), tf.reduce_max(entries), tf.reduce_min(entries)]
