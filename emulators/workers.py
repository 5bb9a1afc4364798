"""The parent's side of the worker processes: it starts them, asks them and ends them."""

import multiprocessing
import pickle
import select
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any, NamedTuple

from emulators.emulator import Seed
from emulators.registry import Game
from emulators.shared_memory import SharedArrays
from emulators.worker import DONE, STEP, Part, Request, run_worker

WORKER_TIMEOUT_S = 300  # until a silent worker is given up; the longest decision takes milliseconds


class WorkerError(RuntimeError):
    """A worker process raised, died or fell silent; the message names the game and the emulators."""


class _Group(NamedTuple):
    """The parent's side of one shard's emulators in one worker."""

    connection: Connection
    poller: select.poll  # for its answers
    numbers: list[int]
    worker: int


class Workers:
    """The processes that step the emulators of `shards`, lists of their numbers.

    Where a worker fails, WorkerError is raised by that request and by all later ones. Raises ValueError once closed.
    """

    def __init__(
        self,
        arrays: SharedArrays,
        game: Game,
        shards: Sequence[range],
        count: int,
        seed: Seed,
        first: int,
        settings: dict[str, Any],
    ):
        """Starts `count` processes and makes the emulators in them.

        Emulator i has the random generator of `seed` and `first` + i. `settings` are those of `make_emulator`.
        """
        self.failure: WorkerError | None = None
        self._game = game
        self._groups: list[list[_Group]] = [[] for _ in shards]
        self._processes: list[multiprocessing.process.BaseProcess] = []
        # Also where nobody calls close: workers that wait for requests would keep the program from ending. A weakref's
        # finalizer could come too late, after multiprocessing's own wait for them.
        self._end = Finalize(self, _end_workers, (self._groups, self._processes), exitpriority=0)
        try:
            with _interrupts_blocked():
                for worker in range(count):
                    self._spawn(worker, count, shards, (arrays, game, seed, first, settings))
            arrays.close_file()
            self.ask("make_emulator")
        except BaseException:
            self.close()
            raise

    def _spawn(self, worker: int, count: int, shards: Sequence[range], arguments: tuple[Any, ...]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process that runs TensorFlow can hang
        parts = []
        for shard, numbers in enumerate(shards):
            mine = [number for number in numbers if _worker_of(number, shard, count, len(shards)) == worker]
            if mine:
                ours, theirs = context.Pipe()
                parts.append(Part(theirs, mine))
                poller = select.poll()
                poller.register(ours.fileno(), select.POLLIN)
                self._groups[shard].append(_Group(ours, poller, mine, worker))
        process = context.Process(target=run_worker, args=(*arguments, parts), daemon=True)
        process.start()
        self._processes.append(process)
        for part in parts:
            part.connection.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [process.pid for process in self._processes if process.pid is not None]

    def step(self, shard: int) -> None:
        """Have all emulators of `shard` play the decision that stands in the shared arrays."""
        groups = self._groups[shard]
        self._send(groups, [STEP] * len(groups))

    def ask(self, command: str, arguments: Sequence[Any] | None = None) -> list[Any]:
        """Have every emulator carry out `command`, a method of `worker.Group`; the results by the emulator's number.

        `arguments` has one for each emulator.
        """
        groups = [group for groups in self._groups for group in groups]
        requests: list[Request] = [
            (command, arguments and [arguments[number] for number in group.numbers]) for group in groups
        ]
        answers = self._send(groups, [pickle.dumps(request) for request in requests])
        results = {
            number: result
            for group, answer in zip(groups, answers, strict=True)
            for number, result in zip(group.numbers, answer, strict=True)
        }
        return [results[number] for number in sorted(results)]

    def close(self) -> None:
        """End the workers; safe to call twice."""
        self._end()

    def _send(self, groups: list[_Group], requests: list[bytes]) -> list[Any]:
        """Send each of `groups` its request, then wait for all answers."""
        if self.failure:
            raise self.failure
        if not self._end.still_active():
            raise ValueError("the pool is closed")
        answers = []
        try:
            for group, request in zip(groups, requests, strict=True):
                group.connection.send_bytes(request)
            for group in groups:
                answers.append(self._receive(group))
        except (EOFError, ConnectionError):
            process = self._processes[group.worker]
            process.join(timeout=5)
            self.failure = self._failed(group, f"died (exit code {process.exitcode})")
            raise self.failure from None
        except WorkerError as error:
            self.failure = error
            raise
        return answers

    def _receive(self, group: _Group) -> Any:
        # A second at a time: the time limit must not run out while the whole program is stopped (Ctrl+Z).
        if not any(group.poller.poll(1000) for _ in range(WORKER_TIMEOUT_S)):
            raise self._failed(group, f"gave no answer within {WORKER_TIMEOUT_S} seconds")
        answer = group.connection.recv_bytes()
        if answer == DONE:
            return None
        done, result = pickle.loads(answer)
        if not done:
            number, trace = result
            raise WorkerError(f"{self._game}, emulator {number} failed:\n{trace}")
        return result

    def _failed(self, group: _Group, how: str) -> WorkerError:
        numbers = ", ".join(map(str, group.numbers))
        return WorkerError(f"{self._game}: the worker process of emulators {numbers} {how}")


def _worker_of(number: int, shard: int, workers: int, shards: int) -> int:
    """The worker that steps emulator `number` of `shard`.

    With more workers than shards, every shard is spread over all workers: one that plays alone has all cores.
    Otherwise a worker steps whole shards. It and the network's thread of the shard take turns, so that each shard keeps
    one core busy; where more threads want to run than there are cores, the system leaves some idle for milliseconds.
    """
    return number % workers if workers > shards else shard % workers


def _end_workers(groups: list[list[_Group]], processes: list[multiprocessing.process.BaseProcess]) -> None:
    """Close the connections, which a worker takes as its end; one that hangs inside a game is killed."""
    for connection in (group.connection for shard in groups for group in shard):
        connection.close()
    for process in processes:
        process.join(timeout=5)
        if process.is_alive():
            process.kill()
            process.join()
    groups.clear()
    processes.clear()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl+C reaches the whole process group, but only the parent may act on it: it saves first.

    What is spawned here inherits the blocked signals, from its first instruction on; the parent gets its own later.
    """
    resource_tracker.ensure_running()  # it would unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
