"""What the benchmark runs: emulators alone, the network alone, the whole loop."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from benchmarking.timing import Measure
from paac.cli.options import Options


class ConstantPool:
    """Stands in for an emulator pool: it answers each step at once with the same arrays, and plays no game."""

    def __init__(self, pool: Any):
        self.count = pool.count
        self.num_actions = pool.num_actions
        self.shards = pool.shards
        self.failure = None
        self.observations = pool.observations
        self._steps = [
            pool.step(shard, *next(random_play(1, len(part), pool.num_actions, [0])))
            for shard, part in enumerate(pool.shards)
        ]

    def step(self, shard: int, actions: Any, repeats: Any) -> tuple[Any, ...]:
        """What the shard answered once."""
        return tuple(self._steps[shard])


def random_play(steps: int, count: int, num_actions: int, table: Sequence[int]) -> Iterator[tuple[Any, Any]]:
    """Actions and repeats of `count` emulators, a number of steps, all drawn at the start."""
    import numpy as np

    random, shape = np.random.default_rng(), (steps, count)
    return zip(random.integers(0, num_actions, shape), random.choice(table, shape), strict=True)


def emulators_alone(pool: Any, table: Sequence[int]) -> Measure:
    """Every shard plays by itself, all side by side."""

    def measure(steps: int) -> tuple[int, int]:
        plays = [0] * len(pool.shards)

        def play(shard: int) -> None:
            for actions, repeats in random_play(steps, len(pool.shards[shard]), pool.num_actions, table):
                plays[shard] += int(pool.step(shard, actions, repeats).plays.sum())

        threads = [threading.Thread(target=play, args=(shard,)) for shard in range(len(plays))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return steps * pool.count, sum(plays)

    return measure


def make_learner(pool: Any, options: Options, processes: Any = None) -> Any:
    """A learner of the options' network on the emulators of `pool`."""
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


def updates_on(pool: Any, options: Options) -> Measure:
    """Updates of the options' network on the emulators of `pool`."""
    return partial(make_updates, make_learner(pool, options))


def one_emulator(game: Any, options: Options) -> tuple[dict[str, Measure], Any]:
    """One emulator's decisions in this process, and the bare game that each is made of."""
    from emulators import make_emulator

    bare, emulator = (make_emulator(game, seed=1, **options.emulator_settings) for _ in range(2))
    press, is_over, start = bare_game(bare)

    def decide(count: int) -> tuple[int, int]:
        for (action,), _ in random_play(10 * count, 1, bare.num_actions, [0]):
            if emulator.done:
                emulator.reset()
            emulator.step(action)
        return 10 * count, 10 * count

    def play_bare(count: int) -> tuple[int, int]:
        for (action,), _ in random_play(10 * count, 1, bare.num_actions, [0]):
            if is_over():
                start()
            for _ in range(bare.frame_skip):
                press(action)
        return 10 * count, 10 * count

    bare.reset()
    return {"one emulator": decide, "the bare game": play_bare}, emulator


def bare_game(emulator: Any) -> tuple[Callable, Callable, Callable]:
    """One frame of the library underneath, drawn where it does not draw by itself; whether it is over; a new game."""
    from emulators.atari import AtariEmulator
    from emulators.pixel_game import PixelGameEmulator

    if isinstance(emulator, AtariEmulator):
        ale, pressed = emulator._ale, emulator._actions
        return (lambda action: ale.act(pressed[action])), ale.game_over, ale.reset_game

    draw = emulator.game.draw if isinstance(emulator, PixelGameEmulator) else emulator.environment.render

    def press(action: int) -> None:
        emulator._press(action)
        draw()

    return press, (lambda: emulator._is_over() or emulator._is_truncated()), emulator._start
