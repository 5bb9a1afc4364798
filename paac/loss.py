"""The joint loss of policies and value over a rollout (Clemente et al. 2017, equations 4 and 5; Sharma et al. 2017)."""

from typing import NamedTuple

import tensorflow as tf

SCALE = 5.0  # the original Manette multiplies its whole loss by this
CRITIC_WEIGHT = 0.25  # the original Manette's weight of the squared error of the values


class Losses(NamedTuple):
    """The loss to minimise and its parts, float32 scalars: batch means, or what one shard adds to each batch mean.

    They are tensors inside the graph, and NumPy scalars in an `Update`.
    """

    loss: tf.Tensor
    critic_loss_mean: tf.Tensor
    actor_objective_mean: tf.Tensor  # to minimise, like the loss
    actor_advantage_mean: tf.Tensor  # advantage * log probability of the action and its repeats
    log_repetition_mean: tf.Tensor  # log probability of the repeats
    action_entropy: tf.Tensor
    repetition_entropy: tf.Tensor
    advantage_mean: tf.Tensor
    value_mean: tf.Tensor


def paac_losses(
    action_log_prob: tf.Tensor,
    repetition_log_prob: tf.Tensor,
    action_entropy: tf.Tensor,
    repetition_entropy: tf.Tensor,
    value: tf.Tensor,
    returns: tf.Tensor,
    *,
    entropy_coef: float,
    batch_size: int,
) -> Losses:
    """Compute the losses of one shard from float32 tensors [T * b].

    All means divide by `batch_size`, T * B of all shards, so the losses of the shards add up to those of the batch. No
    gradient flows through the returns or the advantage.
    """

    def batch_mean(values: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(values) / batch_size

    returns = tf.stop_gradient(returns)
    advantage = returns - tf.stop_gradient(value)
    actor_advantage = advantage * (action_log_prob + repetition_log_prob)
    actor_objective = -actor_advantage - entropy_coef * (action_entropy + repetition_entropy)
    critic_loss = CRITIC_WEIGHT * tf.square(returns - value)
    return Losses(
        loss=SCALE * (batch_mean(critic_loss) + batch_mean(actor_objective)),
        critic_loss_mean=batch_mean(critic_loss),
        actor_objective_mean=batch_mean(actor_objective),
        actor_advantage_mean=batch_mean(actor_advantage),
        log_repetition_mean=batch_mean(repetition_log_prob),
        action_entropy=batch_mean(action_entropy),
        repetition_entropy=batch_mean(repetition_entropy),
        advantage_mean=batch_mean(advantage),
        value_mean=batch_mean(value),
    )
