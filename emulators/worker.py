"""The process that steps some of a pool's emulators.

The parent and a worker share arrays; through one connection per shard go only short requests and answers. A decision,
the commonest, is an empty message, answered by another: nothing to pickle. A worker ends when its parent's end of a
connection closes, so none outlives the parent, however that ended.
"""

import pickle
import select
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from emulators.emulator import Emulator, Seed
from emulators.registry import Game, make_emulator
from emulators.shared_memory import SharedArrays

STEP = DONE = b""  # the requested decision, and its answer
Request = tuple[str, Any]  # what to do with every emulator of the group, and its argument
Answer = tuple[bool, Any]  # (True, result), or (False, (emulator number, traceback))


class Part(NamedTuple):
    """A worker's part of one shard."""

    connection: Connection
    numbers: list[int]


def run_worker(
    arrays: SharedArrays, game: Game, seed: Seed, first: int, settings: Mapping[str, Any], parts: list[Part]
) -> None:
    """Build the emulators of each part and serve its connection until it is closed.

    Emulator i has the random generator of seed and `first` + i.
    """
    seeds = [seed] if isinstance(seed, int) else list(seed)
    groups = {
        part.connection.fileno(): Group(
            arrays, part, lambda number: make_emulator(game, seed=[*seeds, first + number], **settings)
        )
        for part in parts
    }
    poller = select.poll()
    for file in groups:
        poller.register(file, select.POLLIN)
    try:
        while True:
            for file, _ in poller.poll():
                groups[file].serve()
    except (EOFError, ConnectionError):
        pass  # the parent is gone or has closed the pool


class Group:
    """The emulators of one shard in one worker, by their number in the pool."""

    def __init__(self, arrays: SharedArrays, part: Part, make: Callable[[int], Emulator]):
        self.emulators: dict[int, Emulator] = {}
        self._connection, self._numbers = part
        self._make = make
        self._arrays = arrays

    def serve(self) -> None:
        """Take one request and answer it."""
        request = self._connection.recv_bytes()
        self._number = -1
        try:
            if request == STEP:
                self._step()
                self._connection.send_bytes(DONE)
                return
            command, argument = pickle.loads(request)
            results = []
            for place, number in enumerate(self._numbers):
                self._number = number
                results.append(getattr(self, f"_{command}")(number, argument and argument[place]))
            answer: Answer = (True, results)
        except Exception:  # whatever it is, the parent must hear of it
            answer = (False, (self._number, traceback.format_exc()))
        self._connection.send(answer)

    def _step(self) -> None:
        arrays, numbers = self._arrays, self._numbers
        rewards, dones, plays = [], [], []
        for self._number, action, repeats in zip(
            numbers, arrays["actions"][numbers].tolist(), arrays["repeats"][numbers].tolist(), strict=True
        ):
            emulator = self.emulators[self._number]
            _, reward, done, played = emulator.hold(action, repeats)
            if done:
                emulator.reset()
            rewards.append(reward)
            dones.append(done)
            plays.append(played)
            if len(arrays["screens"]):
                arrays["screens"][self._number] = emulator.screen()
        arrays["rewards"][numbers], arrays["dones"][numbers], arrays["plays"][numbers] = rewards, dones, plays

    def _make_emulator(self, number: int, _: None) -> None:
        self.emulators[number] = self._make(number)
        self.emulators[number].write_to(self._arrays["observations"][number].view("<u4"))

    def _reset(self, number: int, _: None) -> None:
        self.emulators[number].reset()

    def _save_state(self, number: int, _: None) -> bytes:
        return self.emulators[number].save_state()

    def _load_state(self, number: int, state: bytes) -> None:
        self.emulators[number].load_state(state)
