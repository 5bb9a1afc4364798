"""The learner of PAAC (Clemente et al. 2017, Algorithm 1): play T decisions in all emulators, then one gradient step.

One update is one `tf.function`. Each shard of emulators is a chain of its own in the graph, network -> emulators ->
network ..., so that TensorFlow runs the network of one shard while the emulators of another play. It is synchronous all
the same: the weights do not change during a rollout, and one step follows the gradients of all shards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from weakref import ref

import numpy as np
import tensorflow as tf

from figar import joint_policy
from networks.actor_critic import ActorCritic, Outputs
from paac import exploration
from paac.loss import Losses, paac_losses
from paac.optimizer import GradientStatistics, RMSProp, clip_gradients, gradient_statistics
from paac.processes import Processes
from paac.returns import n_step_returns
from paac.rollout import ObservationHistory, Played, Pool, Rollout, Uniforms, play, step_shard

REWARD_LIMIT = 1.0  # rewards are clipped to [-1, 1] for learning (Mnih et al. 2013)


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What Algorithm 1 leaves open, in plain values: the learner can be read without the command line."""

    repetition_table: Sequence[int] = (0,)  # numbers of repeats to choose from (FiGAR)
    max_local_steps: int = 5  # T
    gamma: float = 0.99
    discount_plays: bool = False  # by gamma for every play of an action, as the FiGAR paper, not once a decision
    entropy_coef: float = 0.02
    egreedy: bool = False  # epsilon-greedy in place of sampling from the policy
    rmsprop_decay: float = 0.99
    rmsprop_epsilon: float = 0.1
    clip_norm: float = 3.0
    clip_norm_type: str = "global"


