"""The process that steps some of a pool's emulators.

A worker has a connection to its parent for commands, such as saving a state, and a pipe for each shard in which it
steps emulators. Observations, actions and results lie in shared arrays, so the most frequent request, one decision, is
a single byte, and its answer the index of the worker. A worker ends when its parent closes the pool, or when the parent
has ended, for any reason.
"""

import multiprocessing
import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from emulators.emulator import Emulator, GameError, Seed
from emulators.forked_signals import reset_in_forks
from emulators.registry import Game, make_emulator
from emulators.shared_memory import SharedArrays

STEP_REQUEST = b"\0"
ANSWER = np.dtype(np.uint32)  # of the answer to a step, which is the index of the worker


class ShardPart(NamedTuple):
    """The emulators of one shard that a worker steps, by their index in the pool."""

    indices: list[int]
    requests: Connection  # a pipe with a byte for each step
    answers: Connection  # the pipe for the answers of all workers of the shard


class Result(NamedTuple):
    """What a worker sends after a command, or after a step that failed."""

    succeeded: bool
    value: Any  # a list of the results, or (index of the emulator that failed, message, traceback or "")


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
    closing_s = closing_time_s(sum(len(part.indices) for part in assignment.parts))
    threading.Thread(target=_end_with_parent, args=(closing_s,), daemon=True).start()
    # The parent blocks this signal here. It stays without effect, but programs that an environment starts inherit only
    # blocked and ignored signals, so that the environment can end them.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    reset_in_forks([signal.SIGTERM])
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
    except (EOFError, OSError):
        worker.close()  # the parent has ended or has closed the pool


def closing_time_s(emulators: int) -> float:
    """Return how long a worker may take to close its emulators, before it is killed and may leave programs behind."""
    return min(5 + emulators, 30)


def _end_with_parent(closing_s: float) -> None:
    """Wait until the parent has ended, and end this process `closing_s` later, even if an emulator hangs."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    time.sleep(closing_s)  # until then the main thread closes the emulators, and ends this process earlier
    os._exit(1)


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

    def close(self) -> None:
        """Close the emulators, whose environments may have started programs, and end the processes that they left."""
        for emulator in self.emulators.values():
            with suppress(Exception):  # nobody is left to report it to
                emulator.close()
        for process in multiprocessing.active_children():
            process.kill()

    def answer_step(self, part: ShardPart) -> None:
        """Read the request for a step, play the decisions in the shared arrays, and answer or send the error."""
        if not os.read(part.requests.fileno(), len(STEP_REQUEST)):
            raise EOFError
        result = self._result_or_error(self._step, part.indices)
        if result.succeeded:
            os.write(part.answers.fileno(), self._answer)
        else:
            self._commands.send(result)

    def answer_command(self) -> None:
        """Receive the name of a command and its arguments, carry it out for every emulator, and send the results."""
        self._commands.send(self._result_or_error(self._carry_out, *self._commands.recv()))

    def _result_or_error(self, function: Callable[..., Any], *arguments: Any) -> Result:
        try:
            return Result(True, function(*arguments))
        except GameError as error:  # the user's environment gave something that cannot be used
            return Result(False, (self._current, str(error), ""))
        except Exception:  # the parent must learn of any error
            return Result(False, (self._current, "failed", traceback.format_exc()))

    def _carry_out(self, command: str, arguments: Sequence[Any] | None) -> list[Any]:
        results = []
        for place, index in enumerate(self._indices):
            self._current = index
            results.append(getattr(self, f"_{command}")(index, arguments and arguments[place]))
        return results

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
            raise GameError(
                f"the saved state of emulator {index} cannot be loaded: it is damaged, or was saved with another "
                f"ROM or version of the game ({str(error)[:200]}); play with that one, or delete emulators.npz in the "
                "folder of the checkpoint to start new episodes"
            ) from None
