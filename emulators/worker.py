"""The process that steps some of a pool's emulators.

A worker has one connection to its parent for each shard in which it steps emulators. Observations, actions and results
lie in shared arrays; a connection carries only short requests and answers. The most frequent request, one decision, is
an empty message with an empty answer, so nothing is pickled. A worker ends as soon as the parent's end of a connection
is closed, so it never outlives its parent, however the parent ended.
"""

import pickle
import select
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from emulators.emulator import Emulator, GameError, Seed
from emulators.registry import Game, make_emulator
from emulators.shared_memory import SharedArrays

STEP_REQUEST = STEP_ANSWER = b""
Request = tuple[str, Any]  # (name of a command for every emulator of the group, its arguments)
Answer = tuple[bool, Any]  # (True, results), or (False, (index of the emulator that failed, message, traceback or ""))


class Assignment(NamedTuple):
    """The emulators of one shard that a worker steps."""

    connection: Connection  # on which the worker receives requests for these emulators
    indices: list[int]  # of the emulators in the pool


def run_worker(
    arrays: SharedArrays,
    game: Game,
    seed: Seed,
    first_index: int,
    settings: Mapping[str, Any],
    assignments: list[Assignment],
) -> None:
    """Make the assigned emulators and answer requests until the parent closes a connection.

    Emulator i is seeded with `seed` and `first_index` + i. `settings` are those of `make_emulator`.
    """
    seeds = [seed] if isinstance(seed, int) else list(seed)
    groups = {
        assignment.connection.fileno(): EmulatorGroup(
            arrays, assignment, lambda index: make_emulator(game, seed=[*seeds, first_index + index], **settings)
        )
        for assignment in assignments
    }
    poller = select.poll()
    for fd in groups:
        poller.register(fd, select.POLLIN)
    try:
        while True:
            for fd, _ in poller.poll():
                groups[fd].serve()
    except (EOFError, ConnectionError):
        pass  # the parent has ended or has closed the pool


class EmulatorGroup:
    """The emulators of one shard that one worker steps, by their index in the pool."""

    def __init__(self, arrays: SharedArrays, assignment: Assignment, make: Callable[[int], Emulator]):
        self.emulators: dict[int, Emulator] = {}
        self._connection, self._indices = assignment
        self._make = make
        self._arrays = arrays

    def serve(self) -> None:
        """Receive one request and answer it."""
        request = self._connection.recv_bytes()
        self._current = -1  # index of the emulator at work
        try:
            if request == STEP_REQUEST:
                self._step()
                self._connection.send_bytes(STEP_ANSWER)
                return
            command, arguments = pickle.loads(request)
            results = []
            for place, index in enumerate(self._indices):
                self._current = index
                results.append(getattr(self, f"_{command}")(index, arguments and arguments[place]))
            answer: Answer = (True, results)
        except GameError as error:  # the user's environment gave something that cannot be used
            answer = (False, (self._current, str(error), ""))
        except Exception:  # the parent must learn of any error
            answer = (False, (self._current, "failed", traceback.format_exc()))
        self._connection.send(answer)

    def _step(self) -> None:
        arrays, indices = self._arrays, self._indices
        rewards, dones, plays = [], [], []
        for self._current, action, repeats in zip(
            indices, arrays["actions"][indices].tolist(), arrays["repeats"][indices].tolist(), strict=True
        ):
            emulator = self.emulators[self._current]
            _, reward, done, played = emulator.hold(action, repeats)
            if done:
                emulator.reset()
            rewards.append(reward)
            dones.append(done)
            plays.append(played)
            if len(arrays["screens"]):
                arrays["screens"][self._current] = emulator.screen()
        arrays["rewards"][indices], arrays["dones"][indices], arrays["plays"][indices] = rewards, dones, plays

    def _make_emulator(self, index: int, _: None) -> None:
        self.emulators[index] = self._make(index)
        self.emulators[index].write_to(self._arrays["observations"][index].view("<u4"))

    def _reset(self, index: int, _: None) -> None:
        self.emulators[index].reset()

    def _save_state(self, index: int, _: None) -> bytes:
        return self.emulators[index].save_state()

    def _load_state(self, index: int, state: bytes) -> None:
        try:
            self.emulators[index].load_state(state)
        except Exception as error:  # the state may come from a stranger
            raise GameError(f"the saved state of emulator {index} is damaged ({str(error)[:200]})") from None
