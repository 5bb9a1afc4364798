"""Evaluation over episodes: a real network on a game whose episodes have given lengths."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from networks.registry import make_network
from paac.evaluation import play_episodes

TABLE = [0, 2, 5]
ACTIONS = 4


class FakeEmulator:
    """An emulator whose episode has a given number of decisions, with random pixels that depend on the past actions."""

    def __init__(self, decisions, number=0, truncated=False):
        self.decisions = decisions
        self.number = number
        self.will_be_truncated = truncated
        self.done, self.truncated = True, False
        self.held = []  # (action, repeats) of every decision
        self.seen = []

    def reset(self):
        self.done = False
        return self._observation()

    def hold(self, action, repeats):
        assert not self.done, "the game was played after its end"
        assert type(action) is int
        self.held.append((action, repeats))
        self.done = len(self.held) == self.decisions
        self.truncated = self.done and self.will_be_truncated
        plays = 1 if self.done else 1 + repeats  # the episode ends during the last hold
        return self._observation(), 100.5 * plays - 300, self.done, plays

    def _observation(self):
        seed = [self.number, *(number for held in self.held for number in held)]
        self.seen.append(np.random.default_rng(seed).integers(0, 256, (84, 84, 4), np.uint8))
        return self.seen[-1]


@pytest.fixture(scope="module")
def network():
    # With a low temperature, the policy depends clearly on the observations.
    return make_network("NIPS", num_actions=ACTIONS, nb_choices=len(TABLE), rgb=False, seed=1, softmax_temp=0.05)


def play(network, games, seed=7, **settings):
    results = play_episodes(network, games, TABLE, seed=seed, **settings)
    return results, [game.held for game in games]


def games_of(*lengths):
    return [FakeEmulator(length, number) for number, length in enumerate(lengths)]


def test_a_network_and_its_graphs_are_freed_after_an_evaluation():
    network = make_network("NIPS", num_actions=ACTIONS, nb_choices=len(TABLE), rgb=False, seed=1)
    graphs = []

    class RecordingNetwork(type(network)):
        def encode(self, observations):
            if not tf.executing_eagerly():
                graphs.append(weakref.ref(tf.compat.v1.get_default_graph()))
            return super().encode(observations)

    network.__class__ = RecordingNetwork
    play(network, games_of(2))
    assert graphs
    reference = weakref.ref(network)
    del network
    gc.collect()
    assert reference() is None and not any(graph() for graph in graphs)


def test_each_episode_is_played_to_its_own_end_and_not_longer(network):
    games = games_of(1, 7, 3)
    play(network, games)  # the game fails if it is played after its end
    assert [len(game.held) for game in games] == [1, 7, 3]


def test_scores_are_sums_of_raw_rewards_and_lengths_count_plays(network):
    games = games_of(6, 9)
    results, _ = play(network, games)
    for game, result in zip(games, results, strict=True):
        plays = [1 + repeats for _, repeats in game.held[:-1]] + [1]
        assert result[:3] == (sum(100.5 * count - 300 for count in plays), sum(plays), False)
    assert any(repeats for game in games for _, repeats in game.held)  # otherwise plays and decisions are equal


def test_all_repeats_of_the_table_and_all_actions_of_the_game_are_used(network):
    _, held = play(network, games_of(30, 30))
    actions, repeats = zip(*(decision for decisions in held for decision in decisions), strict=True)
    assert set(actions) == set(range(ACTIONS))
    assert set(repeats) == set(TABLE)


def test_a_truncated_episode_is_reported(network):
    results, _ = play(network, [FakeEmulator(3, 0), FakeEmulator(3, 1, truncated=True)])
    assert [result.truncated for result in results] == [False, True]


def test_the_same_seed_gives_the_same_episodes_and_another_seed_gives_others(network):
    first, again, other = (play(network, games_of(20, 20), seed) for seed in (7, 7, 8))
    assert first == again
    assert first[1] != other[1]


def test_two_emulators_get_different_random_numbers(network):
    _, held = play(network, [FakeEmulator(20, 0), FakeEmulator(20, 0)])  # twice the same game
    assert held[0] != held[1]


@pytest.mark.parametrize("epsilon", [None, 0.0, 0.5])
def test_an_episode_does_not_depend_on_the_lengths_of_the_others(epsilon, network):
    _, first = play(network, games_of(12, 2, 5), epsilon=epsilon)
    _, second = play(network, games_of(12, 15, 1), epsilon=epsilon)
    assert first[0] == second[0]
    assert first[1] == second[1][:2]
    assert first[2][:1] == second[2]


def test_greedy_decisions_are_the_most_probable_ones(network):
    games = games_of(9, 6)
    play(network, games, epsilon=0.0)
    seen = np.concatenate([game.seen[:-1] for game in games])
    outputs = network(seen)
    best = zip(np.argmax(outputs.policy_logits, axis=1), np.argmax(outputs.repetition_logits, axis=1), strict=True)
    assert [held for game in games for held in game.held] == [(action, TABLE[choice]) for action, choice in best]


def test_greedy_decisions_do_not_depend_on_the_seed(network):
    first, second = (play(network, games_of(9, 6), seed, epsilon=0.0) for seed in (1, 2))
    assert first == second


@pytest.mark.parametrize("epsilon", [0.25, 1.0])
def test_an_epsilon_greedy_agent_takes_the_most_probable_choice_but_a_random_one_with_that_probability(epsilon):
    network = make_network("NIPS", num_actions=4, nb_choices=1, rgb=False, seed=1)
    network.policy.kernel.assign(np.zeros(network.policy.kernel.shape))
    network.policy.bias.assign([0.0, 0.1, 0.0, 0.0])
    games = [FakeEmulator(50, number) for number in range(8)]
    play_episodes(network, games, [0], seed=3, epsilon=epsilon)
    actions = np.array([action for game in games for action, _ in game.held])
    deviation = np.sqrt(1 / 4 * 3 / 4 / actions.size)
    for action in (0, 2, 3):
        assert np.mean(actions == action) == pytest.approx(epsilon / 4, abs=4 * deviation)


def test_frequencies_of_actions_and_repeats_agree_with_the_policies():
    # The probabilities are constant multiples of 1/8; the counts of 400 draws must lie within four standard deviations.
    network = make_network("NIPS", num_actions=3, nb_choices=2, rgb=False, seed=1)
    for layer, parts in ((network.policy, [1, 2, 5]), (network.repetition, [6, 2])):
        layer.kernel.assign(np.zeros(layer.kernel.shape))
        layer.bias.assign(np.log(np.array(parts) / 8))
    games = [FakeEmulator(50, number) for number in range(8)]
    play_episodes(network, games, [0, 9], seed=3)
    actions, repeats = zip(*(held for game in games for held in game.held), strict=True)
    for taken, value, probability in (
        (actions, 0, 1 / 8),
        (actions, 1, 2 / 8),
        (actions, 2, 5 / 8),
        (repeats, 9, 2 / 8),
    ):
        assert abs(taken.count(value) - 400 * probability) < 4 * np.sqrt(400 * probability * (1 - probability))
    # The rarest pair has probability 1/8 * 2/8. It would never occur if both heads used the same random number.
    assert sum(held == (0, 9) for game in games for held in game.held) > 3


def test_a_network_with_history_gets_the_last_observations_of_each_episode():
    network = make_network("LSTM", num_actions=ACTIONS, nb_choices=len(TABLE), rgb=False, seed=1, softmax_temp=0.01)
    games = games_of(7, 3)
    play(network, games, epsilon=0.0)
    for game in games:
        encodings = [network.blank_encodings(1)] * 4
        for seen, (action, repeats) in zip(game.seen, game.held, strict=False):
            encodings = [*encodings[-4:], network.encode(seen[None])]
            outputs = network.compute_outputs(encodings, np.zeros((1, 0), np.float32))
            assert action == np.argmax(outputs.policy_logits)
            assert repeats == TABLE[np.argmax(outputs.repetition_logits)]


def softmax(logits):
    powers = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def entropy(probabilities):
    return -np.sum(probabilities * np.log(probabilities), axis=-1)


class RecordingWatcher:
    """A watcher that records what it receives."""

    def __init__(self):
        self.decisions, self.score = [], None

    def on_decision(self, decision):
        self.decisions.append(decision)

    def on_end(self, score):
        self.score = score


def test_watchers_receive_the_outputs_of_the_network_and_change_nothing(network):
    unwatched, games, watchers = games_of(9, 6, 3), games_of(9, 6, 3), [RecordingWatcher(), RecordingWatcher()]
    results, _ = play(network, games, watchers=watchers)
    assert (results, [game.held for game in games]) == play(network, unwatched)
    for game, watcher, result in zip(games, watchers, results, strict=False):
        assert [(decision.action, TABLE[decision.choice]) for decision in watcher.decisions] == game.held
        outputs = network(np.array(game.seen[:-1]))
        for i, decision in enumerate(watcher.decisions):
            np.testing.assert_allclose(decision.policy, softmax(outputs.policy_logits[i]), atol=1e-5)
            np.testing.assert_allclose(decision.repetition, softmax(outputs.repetition_logits[i]), atol=1e-5)
            assert decision.value == pytest.approx(float(outputs.value[i]), abs=1e-5)
            assert decision.score == sum(100.5 * (1 + repeats) - 300 for _, repeats in game.held[:i])
        assert watcher.score == result.score


def test_dropout_samples_are_averaged_and_their_mutual_information_is_reported():
    network = make_network(
        "BAYESIAN", num_actions=ACTIONS, nb_choices=1, rgb=False, seed=1, softmax_temp=0.02, keep_percentage=0.5
    )
    game = FakeEmulator(3)
    (result,) = play_episodes(network, [game], [0], seed=7, epsilon=0.0, dropout_samples=9)
    random, entropies, mutual_informations = np.random.default_rng(7), [], []
    for seen, (action, _) in zip(game.seen, game.held, strict=False):
        random.random((1, 2, 2), np.float32)  # for the heads
        uniforms = random.random((9, 1, 256), np.float32)
        samples = softmax(
            np.concatenate([network(seen[None], sample).policy_logits for sample in uniforms]).astype(float)
        )
        mean = samples.mean(axis=0)
        assert action == np.argmax(mean)
        entropies.append(entropy(mean))
        mutual_informations.append(entropy(mean) - entropy(samples).mean())
    assert result.entropy == pytest.approx(np.mean(entropies), rel=1e-4)
    assert result.mutual_information == pytest.approx(np.mean(mutual_informations), rel=1e-3)
    assert result.mutual_information > 0.001


def test_without_dropout_the_mutual_information_is_zero(network):
    results, _ = play(network, games_of(5))
    assert results[0].mutual_information == 0 and 0 < results[0].entropy < np.log(ACTIONS)


def test_the_entropy_of_an_episode_is_the_mean_over_its_decisions(network):
    watchers = [RecordingWatcher(), RecordingWatcher()]
    results = play_episodes(network, games_of(6, 9), TABLE, seed=7, watchers=watchers)
    for result, watcher in zip(results, watchers, strict=True):
        expected = np.mean([entropy(decision.policy) for decision in watcher.decisions])
        assert result.entropy == pytest.approx(expected, rel=1e-3)
