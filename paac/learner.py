"""The learner of PAAC (Clemente et al. 2017, Algorithm 1): T decisions in all emulators, then one gradient step.

One update is one `tf.function`. Each shard of emulators is a separate chain in the graph, network -> emulators ->
network ..., so TensorFlow runs the network for one shard while the emulators of another shard step. The algorithm is
still synchronous: the weights do not change during a rollout, and one gradient step uses the gradients of all shards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, NamedTuple
from weakref import ref

import numpy as np
import tensorflow as tf

from figar import joint_policy
from networks.actor_critic import ActorCritic, Outputs
from networks.checks import check_gradients
from paac import exploration
from paac.loss import Losses, paac_losses
from paac.optimizer import GradientStatistics, RMSProp, clip_gradients, gradient_statistics
from paac.processes import Processes
from paac.returns import n_step_returns
from paac.rollout import ObservationHistory, Pool, Rollout, Transitions, Uniforms, collect_rollout, step_shard


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """The settings of the algorithm, independent of the options of the command line."""

    repetition_table: Sequence[int] = (0,)  # the numbers of repeats to choose from (FiGAR)
    max_local_steps: int = 5  # T, decisions per emulator and update
    reward_clip: float = 1.0  # rewards are clipped to [-1, 1] for learning (Mnih et al. 2013); 0 for no clipping
    gamma: float = 0.99
    discount_per_play: bool = False  # discount by gamma for each play, not once per decision
    entropy_coef: float = 0.02
    egreedy: bool = False  # epsilon-greedy instead of sampling from the policy
    rmsprop_decay: float = 0.99
    rmsprop_epsilon: float = 0.1
    clip_norm: float = 3.0
    clip_norm_type: str = "global"


class Update(NamedTuple):
    """The results of one update, as NumPy arrays."""

    transitions: Transitions  # arrays [T, B]
    losses: Losses  # float32 scalars
    global_norm: np.ndarray  # float32, before clipping
    gradients: GradientStatistics | None  # None unless requested

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradient were finite; if not, the update left the weights unchanged."""
        return bool(np.isfinite(self.losses.loss + self.global_norm))


