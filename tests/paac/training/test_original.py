"""Checkpoints of the original Manette: its graphs, built and saved with TensorFlow 1's functions, work here."""

import numpy as np
import pytest
import tensorflow as tf

from figar import joint_policy
from networks.registry import make_network
from paac.loss import paac_losses
from paac.optimizer import RMSProp, clip_gradients
from paac.training.checkpoint import CheckpointError
from paac.training.original import OriginalCheckpoint
from tests.helpers.original_graph import CLIP, DECAY, ENTROPY, EPSILON, LR, OriginalGraph

ACTIONS, BATCH, STEP = 4, 3, 80_000_096
NEAREST = 1e-6  # to zero that a pre-activation may be: nearer ones may have another sign here


def batch_of(arch, channels, choices, seed):
    """Random batch; the observations are large blocks of one colour, so that fewer pre-activations are near zero."""
    random = np.random.default_rng(seed)
    shape = (BATCH, 5, 1, 1, channels) if arch == "LSTM" else (BATCH, 4, 4, channels)
    blocks = random.integers(0, 256, shape, np.uint8)
    size = 84 // shape[-2]
    states = blocks.repeat(size, axis=-3).repeat(size, axis=-2)
    actions, repeats = (random.integers(0, n, BATCH).astype(np.int32) for n in (ACTIONS, choices))
    return states, actions, repeats, random.normal(size=BATCH).astype(np.float32)


def original_with_batch(arch, channels, choices, **settings):
    """A graph of the original after one update, and a batch for which no pre-activation is near zero."""
    original = OriginalGraph(arch, channels, choices, seed=1, num_actions=ACTIONS, **settings)
    original.run(original.train, batch_of(arch, channels, choices, seed=1))  # RMSProp's statistics are no longer 1
    for seed in range(2, 100):
        batch = batch_of(arch, channels, choices, seed)
        if min(np.abs(values).min() for values in original.run(original.pre_activations, batch)) > NEAREST:
            return original, batch
    raise AssertionError("every batch has a pre-activation near zero")


def network_of(arch, channels, choices):
    return make_network(arch, num_actions=ACTIONS, nb_choices=choices, rgb=channels == 12, seed=9, keep_percentage=1.0)


def compute_outputs(network, states):
    steps = tf.unstack(states, axis=1) if network.torso.history_length else [tf.constant(states)]
    return network.compute_outputs(
        [network.encode(step) for step in steps], tf.zeros([BATCH, network.torso.num_uniforms])
    )


def update(network, optimizer, batch):
    states, actions, choices, returns = batch
    with tf.GradientTape() as tape:
        outputs = compute_outputs(network, states)
        action_log_prob, repetition_log_prob = joint_policy.log_probabilities(
            outputs.policy_logits, outputs.repetition_logits, actions, choices
        )
        losses = paac_losses(
            action_log_prob=action_log_prob,
            repetition_log_prob=repetition_log_prob,
            action_entropy=joint_policy.entropy(outputs.policy_logits),
            repetition_entropy=joint_policy.entropy(outputs.repetition_logits),
            value=outputs.value,
            returns=tf.constant(returns),
            entropy_coef=ENTROPY,
            batch_size=BATCH,
        )
    variables = [variable.value for variable in network.trainable_variables]
    gradients = tape.gradient(losses.loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    clipped, _ = clip_gradients(gradients, CLIP, "global")
    optimizer.apply(clipped, variables, tf.constant(LR))


def weights_of(original, run, arch, channels, choices):
    """Those of the original as they are now, in the order of ours."""
    original.save(run, STEP)
    network = network_of(arch, channels, choices)
    OriginalCheckpoint(run / "checkpoints", STEP).restore(network)
    return [weight.numpy() for weight in network.trainable_variables]


@pytest.mark.parametrize(
    ("arch", "channels", "choices"),
    [
        ("NIPS", 4, 1),
        pytest.param("NIPS", 12, 5, marks=pytest.mark.slow),
        pytest.param("NATURE", 12, 3, marks=pytest.mark.slow),
        pytest.param("BAYESIAN", 4, 3, marks=pytest.mark.slow),
        pytest.param("PWYX", 12, 11, marks=pytest.mark.slow),
        pytest.param("PWYX", 4, 1, marks=pytest.mark.slow),
        pytest.param("LSTM", 4, 3, marks=pytest.mark.slow),
    ],
)
def test_the_originals_networks_decide_and_learn_the_same_here(arch, channels, choices, tmp_path):
    original, batch = original_with_batch(arch, channels, choices)
    original.save(tmp_path, STEP)
    network = network_of(arch, channels, choices)
    optimizer = RMSProp([variable.value for variable in network.trainable_variables], DECAY, EPSILON)
    (checkpoint,) = OriginalCheckpoint.all_in(tmp_path / "checkpoints")
    assert checkpoint.step == STEP and checkpoint.has_optimizer()
    checkpoint.restore(network, optimizer)
    outputs = compute_outputs(network, batch[0])
    policy, value, repetition = original.run(original.outputs, batch)
    np.testing.assert_allclose(tf.nn.softmax(outputs.policy_logits), policy, atol=1e-6)
    np.testing.assert_allclose(tf.nn.softmax(outputs.repetition_logits), repetition, atol=1e-6)
    np.testing.assert_allclose(outputs.value, value, atol=1e-6)
    before = [weight.numpy() for weight in network.trainable_variables]
    original.run(original.train, batch)
    update(network, optimizer, batch)
    after = weights_of(original, tmp_path / "after", arch, channels, choices)
    for weight, old, new in zip(network.trainable_variables, before, after, strict=True):
        difference, movement = float(np.abs(weight.numpy() - new).max()), float(np.abs(new - old).max())
        assert difference <= 1e-4 * movement, weight.path


def test_a_network_of_paac_has_no_repetition_head(tmp_path):
    original, batch = original_with_batch("NIPS", 4, 1, repetition_head=False)
    original.save(tmp_path, STEP)
    network = network_of("NIPS", 4, 1)
    OriginalCheckpoint(tmp_path / "checkpoints", STEP).restore(network)
    policy, value = original.run(original.outputs, batch)
    outputs = compute_outputs(network, batch[0])
    np.testing.assert_allclose(tf.nn.softmax(outputs.policy_logits), policy, atol=1e-6)
    np.testing.assert_allclose(outputs.value, value, atol=1e-6)
    with pytest.raises(CheckpointError, match="repetition_output_weights should have the shape .*there is none"):
        OriginalCheckpoint(tmp_path / "checkpoints", STEP).restore(network_of("NIPS", 4, 2))


def test_what_does_not_fit_is_one_line(tmp_path):
    OriginalGraph("NIPS", 4, 1, seed=1, num_actions=ACTIONS).save(tmp_path, STEP)
    checkpoint = OriginalCheckpoint(tmp_path / "checkpoints", STEP)
    for arch, channels in (("NATURE", 4), ("NIPS", 12), ("PWYX", 4)):
        with pytest.raises(CheckpointError, match="does not fit the run's game and options: .*should have the shape"):
            checkpoint.restore(network_of(arch, channels, 1))
    (data,) = (tmp_path / "checkpoints").glob("*.data*")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    with pytest.raises(CheckpointError, match="is damaged") as error:
        checkpoint.restore(network_of("NIPS", 4, 1))
    assert "\n" not in str(error.value)
