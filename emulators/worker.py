"""The process that steps some of a pool's emulators.

A worker has a connection to its parent for commands, such as saving a state, and a pipe for each shard in which it
steps emulators. Observations, actions and results lie in shared arrays, so the most frequent request, one decision, is
a single byte, and its answer the index of the worker. A worker ends as soon as the parent's ends are closed, so it
never outlives its parent, however the parent ended.
"""

import os
import select
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from emulators.emulator import Emulator, GameError, Seed
from emulators.registry import Game, make_emulator
from emulators.shared_memory import SharedArrays

STEP_REQUEST = b"\0"
ANSWER = np.dtype(np.uint32)  # to a step: the worker's index


class ShardPart(NamedTuple):
    """The emulators of one shard that a worker steps, by their index in the pool."""

    indices: list[int]
    requests: Connection  # a pipe with a byte for each step
    answers: Connection  # the pipe for the answers of all workers of the shard


class Assignment(NamedTuple):
    """What a worker is responsible for."""

    worker: int  # its index
    commands: Connection  # for commands and their answers, and for errors
    parts: list[ShardPart]


def run_worker(
    arrays: SharedArrays,
    game: Game,
    seed: Seed,
    first_index: int,
    settings: Mapping[str, Any],
    assignment: Assignment,
) -> None:
    """Make the assigned emulators and answer requests until the parent closes its ends.

    Emulator i is seeded with `seed` and `first_index` + i. `settings` are those of `make_emulator`.
    """
    seeds = [seed] if isinstance(seed, int) else list(seed)
    worker = Worker(arrays, assignment, lambda i: make_emulator(game, seed=[*seeds, first_index + i], **settings))
    parts = {part.requests.fileno(): part for part in assignment.parts}
    poller = select.poll()
    for fd in (assignment.commands.fileno(), *parts):
        poller.register(fd, select.POLLIN)
    try:
        while True:
            for fd, _ in poller.poll():
                if fd in parts:
                    worker.answer_step(parts[fd])
                else:
                    worker.answer_command()
    except (EOFError, ConnectionError):
        pass  # the parent has ended or has closed the pool


class Worker:
    """The emulators of one worker, by their index in the pool."""

    def __init__(self, arrays: SharedArrays, assignment: Assignment, make: Callable[[int], Emulator]):
        self.emulators: dict[int, Emulator] = {}
        self._answer = ANSWER.type(assignment.worker).tobytes()
        self._commands = assignment.commands
        self._indices = sorted(index for part in assignment.parts for index in part.indices)
        self._make = make
        self._arrays = arrays
        self._current = -1  # index of the emulator at work

    def answer_step(self, part: ShardPart) -> None:
        """Read the request for a step, play the decisions in the shared arrays, and answer."""
        if not os.read(part.requests.fileno(), len(STEP_REQUEST)):
            raise EOFError
        with self._errors_sent():
            self._step(part.indices)
            os.write(part.answers.fileno(), self._answer)

    def answer_command(self) -> None:
        """Receive the name of a command and its arguments, carry it out for every emulator, and send the results."""
        command, arguments = self._commands.recv()
        with self._errors_sent():
            results = []
            for place, index in enumerate(self._indices):
                self._current = index
                results.append(getattr(self, f"_{command}")(index, arguments and arguments[place]))
            self._commands.send((True, results))

    @contextmanager
    def _errors_sent(self) -> Iterator[None]:
        try:
            yield
        except ConnectionError:  # the parent has ended
            raise
        except GameError as error:  # the user's environment gave something that cannot be used
            self._commands.send((False, (self._current, str(error), "")))
        except Exception:  # the parent must learn of any error
            self._commands.send((False, (self._current, "failed", traceback.format_exc())))

    def _step(self, indices: Sequence[int]) -> None:
        arrays = self._arrays
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
