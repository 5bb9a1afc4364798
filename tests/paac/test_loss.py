"""The loss against values computed by hand, and its gradient against finite differences in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from figar import joint_policy
from paac.loss import paac_losses
from paac.returns import n_step_returns

T, B, A, R, ENTROPY = 3, 5, 4, 3, 0.05


def losses_of(*values, entropy_coef, batch_size):
    tensors = [tf.constant(value, tf.float32) for value in values]
    return paac_losses(*tensors, entropy_coef=entropy_coef, batch_size=batch_size)


def test_losses_by_hand():
    # Advantages are 1 and -1.
    losses = losses_of(
        [[-0.5, -1.0]],  # log pi
        [[-0.25, 0.0]],  # log rho
        [[0.6, 0.7]],
        [[0.1, 0.2]],
        [[0.5, 2.0]],  # value
        [[1.5, 1.0]],  # returns
        entropy_coef=0.1,
        batch_size=2,
    )
    assert losses.actor_advantage_mean.numpy() == pytest.approx((-0.75 + 1.0) / 2)
    assert losses.actor_objective_mean.numpy() == pytest.approx(-0.125 - 0.1 * (0.7 + 0.9) / 2)  # -0.205
    assert losses.critic_loss_mean.numpy() == pytest.approx(0.25 * (1 + 1) / 2)
    assert losses.loss.numpy() == pytest.approx(5 * (0.25 - 0.205), rel=1e-5)
    assert losses.log_repetition_mean.numpy() == pytest.approx(-0.125)
    assert losses.action_entropy.numpy() == pytest.approx(0.65)
    assert losses.repetition_entropy.numpy() == pytest.approx(0.15)
    assert losses.advantage_mean.numpy() == pytest.approx(0, abs=1e-7)
    assert losses.value_mean.numpy() == pytest.approx(1.25)


def batch():
    """A random rollout. The rewards are large, so a gradient through the advantage would be large too."""
    random = np.random.default_rng(4)
    return {
        "policy": random.normal(size=(T, B, A)),
        "repetition": random.normal(size=(T, B, R)),
        "actions": random.integers(0, A, (T, B)),
        "choices": random.integers(0, R, (T, B)),
        "value": random.normal(size=(T, B)),
        "rewards": random.normal(size=(T, B)) * 3,
        "discounts": 0.9 * (random.random((T, B)) > 0.3),
        "bootstrap": random.normal(size=B),
    }


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def plain_loss(policy, repetition, actions, choices, value, advantage, returns):
    """Equations 4 and 5 in float64, decision by decision, with constant advantages and returns."""
    total = 0.0
    for t in range(T):
        for b in range(B):
            log_pi, log_rho = log_softmax(policy[t, b]), log_softmax(repetition[t, b])
            entropies = -(np.exp(log_pi) @ log_pi) - np.exp(log_rho) @ log_rho
            taken = log_pi[actions[t, b]] + log_rho[choices[t, b]]
            total += -advantage[t, b] * taken - ENTROPY * entropies + 0.25 * (returns[t, b] - value[t, b]) ** 2
    return 5 * total / (T * B)


def plain_returns(rewards, discounts, bootstrap):
    returns = np.zeros((T, B))
    return_t = bootstrap
    for t in reversed(range(T)):
        returns[t] = return_t = rewards[t] + discounts[t] * return_t
    return returns


def tensor_losses(tensors, actions, choices, columns=slice(None)):
    """The losses of the emulators in `columns`, from heads and returns, so that gradients flow as in the learner."""
    policy, repetition, value, rewards, discounts, bootstrap = (
        tensors[name][..., columns, :] if name in ("policy", "repetition") else tensors[name][..., columns]
        for name in ("policy", "repetition", "value", "rewards", "discounts", "bootstrap")
    )
    decisions = []
    for t in range(T):
        taken = tf.constant(actions[t, columns], tf.int32), tf.constant(choices[t, columns], tf.int32)
        decisions.append(
            (
                *joint_policy.log_probabilities(policy[t], repetition[t], *taken),
                joint_policy.entropy(policy[t]),
                joint_policy.entropy(repetition[t]),
            )
        )
    parts = [tf.stack(part) for part in zip(*decisions, strict=True)]
    returns = n_step_returns(rewards, discounts, bootstrap)
    return paac_losses(*parts, value, returns, entropy_coef=ENTROPY, batch_size=T * B)


def as_tensors(batch):
    floats = ("policy", "repetition", "value", "rewards", "discounts", "bootstrap")
    return {name: tf.constant(batch[name], tf.float32) for name in floats}


def gradients(batch, names):
    tensors = as_tensors(batch)
    with tf.GradientTape() as tape:
        for name in names:
            tape.watch(tensors[name])
        loss = tensor_losses(tensors, batch["actions"], batch["choices"]).loss
    return tape.gradient(loss, [tensors[name] for name in names])


def test_the_loss_equals_the_sum_in_the_paper():
    rollout = batch()
    returns = plain_returns(rollout["rewards"], rollout["discounts"], rollout["bootstrap"])
    keys = ("policy", "repetition", "actions", "choices", "value")
    expected = plain_loss(*(rollout[key] for key in keys), returns - rollout["value"], returns)
    losses = tensor_losses(as_tensors(rollout), rollout["actions"], rollout["choices"])
    assert losses.loss.numpy() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("head", ["policy", "repetition"])
def test_the_gradient_of_the_logits_equals_finite_differences(head):
    rollout = batch()
    returns = plain_returns(rollout["rewards"], rollout["discounts"], rollout["bootstrap"])
    advantage = returns - rollout["value"]  # a constant: no gradient flows through it

    def loss(logits):
        changed = {**rollout, head: logits}
        keys = ("policy", "repetition", "actions", "choices", "value")
        return plain_loss(*(changed[key] for key in keys), advantage, returns)

    expected = np.zeros_like(rollout[head])
    for index in np.ndindex(expected.shape):
        step = np.zeros_like(expected)
        step[index] = 1e-5
        expected[index] = (loss(rollout[head] + step) - loss(rollout[head] - step)) / 2e-5
    np.testing.assert_allclose(gradients(rollout, [head])[0], expected, rtol=1e-4, atol=1e-6)


def test_the_value_gets_a_gradient_only_from_the_critic_loss():
    # The value is also in the advantage of the actor objective, but no gradient may flow through it.
    rollout = batch()
    returns = plain_returns(rollout["rewards"], rollout["discounts"], rollout["bootstrap"])
    expected = 5 * 0.25 * 2 * (rollout["value"] - returns) / (T * B)
    np.testing.assert_allclose(gradients(rollout, ["value"])[0], expected, rtol=1e-4, atol=1e-6)


def test_no_gradient_flows_through_the_returns():
    assert gradients(batch(), ["bootstrap", "rewards", "discounts"]) == [None, None, None]


def test_without_advantage_and_entropy_the_policy_gets_no_gradient():
    logits = tf.constant([[[0.3, -1.0]]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        log_action = joint_policy.log_probabilities(logits[0], logits[0], tf.constant([0]), tf.constant([1]))[0][None]
        ones = tf.ones([1, 1])
        losses = paac_losses(
            log_action, 0 * ones, 0 * ones, 0 * ones, 7 * ones, 7 * ones, entropy_coef=0.0, batch_size=1
        )
    np.testing.assert_array_equal(tape.gradient(losses.loss, logits), np.zeros((1, 1, 2)))


def test_the_losses_of_uneven_shards_add_up_to_those_of_the_batch():
    rollout = batch()
    tensors = as_tensors(rollout)
    whole = tensor_losses(tensors, rollout["actions"], rollout["choices"])
    shards = [
        tensor_losses(tensors, rollout["actions"], rollout["choices"], columns)
        for columns in (slice(0, 1), slice(1, 3), slice(3, 5))
    ]
    for name, all_at_once, *parts in zip(whole._fields, whole, *shards, strict=True):
        assert sum(part.numpy() for part in parts) == pytest.approx(all_at_once.numpy(), rel=1e-5), name
