"""The parent's side of the worker processes: it starts them, sends them requests and ends them."""

import multiprocessing
import os
import select
import signal
import sys
import threading
import time
import types
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from multiprocessing.util import Finalize
from typing import Any, NamedTuple

import numpy as np

from emulators.emulator import Seed
from emulators.registry import Game
from emulators.shared_memory import SharedArrays
from emulators.worker import ANSWER, STEP_REQUEST, Assignment, ShardPart, closing_time_s, run_worker

WORKER_TIMEOUT_S = 300  # a worker that takes longer to answer has failed; a decision takes milliseconds


class WorkerError(RuntimeError):
    """A worker process raised an error, died or did not answer; the message names the game and the emulators."""


class _WorkerHandle(NamedTuple):
    """The parent's side of one `Worker`."""

    process: multiprocessing.process.BaseProcess
    commands: Connection
    indices: list[int]  # of its emulators in the pool


class _ShardHandle(NamedTuple):
    """The parent's side of the workers that step one shard."""

    requests: dict[int, Connection]  # index of a worker -> the pipe for its requests
    answers: Connection  # the pipe for the answers of all workers
    answers_writer: Connection  # the workers' end of it
    poller: select.poll  # of the answers, and of the workers' commands, on which they send errors


class Workers:
    """The processes that step the emulators of `shards`, which are ranges of emulator indices.

    The request during which a worker fails, and all later ones, raise WorkerError. Requests raise ValueError after
    `close`. Threads may step different shards at the same time; nothing else may run beside another request.
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
        self._workers: list[_WorkerHandle] = []
        self._shards: list[_ShardHandle] = []
        self._receiving = threading.Lock()  # held while a thread receives: two may wait for the error of one worker
        # Also ends the workers when nobody calls `close`: otherwise they would wait for requests and keep the program
        # from ending. `weakref.finalize` could run too late, after multiprocessing has begun to wait for them.
        self._end = Finalize(self, _end_workers, (self._shards, self._workers), exitpriority=0)
        try:
            try:
                self._start_all(shards, count, (arrays, game, seed, first_index, settings))
            finally:
                arrays.close_file()
            self.ask("make_emulator")
        except BaseException:
            self.close()
            raise

    def _start_all(self, shards: Sequence[range], count: int, arguments: tuple[Any, ...]) -> None:
        """Start `count` workers; `arguments` are those of `run_worker`."""
        context = multiprocessing.get_context("spawn")  # a fork of a process that uses TensorFlow can hang
        for _ in shards:
            answers, answers_writer = context.Pipe(duplex=False)
            self._shards.append(_ShardHandle({}, answers, answers_writer, select.poll()))
            self._shards[-1].poller.register(answers, select.POLLIN)
        with _signals_blocked(), _main_module_hidden(), _hash_seed_fixed():
            for worker in range(count):
                parts = [
                    [index for index in indices if _worker_of(index, shard, count, len(shards)) == worker]
                    for shard, indices in enumerate(shards)
                ]
                self._start(context, parts, arguments)
        for shard in self._shards:
            shard.answers_writer.close()

    def _start(self, context: SpawnContext, parts: Sequence[list[int]], arguments: tuple[Any, ...]) -> None:
        """Start a worker that steps `parts`, its emulators in each shard."""
        index = len(self._workers)
        commands, worker_commands = context.Pipe()
        shard_parts = []
        for shard, indices in zip(self._shards, parts, strict=True):
            if indices:
                requests_reader, shard.requests[index] = context.Pipe(duplex=False)
                shard.poller.register(commands, select.POLLIN)
                shard_parts.append(ShardPart(indices, requests_reader, shard.answers_writer))
        assignment = Assignment(index, worker_commands, shard_parts)
        # Not a daemon: an environment may start processes of its own.
        process = context.Process(target=run_worker, args=(*arguments, assignment))
        process.start()
        self._workers.append(_WorkerHandle(process, commands, sorted(sum(parts, []))))
        for connection in (worker_commands, *(part.requests for part in shard_parts)):
            connection.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._workers if worker.process.pid is not None]

    def step(self, shard: int) -> None:
        """Make all emulators of `shard` play the actions and repeats in the shared arrays."""
        self._check()
        requests, answers, _, poller = self._shards[shard]
        waiting = set(requests)
        with self._failing_if_interrupted():
            with suppress(BrokenPipeError):  # a worker has ended, and the poller finds it
                for request in requests.values():
                    os.write(request.fileno(), STEP_REQUEST)
            while waiting:
                for fd, _ in self._poll(poller, waiting):
                    if fd == answers.fileno():
                        answered = os.read(fd, len(waiting) * ANSWER.itemsize)
                        waiting.difference_update(np.frombuffer(answered, ANSWER).tolist())
                    else:  # during a step a worker sends only errors, so this raises
                        self._receive(next(index for index in requests if self._workers[index].commands.fileno() == fd))

    def _poll(self, poller: select.poll, waiting: Iterable[int]) -> list[tuple[int, int]]:
        """Wait until a worker has sent something; raises WorkerError if none of those in `waiting` does in time."""
        # One second at a time, so that the timeout does not run out while the program is suspended (Ctrl+Z).
        for _ in range(WORKER_TIMEOUT_S):
            if ready := poller.poll(1000):
                return ready
            if self.failure:  # the thread of another shard has received the error that this one waits for
                raise self.failure
            for index in waiting:
                self._check_alive(index)
        raise self._no_answer(min(waiting))

    def ask(self, command: str, arguments: Sequence[Any] | None = None) -> list[Any]:
        """Make every emulator carry out `command`, and return the results in the order of the emulators.

        The method `_command` of `worker.Worker` carries it out. `arguments` holds one argument per emulator.
        """
        self._check()
        results: dict[int, Any] = {}
        with self._failing_if_interrupted():
            for worker in self._workers:
                with suppress(ConnectionError):  # the worker has ended, which is found below
                    worker.commands.send((command, arguments and [arguments[index] for index in worker.indices]))
            for index, worker in enumerate(self._workers):
                results.update(zip(worker.indices, self._receive(index), strict=True))
        return [results[index] for index in sorted(results)]

    @contextmanager
    def _failing_if_interrupted(self) -> Iterator[None]:
        """Let all later requests fail if this one is interrupted: they would receive the answers to this one."""
        try:
            yield
        except WorkerError:
            raise
        except BaseException:
            self.failure = WorkerError(f"{self._game}: a request to the workers was interrupted; make a new pool")
            raise

    def close(self) -> None:
        """End the workers. It is safe to call this twice."""
        self._end()

    def _check(self) -> None:
        if self.failure:
            raise self.failure
        if not self._end.still_active():
            raise ValueError("the pool is closed")

    def _receive(self, index: int) -> list[Any]:
        """Receive what a worker sends as the answer to a command or because of an error. Raises WorkerError."""
        worker = self._workers[index]
        with self._receiving:
            if self.failure:
                raise self.failure
            try:
                for _ in range(WORKER_TIMEOUT_S):
                    if worker.commands.poll(1):
                        break
                    self._check_alive(index)
                else:
                    raise self._no_answer(index)
                result = worker.commands.recv()
            except (EOFError, OSError):  # OSError if the worker has ended while it sent
                raise self._died(index) from None
            if not result.succeeded:
                emulator, message, trace = result.value
                self.failure = WorkerError(
                    f"{self._game}, emulator {emulator} {message}:\n{trace}" if trace else message
                )
                raise self.failure
            return result.value

    def _check_alive(self, index: int) -> None:
        """Raise WorkerError if the worker has died. Its pipes stay open if its environment has forked a process."""
        if not self._workers[index].process.is_alive():
            raise self._died(index)

    def _died(self, index: int) -> WorkerError:
        process = self._workers[index].process
        process.join(timeout=5)
        return self._failed(index, f"died ({_exit_reason(process.exitcode)})")

    def _no_answer(self, index: int) -> WorkerError:
        return self._failed(
            index,
            f"gave no answer within {WORKER_TIMEOUT_S} seconds; if the game is that slow, use fewer emulators (-ec) or "
            "more workers (-ew)",
        )

    def _failed(self, index: int, what: str) -> WorkerError:
        indices = self._workers[index].indices
        emulators = f"emulator{'s' * (len(indices) > 1)} {', '.join(map(str, indices))}"
        self.failure = WorkerError(f"{self._game}: the worker process of {emulators} {what}")
        return self.failure


def _exit_reason(code: int | None) -> str:
    """Why a process ended: the signal that ended it, such as SIGSEGV for an error in native code, or its exit code."""
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


def _worker_of(index: int, shard: int, num_workers: int, num_shards: int) -> int:
    """Return the index of the worker that steps emulator `index` of `shard`.

    With more workers than shards, the emulators of each shard are distributed over all workers, so that a shard that
    plays alone uses all cores. Otherwise each worker steps whole shards: the worker of a shard and the thread that runs
    the network for it take turns, so each shard keeps one core busy. Distributing the emulators in this case would make
    more threads runnable than there are cores, and the operating system then leaves some cores idle for milliseconds.
    """
    return index % num_workers if num_workers > num_shards else shard % num_workers


def _end_workers(shards: list[_ShardHandle], workers: list[_WorkerHandle]) -> None:
    """Close the connections, which ends the workers, and kill those that do not end in time."""
    for shard in shards:
        for connection in (*shard.requests.values(), shard.answers, shard.answers_writer):
            connection.close()
    for worker in workers:
        worker.commands.close()
    deadline = time.monotonic() + max((closing_time_s(len(worker.indices)) for worker in workers), default=0)
    try:
        for worker in workers:
            worker.process.join(timeout=max(0, deadline - time.monotonic()))
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
    shards.clear()
    workers.clear()


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
def _hash_seed_fixed() -> Iterator[None]:
    """Give the processes that are started in this context one order of sets of strings, unless PYTHONHASHSEED is set.

    An environment that goes through such a set would otherwise play other episodes in every worker.
    """
    is_set = "PYTHONHASHSEED" in os.environ
    os.environ.setdefault("PYTHONHASHSEED", "0")
    try:
        yield
    finally:
        if not is_set:
            os.environ.pop("PYTHONHASHSEED", None)


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