class Update(NamedTuple):
    """What one update did, in NumPy."""

    played: Played  # arrays [T, B]
    losses: Losses  # float32 scalars
    global_norm: np.ndarray  # float32, before clipping
    gradients: GradientStatistics | None  # where they were asked for

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradient were finite; if not, the weights stayed as they were."""
        return bool(np.isfinite(self.losses.loss + self.global_norm))


class Learner:
    """Improves `network` by what the emulators of `pool` play."""

    def __init__(
        self,
        network: ActorCritic,
        pool: Pool,
        hyperparameters: Hyperparameters,
        *,
        seed: int,
        processes: Processes | None = None,
    ):
        """`processes` are those that train together, each with a pool of the same size; one without it."""
        self.network = network
        self._variables = [variable.value for variable in network.trainable_variables]  # those of TensorFlow
        self.optimizer = RMSProp(self._variables, hyperparameters.rmsprop_decay, hyperparameters.rmsprop_epsilon)
        self.history = ObservationHistory(network.torso.memory, pool.observations.shape)
        self.updates = 0
        self._pool = pool
        self._hyperparameters = hyperparameters
        self._seed = seed
        self._processes = processes or Processes()
        first = pool.count * self._processes.rank
        self._own_emulators = slice(first, first + pool.count)  # among those of all processes
        self._total_emulators = pool.count * self._processes.count
        signature = {
            "observations": tf.TensorSpec(pool.observations.shape, tf.uint8),
            "number": tf.TensorSpec([], tf.int64),
            "lr": tf.TensorSpec([], tf.float32),
            "epsilon": tf.TensorSpec([], tf.float32),
            "summarize_gradients": tf.TensorSpec([], tf.bool),
        }
        self._traced_step = self._processes.trace(self._train_step, signature)

    @property
    def decisions_per_update(self) -> int:
        """T * B, of all processes."""
        return self._hyperparameters.max_local_steps * self._total_emulators

    @property
    def graph(self) -> tf.Graph:
        """The graph of one update."""
        return self._traced_step.graph

    def update(self, lr: float, epsilon: float = 0.0, summarize_gradients: bool = False) -> Update:
        """Play and learn once, with learning rate `lr`. Raises WorkerError.

        What was played is that of this process's emulators; losses and gradients are those of all.
        """
        try:
            played, losses, norm, statistics = self._traced_step(
                observations=tf.constant(self._pool.observations),
                number=tf.constant(np.int64(self.updates)),  # of NumPy: TensorFlow keeps every Python number
                lr=tf.constant(np.float32(lr)),
                epsilon=tf.constant(np.float32(epsilon)),
                summarize_gradients=tf.constant(summarize_gradients),
            )
        except tf.errors.OpError as error:
            # TensorFlow knows the pool's own error as text only.
            raise self._pool.failure or self._processes.failure(error) from None
        self.updates += 1
        return Update(
            Played(*(values.numpy() for values in played)),
            Losses(*(value.numpy() for value in losses)),
            norm.numpy(),
            GradientStatistics(*(value.numpy() for value in statistics)) if summarize_gradients else None,
        )

    # What follows is traced: one update is one graph.

    def _train_step(
        self, observations: tf.Tensor, number: tf.Tensor, lr: tf.Tensor, epsilon: tf.Tensor, summarize_gradients: Any
    ) -> tuple[Played, Losses, tf.Tensor, GradientStatistics]:
        uniforms = self.draw(number).for_emulators(self._own_emulators)
        shards = [self._learn_shard(shard, observations, uniforms, epsilon) for shard in range(len(self._pool.shards))]
        rollouts, shard_losses, shard_gradients = zip(*shards, strict=True)
        sums = [tf.add_n(parts) for parts in zip(*shard_gradients, strict=True)]
        loss_sums = [tf.add_n(parts) for parts in zip(*shard_losses, strict=True)]
        means = self._processes.average([*sums, *loss_sums])  # one exchange for both
        gradients, losses = means[: len(sums)], Losses(*means[len(sums) :])
        statistics = tf.cond(
            summarize_gradients,
            lambda: gradient_statistics(gradients),
            lambda: GradientStatistics(*[tf.constant(0.0)] * 4),
        )
        norm = self._descend(gradients, losses, lr)
        self._keep_history(rollouts)
        played = zip(*(rollout.played for rollout in rollouts), strict=True)
        return Played(*(tf.concat(parts, axis=1) for parts in played)), losses, norm, statistics

    def draw(self, number: tf.Tensor) -> Uniforms:
        """All random numbers of update `number`, for the emulators of all processes.

        They depend on the seed and the number only: shards, workers and processes change nothing, and nothing but the
        number has to be saved.
        """
        seed = tf.stack([tf.constant(self._seed, tf.int64), number])
        torso_seed = tf.random.experimental.stateless_fold_in(seed, 1, alg="philox")
        heads = [self._hyperparameters.max_local_steps, self._total_emulators, 2, exploration.DRAWS]
        torso = [self._hyperparameters.max_local_steps + 1, self._total_emulators, self.network.torso.noise]
        return Uniforms(
            tf.random.stateless_uniform(heads, seed, alg="philox"),
            tf.random.stateless_uniform(torso, torso_seed, alg="philox"),
        )

    def _learn_shard(
        self, shard: int, observations: tf.Tensor, uniforms: Uniforms, epsilon: tf.Tensor
    ) -> tuple[Rollout, Losses, list[tf.Tensor]]:
        """Play T decisions in one shard; the losses of these, and their gradients."""
        emulators = slice(self._pool.shards[shard].start, self._pool.shards[shard].stop)
        uniforms = uniforms.for_emulators(emulators)
        with tf.GradientTape() as tape:
            rollout = play(
                self.network,
                partial(step_shard, ref(self._pool), shard),
                partial(self._choose, epsilon=epsilon),
                observations[emulators],
                [earlier[emulators] for earlier in self.history.observations],
                uniforms,
                self._hyperparameters.repetition_table,
            )
            losses = self._losses(rollout, self._outputs(rollout, uniforms))
        zero = tf.UnconnectedGradients.ZERO
        return rollout, losses, tape.gradient(losses.loss, self._variables, unconnected_gradients=zero)

    def _choose(self, logits: tf.Tensor, uniforms: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
        if self._hyperparameters.egreedy:
            return exploration.epsilon_greedy(logits, uniforms, epsilon)
        return exploration.sample(logits, uniforms)

    def _outputs(self, rollout: Rollout, uniforms: Uniforms) -> Outputs:
        """The outputs for all decisions of `rollout`, [T * b, ...], for the gradient.

        `decide` has run once at each step, to act. Running it again on all steps costs a second forward pass, but makes
        one backward pass of T * b decisions in place of T small ones, which is faster. The encodings are those of the
        rollout: gradients reach the convolutions through them, step by step.
        """
        encodings = [tf.concat(steps, axis=0) for steps in zip(*rollout.windows, strict=True)]
        return self.network.decide(encodings, tf.reshape(uniforms.torso[:-1], [-1, self.network.torso.noise]))

    def _losses(self, rollout: Rollout, outputs: Outputs) -> Losses:
        played = rollout.played
        nonterminal = 1.0 - tf.cast(played.dones, tf.float32)
        discount_steps = tf.cast(played.plays, tf.float32) if self._hyperparameters.discount_plays else 1.0
        returns = n_step_returns(
            tf.clip_by_value(played.rewards, -REWARD_LIMIT, REWARD_LIMIT),
            self._hyperparameters.gamma**discount_steps * nonterminal,
            rollout.bootstrap,
        )
        actions, choices, returns = (tf.reshape(values, [-1]) for values in (played.actions, played.choices, returns))
        log_action, log_repetition = joint_policy.log_probability(
            outputs.policy_logits, outputs.repetition_logits, actions, choices
        )
        return paac_losses(
            log_action=log_action,
            log_repetition=log_repetition,
            action_entropy=joint_policy.entropy(outputs.policy_logits),
            repetition_entropy=joint_policy.entropy(outputs.repetition_logits),
            value=outputs.value,
            returns=returns,
            entropy_coef=self._hyperparameters.entropy_coef,
            # Of this process: `Processes.average` is over the processes.
            batch_size=self._hyperparameters.max_local_steps * self._pool.count,
        )

    def _descend(self, gradients: list[tf.Tensor], losses: Losses, lr: tf.Tensor) -> tf.Tensor:
        """Take one clipped step, unless loss or gradient is not finite; the global norm before clipping."""
        clipped, norm = clip_gradients(gradients, self._hyperparameters.clip_norm, self._hyperparameters.clip_norm_type)
        tf.cond(
            tf.math.is_finite(norm + losses.loss),
            lambda: self.optimizer.apply(clipped, self._variables, lr),
            tf.no_op,
        )
        return norm

    def _keep_history(self, rollouts: Sequence[Rollout]) -> None:
        """Store the observation history that the next update starts with."""
        histories = zip(*(rollout.history for rollout in rollouts), strict=True)
        for variable, parts in zip(self.history.observations, histories, strict=True):
            variable.assign(tf.concat(parts, axis=0))