class Learner:
    """Trains `network` on the transitions that it collects in the emulators of `pool`."""

    def __init__(
        self,
        network: ActorCritic,
        pool: Pool,
        hyperparameters: Hyperparameters,
        *,
        seed: int,
        processes: Processes | None = None,
    ):
        """Build the graph of one update. Raises NetworkError if a weight of the network gets no gradient.

        `processes` are those that train together, each with a pool of the same size; by default only this one trains.
        """
        self.network = network
        self._variables = [variable.value for variable in network.trainable_variables]  # of type tf.Variable
        self.optimizer = RMSProp(self._variables, hyperparameters.rmsprop_decay, hyperparameters.rmsprop_epsilon)
        self.history = ObservationHistory(network.torso.history_length, pool.observations.shape)
        self.updates = 0
        self._pool = pool
        self._hyperparameters = hyperparameters
        self._seed = seed
        self._processes = processes or Processes()
        self._total_emulators = pool.count * self._processes.count
        signature = {
            "observations": tf.TensorSpec(pool.observations.shape, tf.uint8),
            "update_index": tf.TensorSpec([], tf.int64),
            "lr": tf.TensorSpec([], tf.float32),
            "epsilon": tf.TensorSpec([], tf.float32),
            "summarize_gradients": tf.TensorSpec([], tf.bool),
        }
        self._traced_update = self._processes.trace(self._compute_update, signature)

    @property
    def decisions_per_update(self) -> int:
        """T * B, over all processes."""
        return self._hyperparameters.max_local_steps * self._total_emulators

    @property
    def graph(self) -> tf.Graph:
        """The graph of one update."""
        return self._traced_update.graph

    def update(self, lr: float, epsilon: float = 0.0, summarize_gradients: bool = False) -> Update:
        """Collect one rollout and take one gradient step with learning rate `lr`. Raises WorkerError.

        The transitions are from the emulators of this process; losses and gradients are over all processes.
        """
        try:
            transitions, losses, norm, statistics = self._traced_update(
                observations=tf.constant(self._pool.observations),
                # A NumPy number: TensorFlow caches a tensor for each Python number, and never frees it.
                update_index=tf.constant(np.int64(self.updates)),
                lr=tf.constant(np.float32(lr)),
                epsilon=tf.constant(np.float32(epsilon)),
                summarize_gradients=tf.constant(summarize_gradients),
            )
        except tf.errors.OpError as error:
            # TensorFlow passes on only the message of the pool's error.
            raise self._pool.failure or self._processes.error_to_raise(error) from None
        self.updates += 1
        return Update(
            Transitions(*(values.numpy() for values in transitions)),
            Losses(*(value.numpy() for value in losses)),
            norm.numpy(),
            GradientStatistics(*(value.numpy() for value in statistics)) if summarize_gradients else None,
        )

    # TensorFlow traces the methods below into the graph of one update.

    def _compute_update(
        self,
        observations: tf.Tensor,
        update_index: tf.Tensor,
        lr: tf.Tensor,
        epsilon: tf.Tensor,
        summarize_gradients: Any,
    ) -> tuple[Transitions, Losses, tf.Tensor, GradientStatistics]:
        own_emulators = self._processes.own_emulators(self._pool.count)
        uniforms = self.draw_uniforms(update_index).for_emulators(own_emulators)
        shards = range(len(self._pool.shards))
        results = [self._rollout_and_gradients(shard, observations, uniforms, epsilon) for shard in shards]
        rollouts, shard_losses, shard_gradients = zip(*results, strict=True)
        gradient_sums = [reduce(tf.add, parts) for parts in zip(*shard_gradients, strict=True)]
        loss_sums = [reduce(tf.add, parts) for parts in zip(*shard_losses, strict=True)]
        averages = self._processes.average([*gradient_sums, *loss_sums])  # one exchange for both
        gradients, losses = averages[: len(gradient_sums)], Losses(*averages[len(gradient_sums) :])
        zero = tf.constant(0.0)
        no_statistics = GradientStatistics(zero, zero, zero, zero)
        statistics = tf.cond(summarize_gradients, lambda: gradient_statistics(gradients), lambda: no_statistics)
        norm = self._apply_gradients(gradients, losses, lr)
        self._store_history(rollouts)
        transitions = zip(*(rollout.transitions for rollout in rollouts), strict=True)
        return Transitions(*(tf.concat(parts, axis=1) for parts in transitions)), losses, norm, statistics

    def draw_uniforms(self, update_index: tf.Tensor) -> Uniforms:
        """Draw all random numbers of one update, for the emulators of all processes.

        They depend only on the seed and the index of the update, not on shards, workers or processes. So a checkpoint
        needs only the index to reproduce them.
        """
        seed = tf.stack([tf.constant(self._seed, tf.int64), update_index])
        torso_seed = tf.random.experimental.stateless_fold_in(seed, 1, alg="philox")
        steps, emulators = self._hyperparameters.max_local_steps, self._total_emulators
        heads_shape = [steps, emulators, 2, exploration.UNIFORMS_PER_SELECTION]
        torso_shape = [steps + 1, emulators, self.network.torso.num_uniforms]
        return Uniforms(
            heads=tf.random.stateless_uniform(heads_shape, seed, alg="philox"),
            torso=tf.random.stateless_uniform(torso_shape, torso_seed, alg="philox"),
        )

    def _rollout_and_gradients(
        self, shard: int, observations: tf.Tensor, uniforms: Uniforms, epsilon: tf.Tensor
    ) -> tuple[Rollout, Losses, list[tf.Tensor]]:
        """Collect the rollout of one shard; return it with its losses and their gradients."""
        emulators = slice(self._pool.shards[shard].start, self._pool.shards[shard].stop)
        uniforms = uniforms.for_emulators(emulators)
        rollout = collect_rollout(
            self.network,
            partial(step_shard, ref(self._pool), shard),
            partial(self._select, epsilon=epsilon),
            observations[emulators],
            [earlier[emulators] for earlier in self.history.observations],
            uniforms,
            self._hyperparameters.repetition_table,
        )
        losses = self._losses(rollout, self._batch_outputs(rollout, uniforms))
        # Two at a time: AddN adds three or more tensors in an order that depends on which operations have ended.
        two_at_a_time = tf.AggregationMethod.EXPERIMENTAL_TREE
        gradients = tf.gradients(losses.loss, self._variables, aggregation_method=two_at_a_time)
        check_gradients(self.network, gradients)
        # The gradient of an embedding is IndexedSlices, whose norm is wrong where an index occurs twice.
        return rollout, losses, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _select(self, logits: tf.Tensor, uniforms: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
        if self._hyperparameters.egreedy:
            return exploration.epsilon_greedy(logits, uniforms, epsilon)
        return exploration.sample(logits, uniforms)

    def _batch_outputs(self, rollout: Rollout, uniforms: Uniforms) -> Outputs:
        """Compute the outputs for all decisions of `rollout` as one batch, [T * b, ...], for the gradient.

        The rollout has already computed them step by step, to act. Computing them again costs one forward pass, but
        replaces T small backward passes by one, which is faster. The encodings are not computed again: through them,
        gradients flow to the convolutions step by step.
        """
        encodings = [tf.concat(steps, axis=0) for steps in zip(*rollout.encodings, strict=True)]
        torso_uniforms = tf.reshape(uniforms.torso[:-1], [-1, self.network.torso.num_uniforms])
        return self.network.compute_outputs(encodings, torso_uniforms)

    def _losses(self, rollout: Rollout, outputs: Outputs) -> Losses:
        transitions = rollout.transitions
        nonterminal = 1.0 - tf.cast(transitions.dones, tf.float32)
        discount_steps = tf.cast(transitions.plays, tf.float32) if self._hyperparameters.discount_per_play else 1.0
        reward_clip = self._hyperparameters.reward_clip or np.inf
        returns = n_step_returns(
            tf.clip_by_value(tf.cast(transitions.rewards, tf.float32), -reward_clip, reward_clip),
            self._hyperparameters.gamma**discount_steps * nonterminal,
            rollout.bootstrap,
        )
        batch = transitions.actions, transitions.choices, returns
        actions, choices, returns = (tf.reshape(values, [-1]) for values in batch)
        policies = outputs.policy_logits, outputs.repetition_logits
        return paac_losses(
            *joint_policy.log_probabilities(*policies, actions, choices),
            action_entropy=joint_policy.entropy(outputs.policy_logits),
            repetition_entropy=joint_policy.entropy(outputs.repetition_logits),
            value=outputs.value,
            returns=returns,
            entropy_coef=self._hyperparameters.entropy_coef,
            # The batch of this process: `Processes.average` takes the mean over the processes.
            batch_size=self._hyperparameters.max_local_steps * self._pool.count,
        )

    def _apply_gradients(self, gradients: list[tf.Tensor], losses: Losses, lr: tf.Tensor) -> tf.Tensor:
        """Clip and apply the gradients if they and the loss are finite; return the global norm before clipping."""
        clipped, norm = clip_gradients(gradients, self._hyperparameters.clip_norm, self._hyperparameters.clip_norm_type)
        tf.cond(
            tf.math.is_finite(norm + losses.loss),
            lambda: self.optimizer.apply(clipped, self._variables, lr),
            tf.no_op,
        )
        return norm

    def _store_history(self, rollouts: Sequence[Rollout]) -> None:
        """Store the observation history that the next update starts with."""
        histories = zip(*(rollout.history for rollout in rollouts), strict=True)
        for variable, parts in zip(self.history.observations, histories, strict=True):
            variable.assign(tf.concat(parts, axis=0))
