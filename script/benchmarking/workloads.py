"""The workloads of the benchmark: the emulators alone, the network alone, the whole loop, and one emulator."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from benchmarking.timing import Workload
from paac.cli.options import Options


class ConstantPool:
    """Replaces an emulator pool: it plays no game, and returns the same arrays at every step."""

    def __init__(self, pool: Any):
        self.count = pool.count
        self.num_actions = pool.num_actions
        self.shards = pool.shards
        self.failure = None
        self.observations = pool.observations
        self._steps = [
            pool.step(shard, *next(random_actions(1, len(part), pool.num_actions, [0])))
            for shard, part in enumerate(pool.shards)
        ]

    def step(self, shard: int, actions: Any, repeats: Any) -> tuple[Any, ...]:
        """Return the result that the shard of the real pool gave for its one step."""
        return tuple(self._steps[shard])


def random_actions(
    steps: int, count: int, num_actions: int, repetition_table: Sequence[int]
) -> Iterator[tuple[Any, Any]]:
    """Actions and repeats, int [count] each, for every step; all are drawn when the function is called."""
    import numpy as np

    random, shape = np.random.default_rng(), (steps, count)
    return zip(random.integers(0, num_actions, shape), random.choice(repetition_table, shape), strict=True)


def emulators_alone(pool: Any, repetition_table: Sequence[int]) -> Workload:
    """Random play in all emulators of `pool`: the shards play at the same time, and do not wait for each other."""

    def play_steps(steps: int) -> tuple[int, int]:
        plays = [0] * len(pool.shards)

        def play(shard: int) -> None:
            count = len(pool.shards[shard])
            for actions, repeats in random_actions(steps, count, pool.num_actions, repetition_table):
                plays[shard] += int(pool.step(shard, actions, repeats).plays.sum())

        threads = [threading.Thread(target=play, args=(shard,)) for shard in range(len(plays))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return steps * pool.count, sum(plays)

    return play_steps


def make_learner(pool: Any, options: Options, processes: Any = None) -> Any:
    """Make a learner with the network of `options` and the emulators of `pool`."""
    from networks.registry import make_network
    from paac.learner import Hyperparameters, Learner

    return Learner(
        make_network(num_actions=pool.num_actions, **options.network_settings),
        pool,
        Hyperparameters(repetition_table=options.repetition_table, max_local_steps=options.max_local_steps),
        seed=options.random_seed,
        processes=processes,
    )


def make_updates(learner: Any, count: int) -> tuple[int, int]:
    """Make `count` updates; returns their decisions and plays."""
    plays = sum(int(learner.update(lr=1e-4).transitions.plays.sum()) for _ in range(count))
    return count * learner.decisions_per_update, plays


def updates_on(pool: Any, options: Options) -> Workload:
    """Updates of the network of `options` with the emulators of `pool`."""
    return partial(make_updates, make_learner(pool, options))


def one_emulator(game: Any, options: Options) -> tuple[dict[str, Workload], Any]:
    """Random play in one emulator in this process, and in the bare game, as the emulator's library plays it.

    Returns the two workloads, and the emulator, which the caller closes.
    """
    from emulators import make_emulator

    bare, emulator = (make_emulator(game, seed=1, **options.emulator_settings) for _ in range(2))
    press, is_over, start = bare_game(bare)

    def play_emulator(count: int) -> tuple[int, int]:
        for (action,), _ in random_actions(10 * count, 1, bare.num_actions, [0]):
            if emulator.done:
                emulator.reset()
            emulator.step(action)
        return 10 * count, 10 * count

    def play_bare(count: int) -> tuple[int, int]:
        for (action,), _ in random_actions(10 * count, 1, bare.num_actions, [0]):
            if is_over():
                start()
            for _ in range(bare.frame_skip):
                press(action)
        return 10 * count, 10 * count

    bare.reset()
    return {"one emulator": play_emulator, "the bare game": play_bare}, emulator


def bare_game(emulator: Any) -> tuple[Callable, Callable, Callable]:
    """Functions of the library that the emulator uses: play and draw one frame, is the game over, start a new game."""
    from emulators.atari import AtariEmulator
    from emulators.pixel_emulator import PixelGameEmulator

    if isinstance(emulator, AtariEmulator):
        ale, actions = emulator._ale, emulator._actions
        return (lambda action: ale.act(actions[action])), ale.game_over, ale.reset_game

    draw = emulator.game.draw if isinstance(emulator, PixelGameEmulator) else emulator.environment.render

    def press(action: int) -> None:
        emulator._press(action)
        draw()

    return press, (lambda: emulator._is_over() or emulator._is_truncated()), emulator._start
