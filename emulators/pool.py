"""Many emulators of one game, stepped in parallel by worker processes.

Threads would not run in parallel, because an emulator's step holds Python's global interpreter lock. The emulators are
divided into shards that can be stepped independently: one shard can play while the network works for another.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np

from emulators.emulator import Seed
from emulators.preprocessing import SIZE, STACK
from emulators.registry import ROM_PATH, Game, find_game, make_emulator
from emulators.shared_memory import Layout, SharedArrays
from emulators.workers import WorkerError, Workers


class StepResult(NamedTuple):
    """The result of one decision in each of n emulators.

    Where `dones` is true, `observations` already holds the first observation of the next episode
    (same-step autoreset).
    """

    observations: np.ndarray  # uint8 [n, 84, 84, 4 or 12]
    rewards: np.ndarray  # float64 [n], not clipped, summed over the plays
    dones: np.ndarray  # bool [n]
    plays: np.ndarray  # int32 [n], number of plays of the action: 1 + repeats, or fewer if the episode ended


class EmulatorPool:
    """`count` emulators of one game in `workers` processes, divided into `shards` ranges of consecutive emulators.

    Emulator i is seeded with `seed` and `first_index` + i, so the numbers of workers and shards do not change what is
    played. Use the pool as a context manager, or call `close`.
    """

    def __init__(
        self,
        game: str | Game,
        count: int,
        *,
        workers: int,
        seed: Seed,
        first_index: int = 0,
        shards: int = 1,
        rgb: bool = False,
        rom_path: str = ROM_PATH,
        share_screens: bool = False,
        **settings: Any,
    ):
        """Start the workers and make the emulators in them.

        With `share_screens`, the property `screens` holds what a person would see. The other `settings` are those of
        `make_emulator`.

        Raises:
            GameError: the game cannot be played.
            ValueError: the emulators cannot be divided over that many workers or shards.
            OSError: there is too little memory, or the system allows no more processes.
            WorkerError: an emulator cannot be made.
        """
        if not 1 <= workers <= count or not 1 <= shards <= count:
            raise ValueError(f"{count} emulators cannot be divided over {workers} workers and {shards} shards")
        self.game = find_game(game, rom_path) if isinstance(game, str) else game
        self.count = count
        self.shards = [range(indices[0], indices[-1] + 1) for indices in np.array_split(np.arange(count), shards)]
        with closing(make_emulator(self.game, seed=0, rgb=rgb, **settings)) as example:
            self.num_actions = example.num_actions
            self.action_names = example.action_names
            self.frame_skip = example.frame_skip
            self.can_save = example.can_save
            screen_shape = example.screen().shape
        self._arrays = SharedArrays(_layout(count, rgb, (count if share_screens else 0, *screen_shape)))
        self._workers = Workers(
            self._arrays, self.game, self.shards, workers, seed, first_index, {"rgb": rgb, **settings}
        )

    @property
    def failure(self) -> WorkerError | None:
        """The error of a worker that failed, which every later call raises again; None while all workers work."""
        return self._workers.failure

    def __enter__(self) -> "EmulatorPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def observations(self) -> np.ndarray:
        """A copy of the current observation of every emulator, uint8 [count, 84, 84, 4 or 12]."""
        return self._arrays["observations"].copy()

    @property
    def screens(self) -> np.ndarray:
        """The screen after each emulator's last decision, or the first of the next episode where one ended.

        uint8 [count, height, width, 3]. Without `share_screens` the array is empty: its first dimension is 0.
        """
        return self._arrays["screens"]

    def reset(self) -> np.ndarray:
        """Start an episode in every emulator and return the first observations."""
        self._workers.ask("reset")
        return self.observations

    def step(self, shard: int, actions: np.ndarray, repeats: np.ndarray) -> StepResult:
        """Play `actions[i]` 1 + `repeats[i]` times in emulator i of `shard`, and start a new episode where one ended.

        Several threads may step different shards at the same time. Raises WorkerError.
        """
        arrays, indices = self._arrays, slice(self.shards[shard].start, self.shards[shard].stop)
        arrays["actions"][indices] = actions
        arrays["repeats"][indices] = repeats
        self._workers.step(shard)
        return StepResult(*(arrays[name][indices].copy() for name in StepResult._fields))

    def save_states(self) -> list[bytes]:
        """Return the state of every emulator, if they `can_save`. `Emulator.save_state` explains it."""
        return self._workers.ask("save_state")

    def load_states(self, states: Sequence[bytes]) -> None:
        """Load state i into emulator i. Raises ValueError unless there is one state for each emulator."""
        if len(states) != self.count:
            raise ValueError(f"{len(states)} states for {self.count} emulators")
        self._workers.ask("load_state", states)

    def close(self) -> None:
        """End the workers. It is safe to call this twice."""
        self._workers.close()

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return self._workers.pids


def _layout(count: int, rgb: bool, screens_shape: tuple[int, ...]) -> Layout:
    return {
        "observations": ((count, SIZE, SIZE, STACK * (3 if rgb else 1)), np.uint8),
        "rewards": ((count,), np.float64),
        "dones": ((count,), np.bool_),
        "plays": ((count,), np.int32),
        "actions": ((count,), np.int32),
        "repeats": ((count,), np.int32),
        "screens": (screens_shape, np.uint8),
    }
