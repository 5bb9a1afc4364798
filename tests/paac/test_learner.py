"""The fast update against a plain, slow one, written as the papers say it."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from emulators import EmulatorPool, WorkerError, make_emulator
from networks.registry import make_network
from paac.learner import Hyperparameters, Learner
from paac.rollout import Uniforms

B, T, SEED = 5, 4, 11
GAMMA, ENTROPY, ALPHA, E, CLIP, LR = 0.97, 0.05, 0.99, 0.1, 0.05, 0.02
SETTINGS = {"max_episode_frames": 60}  # episodes end in the middle of rollouts


def new_network(table: list[int], arch: str = "NIPS"):
    # A temperature that makes the policy far from uniform, so that its parts of the gradient count.
    return make_network(arch, num_actions=6, nb_choices=len(table), rgb=False, seed=SEED, softmax_temp=0.1)


def fast_weights(table, *, arch="NIPS", updates=3, shards=2, workers=2, **settings):
    """Weights after some updates of the real learner on real emulators, and all it reported."""
    network = new_network(table, arch)
    with EmulatorPool("pong", B, workers=workers, shards=shards, seed=SEED, **SETTINGS) as pool:
        pool.reset()
        learner = Learner(
            network,
            pool,
            Hyperparameters(
                repetition_table=table,
                max_local_steps=T,
                gamma=GAMMA,
                entropy_coef=ENTROPY,
                clip_norm=CLIP,
                **settings,
            ),
            seed=SEED,
        )
        reports = [learner.update(LR, epsilon=0.3, summarize_gradients=True) for _ in range(updates)]
        numbers = [tf.constant(number, tf.int64) for number in range(updates)]
        uniforms = [Uniforms(*(drawn.numpy() for drawn in learner.draw(number))) for number in numbers]
    return [weight.numpy() for weight in network.trainable_variables], reports, uniforms


def draw(logits, uniforms, egreedy):
    """One choice from a head: inverse CDF, or epsilon-greedy with epsilon 0.3."""
    if egreedy:
        return int(uniforms[1] * len(logits)) if uniforms[0] < np.float32(0.3) else int(np.argmax(logits))
    probabilities = np.exp(logits - logits.max())
    return int(np.sum(uniforms[0] >= np.cumsum(probabilities / probabilities.sum())[:-1]))


def plain_weights(table, uniforms, *, arch="NIPS", discount_plays=False, egreedy=False, clip_norm_type="global"):
    """The same updates: act step by step, keep the batch, pass it through the network again, learn.

    Where the network looks back, every observation goes through all of it as often as it is looked at.
    """
    network = new_network(table, arch)

    def outputs_for(window, torso_uniforms):
        return network.decide([network.encode(observations) for observations in window], torso_uniforms)

    emulators = [make_emulator("pong", seed=[SEED, number], **SETTINGS) for number in range(B)]
    observations = np.stack([emulator.reset() for emulator in emulators])
    mean_squares = [np.ones(weight.shape) for weight in network.trainable_variables]
    before = [np.zeros_like(observations)] * network.torso.memory
    ended = 0
    for head_uniforms, torso_uniforms in uniforms:
        seen, taken, rewards, discounts = [], [], np.zeros((T, B)), np.zeros((T, B))
        for t in range(T):
            outputs = outputs_for([*before, observations], torso_uniforms[t])
            seen.append([*before, observations])
            before = [earlier.copy() for earlier in [*before, observations][1:]]
            observations = observations.copy()
            for i, emulator in enumerate(emulators):
                action = draw(outputs.policy_logits[i].numpy(), head_uniforms[t, i, 0], egreedy)
                choice = draw(outputs.repetition_logits[i].numpy(), head_uniforms[t, i, 1], egreedy)
                observation, reward, done, plays = emulator.hold(action, table[choice])
                observations[i] = emulator.reset() if done else observation
                taken.append((action, choice))
                rewards[t, i] = min(1.0, max(-1.0, reward))
                for earlier in before:
                    earlier[i] *= not done
                discounts[t, i] = 0.0 if done else GAMMA ** (plays if discount_plays else 1)
                ended += done
        returns = np.zeros((T, B))
        following = outputs_for([*before, observations], torso_uniforms[T]).value.numpy().astype(float)
        for t in reversed(range(T)):
            following = rewards[t] + discounts[t] * following
            returns[t] = following

        actions, choices = np.array(taken).T
        with tf.GradientTape() as tape:
            windows = [np.concatenate(place) for place in zip(*seen, strict=True)]
            policy_logits, repetition_logits, value = outputs_for(windows, np.concatenate(torso_uniforms[:T]))
            log_pi, log_rho = tf.nn.log_softmax(policy_logits), tf.nn.log_softmax(repetition_logits)
            log_taken = tf.gather(log_pi, actions, batch_dims=1) + tf.gather(log_rho, choices, batch_dims=1)
            entropy = -tf.reduce_sum(tf.exp(log_pi) * log_pi, 1) - tf.reduce_sum(tf.exp(log_rho) * log_rho, 1)
            target = tf.constant(returns.reshape(-1), tf.float32)
            advantage = tf.stop_gradient(target - value)
            actor = tf.reduce_mean(-(advantage * log_taken) - ENTROPY * entropy)
            loss = 5.0 * (actor + tf.reduce_mean(0.25 * (target - value) ** 2))
        gradients = [gradient.numpy().astype(float) for gradient in tape.gradient(loss, network.trainable_variables)]
        norms = [np.sqrt((gradient**2).sum()) for gradient in gradients]
        if clip_norm_type == "global":
            norms = [np.sqrt(np.square(norms).sum())] * len(norms)
        if clip_norm_type != "ignore":
            gradients = [gradient * CLIP / max(norm, CLIP) for gradient, norm in zip(gradients, norms, strict=True)]
        for weight, gradient, mean_square in zip(network.trainable_variables, gradients, mean_squares, strict=True):
            mean_square[:] = ALPHA * mean_square + (1 - ALPHA) * gradient**2
            weight.assign_sub(LR * gradient / np.sqrt(mean_square + E))
    assert ended > 0, "no episode ended: the mask was not tested"
    return [weight.numpy() for weight in network.trainable_variables]


@pytest.mark.parametrize(
    ("table", "settings"),
    [
        ([0], {}),
        ([0, 1, 2, 5], {}),
        ([0, 1, 2, 5], {"discount_plays": True, "clip_norm_type": "local"}),
        ([0, 3], {"egreedy": True, "clip_norm_type": "ignore"}),
        pytest.param([0], {"arch": "LSTM"}, marks=pytest.mark.slow),
        ([0, 3], {"arch": "LSTM"}),
        ([0, 3], {"arch": "BAYESIAN"}),
    ],
)
def test_three_updates_give_the_weights_of_the_plain_version(table, settings):
    fast, _, uniforms = fast_weights(table, **settings)
    plain = plain_weights(table, uniforms, **settings)
    start = [weight.numpy() for weight in new_network(table, settings.get("arch", "NIPS")).trainable_variables]
    for before, expected, got in zip(start, plain, fast, strict=True):
        assert np.linalg.norm(got - expected) <= 1e-5 * np.linalg.norm(expected)
        # What was learned agrees too, not only the weights that it was added to.
        assert np.linalg.norm(got - expected) <= 1e-3 * np.linalg.norm(expected - before) + 1e-7


def test_workers_change_no_bit_and_shards_only_the_rounding():
    reference, reports, _ = fast_weights([0, 2], workers=1, shards=2)
    weights, _, _ = fast_weights([0, 2], workers=5, shards=2)
    assert all(np.array_equal(a, b) for a, b in zip(reference, weights, strict=True))
    weights, other, _ = fast_weights([0, 2], workers=2, shards=3)
    assert all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(reference, weights, strict=True))
    for mine, theirs in zip(reports, other, strict=True):
        assert np.array_equal(mine.played.actions, theirs.played.actions)
        assert np.isclose(mine.losses.loss, theirs.losses.loss, rtol=1e-4)


def test_one_choice_is_plain_paac_to_the_last_bit(monkeypatch):
    with_head, _, _ = fast_weights([0])
    from figar import joint_policy

    both, entropy = joint_policy.log_probability, joint_policy.entropy
    monkeypatch.setattr(joint_policy, "log_probability", lambda *a: (both(*a)[0], tf.zeros_like(both(*a)[0])))
    monkeypatch.setattr(
        joint_policy, "entropy", lambda logits: entropy(logits) if logits.shape[1] > 1 else tf.zeros(logits.shape[0])
    )
    without_head, _, _ = fast_weights([0])
    assert all(np.array_equal(a, b) for a, b in zip(with_head, without_head, strict=True))


def test_the_report_says_what_was_played_and_the_gradients_statistics():
    _, reports, _ = fast_weights([0, 1, 2, 5], updates=2)
    report, played = reports[1], reports[1].played
    assert played.actions.shape == played.choices.shape == played.rewards.shape == (T, B)
    held = 1 + np.array([0, 1, 2, 5])[played.choices]
    assert np.array_equal(played.plays[~played.dones], held[~played.dones])
    assert (played.plays[played.dones] <= held[played.dones]).all()
    assert report.gradients.min < report.gradients.mean < report.gradients.max
    entries = sum(weight.numpy().size for weight in new_network([0, 1, 2, 5]).trainable_variables)
    rms = np.sqrt(report.gradients.stddev**2 + report.gradients.mean**2)
    assert np.isclose(report.global_norm, rms * np.sqrt(entries), rtol=1e-3)


def test_random_numbers_follow_seed_and_update_number_and_nothing_else():
    _, _, drawn = fast_weights([0], arch="BAYESIAN", updates=2, shards=1, workers=1)
    _, _, again = fast_weights([0, 1, 2, 5], arch="BAYESIAN", updates=2, shards=3)
    for mine, theirs in zip(drawn, again, strict=True):
        assert np.array_equal(mine.heads, theirs.heads) and np.array_equal(mine.torso, theirs.torso)
    assert not np.array_equal(drawn[0].heads, drawn[1].heads)
    assert drawn[0].heads.min() >= 0 and drawn[0].heads.max() < 1
    torso = np.stack([uniforms.torso for uniforms in drawn])
    assert torso.shape == (2, T + 1, B, 2592)
    rows = torso.reshape(-1, 2592)
    assert len(np.unique(rows[:, :3], axis=0)) == len(rows), "two decisions share their dropout"


def test_a_network_and_its_graph_are_freed_after_learning():
    with EmulatorPool("pong", 2, workers=1, shards=1, seed=SEED) as pool:
        pool.reset()
        learner = Learner(new_network([0]), pool, Hyperparameters(max_local_steps=1), seed=SEED)
        learner.update(LR)
        network, graph = weakref.ref(learner.network), weakref.ref(learner.graph)
        del learner
        gc.collect()
        assert network() is None and graph() is None


def test_a_dead_worker_surfaces_as_the_pools_own_error():
    import os
    import signal

    with EmulatorPool("pong", B, workers=2, shards=2, seed=SEED) as pool:
        pool.reset()
        learner = Learner(new_network([0]), pool, Hyperparameters(), seed=SEED)
        before = [weight.numpy() for weight in learner.network.trainable_variables]
        os.kill(pool.worker_pids[0], signal.SIGKILL)
        with pytest.raises(WorkerError, match="pong: .* emulators 0, 1, 2 died"):
            learner.update(LR)
        after = [weight.numpy() for weight in learner.network.trainable_variables]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), "half an update was applied"
