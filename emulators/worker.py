"""The process that steps some of a pool's emulators.

The parent and a worker share arrays; through one connection per shard go only short requests and answers. A worker ends
when its parent's end of a connection closes, so none outlives the parent, however that ended.
"""

import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from typing import Any

from emulators.emulator import Emulator, Seed
from emulators.registry import Game, make_emulator
from emulators.shared_memory import SharedArrays

Request = tuple[str, Any]  # what to do with every emulator of the group, and its argument
Answer = tuple[bool, Any]  # (True, result), or (False, (emulator number, traceback))


def run_worker(
    arrays: SharedArrays,
    game: Game,
    seed: Seed,
    settings: Mapping[str, Any],
    groups: list[tuple[Connection, list[int]]],
) -> None:
    """Build the emulators of each group and serve the group's connection until it is closed."""
    seeds = [seed] if isinstance(seed, int) else list(seed)
    served = {
        connection: Group(arrays, numbers, lambda number: make_emulator(game, seed=[*seeds, number], **settings))
        for connection, numbers in groups
    }
    try:
        while True:
            for connection in wait(list(served)):
                assert isinstance(connection, Connection)
                connection.send(served[connection].answer(connection.recv()))
    except (EOFError, ConnectionError):
        pass  # the parent is gone or has closed the pool


class Group:
    """The emulators of one shard in one worker, by their number in the pool."""

    def __init__(self, arrays: SharedArrays, numbers: list[int], make: Callable[[int], Emulator]):
        self.numbers = numbers
        self.emulators: dict[int, Emulator] = {}
        self._make = make
        self._arrays = arrays

    def answer(self, request: Request) -> Answer:
        """Do what `request` names for each emulator in turn; the result is the list of what they returned."""
        command, argument = request
        number = -1
        try:
            results = []
            for place, number in enumerate(self.numbers):
                results.append(getattr(self, f"_{command}")(number, argument and argument[place]))
            return True, results
        except Exception:  # whatever it is, the parent must hear of it
            return False, (number, traceback.format_exc())

    def _make_emulator(self, number: int, _: None) -> None:
        self.emulators[number] = self._make(number)

    def _reset(self, number: int, _: None) -> None:
        self._arrays["observations"][number] = self.emulators[number].reset()

    def _step(self, number: int, _: None) -> None:
        arrays, emulator = self._arrays, self.emulators[number]
        observation, reward, done, plays = emulator.hold(int(arrays["actions"][number]), int(arrays["repeats"][number]))
        arrays["observations"][number] = emulator.reset() if done else observation
        arrays["rewards"][number] = reward
        arrays["dones"][number] = done
        arrays["plays"][number] = plays
        if len(arrays["screens"]):
            arrays["screens"][number] = emulator.screen()

    def _save_state(self, number: int, _: None) -> bytes:
        return self.emulators[number].save_state()

    def _load_state(self, number: int, state: bytes) -> None:
        self.emulators[number].load_state(state)
        self._arrays["observations"][number] = self.emulators[number].observation
