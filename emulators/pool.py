"""Many emulators of one game, stepped at the same time by worker processes.

Python threads cannot step games side by side (an emulator's step holds the interpreter's lock), processes can. Each
shard of emulators is stepped by itself, so that a learner may have one play while another waits for the network.
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


class Steps(NamedTuple):
    """What one decision of n emulators brought. Where `dones`, `observations` already show the next episode."""

    observations: np.ndarray  # uint8 [n, 84, 84, 4 or 12], until the next step
    rewards: np.ndarray  # float32 [n], raw, summed over the plays
    dones: np.ndarray  # bool [n]
    plays: np.ndarray  # int32 [n], 1 + repeats unless the episode ended before


class EmulatorPool:
    """`count` emulators of one game, in `workers` processes, stepped by `shards` groups of consecutive emulators.

    Emulator i has the random generator of seed and `first` + i: neither workers nor shards change what is played. Use
    it as a context manager, or call `close`.
    """

    def __init__(
        self,
        game: str | Game,
        count: int,
        *,
        workers: int,
        seed: Seed,
        first: int = 0,
        shards: int = 1,
        rgb: bool = False,
        rom_path: str = ROM_PATH,
        share_screens: bool = False,
        **settings: Any,
    ):
        """With `share_screens` the property `screens` shows what a person would see. The other `settings` are those of
        `make_emulator`.

        Raises GameError, ValueError for counts that do not fit, OSError when memory or processes are short, WorkerError
        if an emulator cannot be made.
        """
        if not 1 <= workers <= count or not 1 <= shards <= count:
            raise ValueError(f"{count} emulators cannot be split over {workers} workers and {shards} shards")
        self.game = find_game(game, rom_path) if isinstance(game, str) else game
        self.count = count
        self.shards = [range(part[0], part[-1] + 1) for part in np.array_split(np.arange(count), shards)]
        with closing(make_emulator(self.game, seed=0, rgb=rgb, **settings)) as example:
            self.num_actions = example.num_actions
            self.frame_skip = example.frame_skip
            self.can_save = example.can_save
            screen_shape = example.screen().shape
        self._arrays = SharedArrays(_layout(count, rgb, (count if share_screens else 0, *screen_shape)))
        self._workers = Workers(self._arrays, self.game, self.shards, workers, seed, first, {"rgb": rgb, **settings})

    @property
    def failure(self) -> WorkerError | None:
        """The error that ended the pool, which every later call raises again."""
        return self._workers.failure

    def __enter__(self) -> "EmulatorPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def observations(self) -> np.ndarray:
        """What every emulator sees now, uint8 [count, 84, 84, 4 or 12]; a copy."""
        return self._arrays["observations"].copy()

    @property
    def screens(self) -> np.ndarray:
        """The screens after each emulator's last decision, uint8 [count, height, width, 3]; none unless shared."""
        return self._arrays["screens"]

    def reset(self) -> np.ndarray:
        """Start an episode in every emulator and return the first observations."""
        self._workers.ask("reset")
        return self.observations

    def step(self, shard: int, actions: np.ndarray, repeats: np.ndarray) -> Steps:
        """Hold action i 1 + repeats i times in emulator i of `shard`; emulators that end an episode start the next.

        The observations lie in the shared memory: the shard's next step overwrites them. Different shards may be
        stepped from different threads at the same time. Raises WorkerError.
        """
        arrays, part = self._arrays, slice(self.shards[shard].start, self.shards[shard].stop)
        arrays["actions"][part] = actions
        arrays["repeats"][part] = repeats
        self._workers.step(shard)
        return Steps(arrays["observations"][part], *(arrays[name][part].copy() for name in Steps._fields[1:]))

    def save_states(self) -> list[bytes]:
        """The state of every emulator, where it `can_save`; see `Emulator.save_state`."""
        return self._workers.ask("save_state")

    def load_states(self, states: Sequence[bytes]) -> None:
        """Put every emulator into the state that was saved for it. Raises ValueError unless there is one for each."""
        if len(states) != self.count:
            raise ValueError(f"{len(states)} states for {self.count} emulators")
        self._workers.ask("load_state", states)

    def close(self) -> None:
        """End the workers; safe to call twice."""
        self._workers.close()

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return self._workers.pids


def _layout(count: int, rgb: bool, screens_shape: tuple[int, ...]) -> Layout:
    return {
        "observations": ((count, SIZE, SIZE, STACK * (3 if rgb else 1)), np.uint8),
        "rewards": ((count,), np.float32),
        "dones": ((count,), np.bool_),
        "plays": ((count,), np.int32),
        "actions": ((count,), np.int32),
        "repeats": ((count,), np.int32),
        "screens": (screens_shape, np.uint8),
    }
