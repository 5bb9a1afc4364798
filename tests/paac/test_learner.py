"""The update against a slow, plain version that follows the papers."""

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
    # With this temperature the policy is far from uniform, so errors in its gradient show.
    return make_network(arch, num_actions=6, nb_choices=len(table), rgb=False, seed=SEED, softmax_temp=0.1)


def fast_weights(table, *, arch="NIPS", updates=3, shards=2, workers=2, **settings):
    """Return weights, results and random numbers of some updates of the learner on real emulators."""
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
        results = [learner.update(LR, epsilon=0.3, summarize_gradients=True) for _ in range(updates)]
        indices = [tf.constant(index, tf.int64) for index in range(updates)]
        uniforms = [Uniforms(*(drawn.numpy() for drawn in learner.draw_uniforms(index))) for index in indices]
    return [weight.numpy() for weight in network.trainable_variables], results, uniforms


def draw(logits, uniforms, egreedy):
    """Select an index from the logits of a head: by inverse CDF, or epsilon-greedily with epsilon 0.3."""
    if egreedy:
        return int(uniforms[1] * len(logits)) if uniforms[0] < np.float32(0.3) else int(np.argmax(logits))
    probabilities = np.exp(logits - logits.max())
    return int(np.sum(uniforms[0] >= np.cumsum(probabilities / probabilities.sum())[:-1]))


def plain_weights(table, uniforms, *, arch="NIPS", discount_per_play=False, egreedy=False, clip_norm_type="global"):
    """Return the weights after the same updates: act step by step, keep the batch, and learn from a second pass.

    A network with a history encodes every observation again for each decision that uses it.
    """
    network = new_network(table, arch)

    def outputs_for(newest_observations, torso_uniforms):
        return network.compute_outputs(
            [network.encode(observations) for observations in newest_observations], torso_uniforms
        )

    emulators = [make_emulator("pong", seed=[SEED, number], **SETTINGS) for number in range(B)]
    observations = np.stack([emulator.reset() for emulator in emulators])
    mean_squares = [np.ones(weight.shape) for weight in network.trainable_variables]
    history = [np.zeros_like(observations)] * network.torso.history_length
    ended = 0
    for head_uniforms, torso_uniforms in uniforms:
        seen, taken, rewards, discounts = [], [], np.zeros((T, B)), np.zeros((T, B))
        for t in range(T):
            outputs = outputs_for([*history, observations], torso_uniforms[t])
            seen.append([*history, observations])
            history = [earlier.copy() for earlier in [*history, observations][1:]]
            observations = observations.copy()
            for i, emulator in enumerate(emulators):
                action = draw(outputs.policy_logits[i].numpy(), head_uniforms[t, i, 0], egreedy)
                choice = draw(outputs.repetition_logits[i].numpy(), head_uniforms[t, i, 1], egreedy)
                observation, reward, done, plays = emulator.hold(action, table[choice])
                observations[i] = emulator.reset() if done else observation
                taken.append((action, choice))
                rewards[t, i] = min(1.0, max(-1.0, reward))
                for earlier in history:
                    earlier[i] *= not done
                discounts[t, i] = 0.0 if done else GAMMA ** (plays if discount_per_play else 1)
                ended += done
        returns = np.zeros((T, B))
        return_t = outputs_for([*history, observations], torso_uniforms[T]).value.numpy().astype(float)
        for t in reversed(range(T)):
            return_t = rewards[t] + discounts[t] * return_t
            returns[t] = return_t

        actions, choices = np.array(taken).T
        with tf.GradientTape() as tape:
            histories = [np.concatenate(steps) for steps in zip(*seen, strict=True)]
            policy_logits, repetition_logits, value = outputs_for(histories, np.concatenate(torso_uniforms[:T]))
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
    assert ended > 0, "no episode ended, so the mask was not tested"
    return [weight.numpy() for weight in network.trainable_variables]


@pytest.mark.parametrize(
    ("table", "settings"),
    [
        ([0, 1, 2, 5], {}),
        pytest.param([0], {}, marks=pytest.mark.slow),
        pytest.param([0, 1, 2, 5], {"discount_per_play": True, "clip_norm_type": "local"}, marks=pytest.mark.slow),
        ([0, 3], {"egreedy": True, "clip_norm_type": "ignore"}),
        pytest.param([0], {"arch": "LSTM"}, marks=pytest.mark.slow),
        pytest.param([0, 3], {"arch": "LSTM"}, marks=pytest.mark.slow),
        pytest.param([0, 3], {"arch": "BAYESIAN"}, marks=pytest.mark.slow),
    ],
)
def test_three_updates_give_the_same_weights_as_the_plain_version(table, settings):
    fast, _, uniforms = fast_weights(table, **settings)
    plain = plain_weights(table, uniforms, **settings)
    initial = [weight.numpy() for weight in new_network(table, settings.get("arch", "NIPS")).trainable_variables]
    for before, expected, got in zip(initial, plain, fast, strict=True):
        assert np.linalg.norm(got - expected) <= 1e-5 * np.linalg.norm(expected)
        # The changes of the weights must agree too, not only the weights.
        assert np.linalg.norm(got - expected) <= 1e-3 * np.linalg.norm(expected - before) + 1e-7


