"""Tests that a pool plays what its emulators would play one by one, for any numbers of workers and shards."""

import multiprocessing
import threading

import numpy as np
import pytest

from emulators import EmulatorPool, GameError, find_game, make_emulator

SEED, DECISIONS = 11, 14
SETTINGS = {"max_episode_frames": 70}  # episodes of a few decisions


def choices(decision: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return actions and repeats that differ between emulators and between decisions."""
    indices = np.arange(count)
    return (indices + decision * 5) % 6, (indices * 2 + decision) % 4


def played_one_by_one(count: int, seed: list[int], rgb: bool = False) -> tuple[np.ndarray, list[tuple]]:
    """Return the first observations, and the observations, rewards, dones and plays of each decision."""
    emulators = [make_emulator("pong", seed=[*seed, index], rgb=rgb, **SETTINGS) for index in range(count)]
    first = np.stack([emulator.reset() for emulator in emulators])
    steps = []
    for decision in range(DECISIONS):
        outcomes = []
        for emulator, action, repeats in zip(emulators, *choices(decision, count), strict=True):
            observation, reward, done, plays = emulator.hold(int(action), int(repeats))
            outcomes.append((emulator.reset() if done else observation, reward, done, plays))
        steps.append(tuple(map(np.array, zip(*outcomes, strict=True))))
    return first, steps


@pytest.fixture(scope="module")
def one_by_one():
    return played_one_by_one(5, [SEED])


def played(pool: EmulatorPool, decisions: range, *, together: bool = False) -> list[tuple]:
    """Play the same decisions in a pool, shard by shard from the last to the first, or in one thread per shard."""
    steps = []
    for decision in decisions:
        actions, repeats = choices(decision, pool.count)
        results: dict[int, tuple] = {}

        def step(shard: int, actions=actions, repeats=repeats, results=results) -> None:
            indices = list(pool.shards[shard])
            results[shard] = tuple(map(np.copy, pool.step(shard, actions[indices], repeats[indices])))

        order = reversed(range(len(pool.shards)))
        if together:
            threads = [threading.Thread(target=step, args=(shard,)) for shard in order]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:
            for shard in order:
                step(shard)
        parts = [results[shard] for shard in range(len(pool.shards))]
        steps.append(tuple(np.concatenate(part) for part in zip(*parts, strict=True)))
        np.testing.assert_array_equal(pool.observations, steps[-1][0])
    return steps


def assert_same_steps(steps: list[tuple], expected: list[tuple]) -> None:
    assert len(steps) == len(expected)
    for step, plain in zip(steps, expected, strict=True):
        for mine, theirs in zip(step, plain, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("workers", "shards", "sizes", "together"),
    [
        (1, 1, [5], False),
        (3, 2, [3, 2], False),
        (2, 5, [1, 1, 1, 1, 1], True),  # no shard is on every worker
    ],
)
def test_a_pool_plays_what_its_emulators_play_one_by_one(workers, shards, sizes, together, one_by_one):
    first, steps = one_by_one
    assert sum(done.sum() for _, _, done, _ in steps) >= 10  # so new episodes begin in between
    with EmulatorPool("pong", 5, workers=workers, shards=shards, seed=SEED, **SETTINGS) as pool:
        assert [len(indices) for indices in pool.shards] == sizes
        assert [index for indices in pool.shards for index in indices] == list(range(5))
        assert len(set(pool.worker_pids)) == workers
        assert (pool.num_actions, pool.frame_skip) == (6, 4)
        np.testing.assert_array_equal(pool.reset(), first)
        np.testing.assert_array_equal(pool.observations, first)
        assert_same_steps(played(pool, range(DECISIONS), together=together), steps)


def test_a_pool_plays_in_rgb_and_with_a_seed_of_several_integers():
    first, steps = played_one_by_one(2, [4, 7], rgb=True)
    assert first.shape == (2, 84, 84, 12)
    with EmulatorPool(find_game("pong"), 2, workers=1, shards=2, seed=[4, 7], rgb=True, **SETTINGS) as pool:
        np.testing.assert_array_equal(pool.reset(), first)
        assert_same_steps(played(pool, range(DECISIONS)), steps)


def test_returned_arrays_have_their_types_and_are_copies():
    with EmulatorPool("pong", 3, workers=1, shards=2, seed=SEED, **SETTINGS) as pool:
        reset = pool.reset()
        steps = pool.step(0, np.array([1, 2]), np.array([0, 2]))
        kept = [np.copy(part) for part in (reset, pool.observations, *steps)]
        given = [reset, pool.observations, *steps]
        shapes = [(3, 84, 84, 4), (3, 84, 84, 4), (2, 84, 84, 4), (2,), (2,), (2,)]
        assert [part.shape for part in given] == shapes
        assert [part.dtype for part in given] == [np.uint8, np.uint8, np.uint8, np.float64, np.bool_, np.int32]
        assert steps.plays.tolist() == [1, 3]
        # The other emulators did not play.
        np.testing.assert_array_equal(pool.observations[2], reset[2])
        for _ in range(3):
            pool.step(0, np.array([3, 4]), np.array([1, 1]))
        for part, copy in zip(given, kept, strict=True):
            np.testing.assert_array_equal(part, copy)
        assert (steps.observations != pool.observations[:2]).any()
        pool.observations.fill(0)
        assert pool.observations.any()


def test_a_pool_continues_from_saved_states_with_any_workers_and_shards(one_by_one):
    _, steps = one_by_one
    with EmulatorPool("pong", 5, workers=2, shards=2, seed=SEED, **SETTINGS) as pool:
        pool.reset()
        played(pool, range(6))
        states = pool.save_states()
        assert len(states) == 5 and all(isinstance(state, bytes) for state in states)
        assert_same_steps(played(pool, range(6, DECISIONS)), steps[6:])
        pool.load_states(states)
        np.testing.assert_array_equal(pool.observations, steps[5][0])
        assert_same_steps(played(pool, range(6, DECISIONS)), steps[6:])
    with EmulatorPool("pong", 5, workers=1, shards=3, seed=99, **SETTINGS) as other:
        other.load_states(states)  # before any reset, as a resumed run does
        np.testing.assert_array_equal(other.observations, steps[5][0])
        assert_same_steps(played(other, range(6, DECISIONS)), steps[6:])


@pytest.mark.parametrize(
    ("count", "workers", "shards"), [(2, 3, 1), (2, 1, 3), (2, 0, 1), (2, 1, 0), (0, 1, 1), (0, 0, 0), (2, -1, 1)]
)
def test_more_workers_or_shards_than_emulators_or_none_are_refused(count, workers, shards):
    with pytest.raises(ValueError, match=f"{count} emulators .* {workers} workers and {shards} shards"):
        EmulatorPool("pong", count, workers=workers, shards=shards, seed=1)
    assert multiprocessing.active_children() == []


def test_a_game_that_does_not_exist_is_refused_before_any_worker_starts():
    with pytest.raises(GameError, match="pong"):
        EmulatorPool("pnog", 1, workers=1, seed=1)
    assert multiprocessing.active_children() == []


def test_requests_to_a_closed_pool_and_wrong_numbers_of_states_are_refused():
    with EmulatorPool("pong", 2, workers=2, seed=1) as pool:
        pool.reset()
        states = pool.save_states()
        for wrong in (states[:1], states * 2):
            with pytest.raises(ValueError, match="states for 2 emulators"):
                pool.load_states(wrong)
        assert pool.save_states() == states
    with pytest.raises(ValueError, match="closed"):
        pool.reset()


def test_the_emulators_of_a_further_process_have_further_seeds():
    with EmulatorPool("Catcher-v0", 2, workers=1, seed=[4], first_index=3) as pool:
        for observation, index in zip(pool.reset(), (3, 4), strict=True):
            np.testing.assert_array_equal(observation, make_emulator("Catcher-v0", seed=[4, index]).reset())
