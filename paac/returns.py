"""n-step returns."""

import tensorflow as tf


def n_step_returns(rewards: tf.Tensor, discounts: tf.Tensor, bootstrap: tf.Tensor) -> tf.Tensor:
    """Compute R_t = r_t + discount_t * R_{t+1}, with R_T = `bootstrap` (Clemente et al. 2017, Algorithm 1).

    Rewards and discounts float32 [T, B], where the discount is 0 if the episode ended; bootstrap [B] -> returns [T, B].
    """
    returns = []
    return_t = bootstrap
    for t in reversed(range(rewards.shape[0])):
        return_t = rewards[t] + discounts[t] * return_t
        returns.append(return_t)
    return tf.stack(returns[::-1])
