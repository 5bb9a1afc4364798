"""The parent's side of the worker processes: it starts them, sends them requests and ends them."""

import multiprocessing
import pickle
import select
import signal
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any, NamedTuple

from emulators.emulator import Seed
from emulators.registry import Game
from emulators.shared_memory import SharedArrays
from emulators.worker import STEP_ANSWER, STEP_REQUEST, Assignment, Request, run_worker

WORKER_TIMEOUT_S = 300  # a worker that takes longer to answer has failed; a decision takes milliseconds


class WorkerError(RuntimeError):
    """A worker process raised an error, died or did not answer; the message names the game and the emulators."""


class _GroupHandle(NamedTuple):
    """The parent's side of one `EmulatorGroup`."""

    connection: Connection
    poller: select.poll  # of the connection
    indices: list[int]  # of the emulators in the pool
    worker: int  # index of the process


class Workers:
    """The processes that step the emulators of `shards`, which are ranges of emulator indices.

    When a worker fails, that request and all later ones raise WorkerError. Requests raise ValueError after `close`.
    """

    def __init__(
        self,
        arrays: SharedArrays,
        game: Game,
        shards: Sequence[range],
        count: int,
        seed: Seed,
        first_index: int,
        settings: dict[str, Any],
    ):
        """Start `count` processes and make the emulators in them.

        Emulator i is seeded with `seed` and `first_index` + i. `settings` are those of `make_emulator`.
        """
        self.failure: WorkerError | None = None
        self._game = game
        self._groups: list[list[_GroupHandle]] = [[] for _ in shards]
        self._processes: list[multiprocessing.process.BaseProcess] = []
        # Also ends the workers when nobody calls `close`: otherwise they would wait for requests and keep the program
        # from ending. `weakref.finalize` could run too late, after multiprocessing has begun to wait for them.
        self._end = Finalize(self, _end_workers, (self._groups, self._processes), exitpriority=0)
        try:
            with _signals_blocked(), _main_module_hidden():
                for worker in range(count):
                    self._spawn(worker, count, shards, (arrays, game, seed, first_index, settings))
            arrays.close_file()
            self.ask("make_emulator")
        except BaseException:
            self.close()
            raise

    def _spawn(self, worker: int, count: int, shards: Sequence[range], arguments: tuple[Any, ...]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process that uses TensorFlow can hang
        assignments = []
        for shard, all_indices in enumerate(shards):
            indices = [index for index in all_indices if _worker_of(index, shard, count, len(shards)) == worker]
            if indices:
                parent_end, worker_end = context.Pipe()
                assignments.append(Assignment(worker_end, indices))
                poller = select.poll()
                poller.register(parent_end.fileno(), select.POLLIN)
                self._groups[shard].append(_GroupHandle(parent_end, poller, indices, worker))
        process = context.Process(target=run_worker, args=(*arguments, assignments), daemon=True)
        process.start()
        self._processes.append(process)
        for assignment in assignments:
            assignment.connection.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [process.pid for process in self._processes if process.pid is not None]

    def step(self, shard: int) -> None:
        """Make all emulators of `shard` play the actions and repeats in the shared arrays."""
        groups = self._groups[shard]
        self._send(groups, [STEP_REQUEST] * len(groups))

    def ask(self, command: str, arguments: Sequence[Any] | None = None) -> list[Any]:
        """Make every emulator carry out `command`, and return the results in the order of the emulators.

        The method `_command` of `worker.EmulatorGroup` carries it out. `arguments` holds one argument per emulator.
        """
        groups = [group for groups in self._groups for group in groups]
        requests: list[Request] = [
            (command, arguments and [arguments[index] for index in group.indices]) for group in groups
        ]
        answers = self._send(groups, [pickle.dumps(request) for request in requests])
        results = {
            index: result
            for group, answer in zip(groups, answers, strict=True)
            for index, result in zip(group.indices, answer, strict=True)
        }
        return [results[index] for index in sorted(results)]

    def close(self) -> None:
        """End the workers. It is safe to call this twice."""
        self._end()

    def _send(self, groups: list[_GroupHandle], requests: list[bytes]) -> list[Any]:
        """Send request i to group i, then wait for all answers."""
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
            self.failure = self._error(group, f"died (exit code {process.exitcode})")
            raise self.failure from None
        except WorkerError as error:
            self.failure = error
            raise
        return answers

    def _receive(self, group: _GroupHandle) -> Any:
        # Waits one second at a time, so that the timeout does not run out while the program is suspended (Ctrl+Z).
        if not any(group.poller.poll(1000) for _ in range(WORKER_TIMEOUT_S)):
            raise self._error(group, f"gave no answer within {WORKER_TIMEOUT_S} seconds")
        answer = group.connection.recv_bytes()
        if answer == STEP_ANSWER:
            return None
        succeeded, result = pickle.loads(answer)
        if not succeeded:
            index, message, trace = result
            raise WorkerError(f"{self._game}, emulator {index} {message}:\n{trace}" if trace else message)
        return result

    def _error(self, group: _GroupHandle, what: str) -> WorkerError:
        indices = ", ".join(map(str, group.indices))
        emulators = "emulator" if len(group.indices) == 1 else "emulators"
        return WorkerError(f"{self._game}: the worker process of {emulators} {indices} {what}")


def _worker_of(index: int, shard: int, num_workers: int, num_shards: int) -> int:
    """Return the index of the worker that steps emulator `index` of `shard`.

    With more workers than shards, the emulators of each shard are distributed over all workers, so that a shard that
    plays alone uses all cores. Otherwise each worker steps whole shards: the worker of a shard and the thread that runs
    the network for it take turns, so each shard keeps one core busy. Distributing the emulators in this case would make
    more threads runnable than there are cores, and the operating system then leaves some cores idle for milliseconds.
    """
    return index % num_workers if num_workers > num_shards else shard % num_workers


def _end_workers(groups: list[list[_GroupHandle]], processes: list[multiprocessing.process.BaseProcess]) -> None:
    """Close the connections, which ends the workers, and kill those that do not end within 5 seconds."""
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
def _signals_blocked() -> Iterator[None]:
    """Block SIGINT, SIGTERM and SIGHUP for good in the processes that are started in this context.

    Ctrl+C reaches the whole process group, but only the parent may react to it: it still needs the workers to save. A
    spawned process inherits the blocked signals, so they are blocked from its first instruction on. The parent receives
    its own signals when the context ends.
    """
    resource_tracker.ensure_running()  # started later, it would unblock the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keep processes that are started in this context from importing the program's main module again.

    Workers do not need it. In a script without `if __name__ == "__main__":` the import would start the training again,
    and the main module of a program from stdin cannot be imported at all.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