@pytest.mark.slow
def test_workers_change_nothing_and_shards_only_the_rounding():
    reference, results, _ = fast_weights([0, 2], workers=1, shards=2)
    weights, _, _ = fast_weights([0, 2], workers=5, shards=2)
    assert all(np.array_equal(a, b) for a, b in zip(reference, weights, strict=True))
    weights, other, _ = fast_weights([0, 2], workers=2, shards=3)
    assert all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(reference, weights, strict=True))
    for mine, theirs in zip(results, other, strict=True):
        assert np.array_equal(mine.transitions.actions, theirs.transitions.actions)
        assert np.isclose(mine.losses.loss, theirs.losses.loss, rtol=1e-4)


@pytest.mark.parametrize("arch", ["NIPS", "LSTM"])
def test_all_sums_of_gradients_are_of_two_tensors(arch):
    # One AddN of three or more tensors adds them in an order that depends on timing.
    with EmulatorPool("pong", 3, workers=1, shards=3, seed=SEED) as pool:
        learner = Learner(new_network([0], arch), pool, Hyperparameters(max_local_steps=3), seed=SEED)
    sums = [len(operation.inputs) for operation in learner.graph.get_operations() if operation.type == "AddN"]
    assert len(sums) > 10 and set(sums) == {2}


EMBEDDING = """
import keras
import tensorflow as tf

from networks.torso import Torso


class OWN(Torso):
    def __init__(self, settings):
        super().__init__()
        self.embedding = keras.layers.Embedding(4, 3)

    def encode(self, observations):
        return tf.reshape(self.embedding(observations[:, ::12, ::12, 0] // 64), [observations.shape[0], 147])

    def combine(self, encodings, uniforms):
        return encodings[-1]
"""


def test_the_norm_of_an_embedding_s_gradient_does_not_depend_on_the_shards(write_network):
    write_network(EMBEDDING)
    (one, *_), (two, *_) = (fast_weights([0], arch="OWN", updates=1, shards=shards)[1] for shards in (1, 2))
    np.testing.assert_allclose(one.global_norm, two.global_norm, rtol=1e-5)


@pytest.mark.slow
def test_one_choice_is_plain_paac_to_the_last_bit(monkeypatch):
    with_head, _, _ = fast_weights([0])
    from figar import joint_policy

    both, entropy = joint_policy.log_probabilities, joint_policy.entropy
    monkeypatch.setattr(joint_policy, "log_probabilities", lambda *a: (both(*a)[0], 0.0 * both(*a)[1]))
    monkeypatch.setattr(
        joint_policy, "entropy", lambda logits: entropy(logits) if logits.shape[1] > 1 else 0.0 * entropy(logits)
    )
    without_head, _, _ = fast_weights([0])
    assert all(np.array_equal(a, b) for a, b in zip(with_head, without_head, strict=True))


def test_an_update_returns_its_transitions_and_the_statistics_of_its_gradients():
    _, results, _ = fast_weights([0, 1, 2, 5], updates=2)
    update, transitions = results[1], results[1].transitions
    assert transitions.actions.shape == transitions.choices.shape == transitions.rewards.shape == (T, B)
    most_plays = 1 + np.array([0, 1, 2, 5])[transitions.choices]
    dones = transitions.dones
    assert np.array_equal(transitions.plays[~dones], most_plays[~dones])
    assert (transitions.plays[dones] <= most_plays[dones]).all()
    assert update.gradients.min < update.gradients.mean < update.gradients.max
    entries = sum(weight.numpy().size for weight in new_network([0, 1, 2, 5]).trainable_variables)
    rms = np.sqrt(update.gradients.stddev**2 + update.gradients.mean**2)
    assert np.isclose(update.global_norm, rms * np.sqrt(entries), rtol=1e-3)


@pytest.mark.slow
def test_random_numbers_depend_only_on_the_seed_and_the_update_index():
    _, _, drawn = fast_weights([0], arch="BAYESIAN", updates=2, shards=1, workers=1)
    _, _, again = fast_weights([0, 1, 2, 5], arch="BAYESIAN", updates=2, shards=3)
    for mine, theirs in zip(drawn, again, strict=True):
        assert np.array_equal(mine.heads, theirs.heads) and np.array_equal(mine.torso, theirs.torso)
    assert not np.array_equal(drawn[0].heads, drawn[1].heads)
    assert drawn[0].heads.min() >= 0 and drawn[0].heads.max() < 1
    torso = np.stack([uniforms.torso for uniforms in drawn])
    assert torso.shape == (2, T + 1, B, 256)
    rows = torso.reshape(-1, 256)
    assert len(np.unique(rows[:, :3], axis=0)) == len(rows), "two decisions have the same dropout mask"


def test_a_network_and_its_graph_are_freed_after_learning():
    with EmulatorPool("pong", 2, workers=1, shards=1, seed=SEED) as pool:
        pool.reset()
        learner = Learner(new_network([0]), pool, Hyperparameters(max_local_steps=1), seed=SEED)
        learner.update(LR)
        network, graph = weakref.ref(learner.network), weakref.ref(learner.graph)
        del learner
        gc.collect()
        assert network() is None and graph() is None


def test_the_death_of_a_worker_raises_the_error_of_the_pool():
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
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), "a part of the update was applied"
