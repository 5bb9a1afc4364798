"""Many emulators stepped by worker processes.

Python threads cannot step games side by side (an emulator's step holds the interpreter's lock), processes can. Each
shard of emulators is stepped by itself, so that a learner may have one play while another waits for the network.
"""

import multiprocessing
import pickle
import select
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any, NamedTuple

import numpy as np

from emulators.emulator import Seed
from emulators.preprocessing import SIZE, STACK
from emulators.registry import ROM_PATH, Game, find_game, make_emulator
from emulators.shared_memory import SharedArrays
from emulators.worker import DONE, STEP, Request, Share, run_worker

PATIENCE = 300  # seconds until a silent worker is given up; the longest decision takes milliseconds


class WorkerError(RuntimeError):
    """A worker process raised, died or fell silent; the message names the game and the emulators."""


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
        self.failure: WorkerError | None = None
        self._arrays = SharedArrays(
            {
                "observations": ((count, SIZE, SIZE, STACK * (3 if rgb else 1)), np.uint8),
                "rewards": ((count,), np.float32),
                "dones": ((count,), np.bool_),
                "plays": ((count,), np.int32),
                "actions": ((count,), np.int32),
                "repeats": ((count,), np.int32),
                "screens": ((count if share_screens else 0, *screen_shape), np.uint8),
            }
        )
        self._groups: list[list[_Group]] = [[] for _ in self.shards]
        self._processes: list[multiprocessing.process.BaseProcess] = []
        # Also where nobody calls close: workers that wait for requests would keep the program from ending. A weakref's
        # finalizer could come too late, after multiprocessing's own wait for them.
        self._end_workers = Finalize(self, _end_workers, (self._groups, self._processes), exitpriority=0)
        try:
            with _interrupts_blocked():
                self._spawn(workers, seed, first, {"rgb": rgb, **settings})
            self._arrays.close_file()
            self._ask_all("make_emulator")
        except BaseException:
            self.close()
            raise

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
        self._ask_all("reset")
        return self.observations

    def step(self, shard: int, actions: np.ndarray, repeats: np.ndarray) -> Steps:
        """Hold action i 1 + repeats i times in emulator i of `shard`; emulators that end an episode start the next.

        The observations lie in the shared memory: the shard's next step overwrites them. Different shards may be
        stepped from different threads at the same time. Raises WorkerError.
        """
        arrays, part = self._arrays, slice(self.shards[shard].start, self.shards[shard].stop)
        arrays["actions"][part] = actions
        arrays["repeats"][part] = repeats
        self._send(self._groups[shard], [STEP] * len(self._groups[shard]))
        return Steps(arrays["observations"][part], *(arrays[name][part].copy() for name in Steps._fields[1:]))

    def save_states(self) -> list[bytes]:
        """The state of every emulator, where it `can_save`; see `Emulator.save_state`."""
        return self._ask_all("save_state")

    def load_states(self, states: Sequence[bytes]) -> None:
        """Put every emulator into the state that was saved for it. Raises ValueError unless there is one for each."""
        if len(states) != self.count:
            raise ValueError(f"{len(states)} states for {self.count} emulators")
        self._ask_all("load_state", states)

    def close(self) -> None:
        """End the workers; safe to call twice."""
        self._end_workers()

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return [process.pid for process in self._processes if process.pid is not None]

    def _spawn(self, workers: int, seed: Seed, first: int, settings: dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process that runs TensorFlow can hang
        for worker in range(workers):
            shares = []
            for shard, numbers in enumerate(self.shards):
                mine = [number for number in numbers if self._worker_of(number, shard, workers) == worker]
                if mine:
                    ours, theirs = context.Pipe()
                    shares.append(Share(theirs, mine))
                    poller = select.poll()
                    poller.register(ours.fileno(), select.POLLIN)
                    self._groups[shard].append(_Group(ours, poller, mine, worker))
            process = context.Process(
                target=run_worker, args=(self._arrays, self.game, seed, first, settings, shares), daemon=True
            )
            process.start()
            self._processes.append(process)
            for share in shares:
                share.connection.close()

    def _worker_of(self, number: int, shard: int, workers: int) -> int:
        """With workers enough every shard is spread over all of them: one that plays alone has all cores.

        Else a shard is one worker's. That and the network's thread of the shard take turns, so that each shard keeps
        one core busy; where more want to run than there are cores, the system leaves some idle for milliseconds.
        """
        return number % workers if workers > len(self.shards) else shard % workers

    def _ask_all(self, command: str, arguments: Sequence[Any] | None = None) -> list[Any]:
        """Ask every emulator, shard by shard; the results in the order of emulators."""
        groups = [group for groups in self._groups for group in groups]
        requests: list[Request] = [
            (command, arguments and [arguments[number] for number in group.numbers]) for group in groups
        ]
        results: list[Any] = [None] * self.count
        for group, answer in zip(
            groups, self._send(groups, [pickle.dumps(request) for request in requests]), strict=True
        ):
            for number, result in zip(group.numbers, answer, strict=True):
                results[number] = result
        return results

    def _send(self, groups: list["_Group"], requests: list[bytes]) -> list[Any]:
        """Send each of `groups` its request, then wait for all answers."""
        if self.failure:
            raise self.failure
        if not self._end_workers.still_active():
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

    def _receive(self, group: "_Group") -> Any:
        # A second at a time: the patience must not run out while the whole program is stopped (Ctrl+Z).
        if not any(group.poller.poll(1000) for _ in range(PATIENCE)):
            raise self._failed(group, f"gave no answer within {PATIENCE} seconds")
        answer = group.connection.recv_bytes()
        if answer == DONE:
            return None
        done, result = pickle.loads(answer)
        if not done:
            number, trace = result
            raise WorkerError(f"{self.game}, emulator {number} failed:\n{trace}")
        return result

    def _failed(self, group: "_Group", how: str) -> WorkerError:
        numbers = ", ".join(map(str, group.numbers))
        return WorkerError(f"{self.game}: the worker process of emulators {numbers} {how}")


class _Group(NamedTuple):
    """The parent's side of one shard's emulators in one worker."""

    connection: Connection
    poller: select.poll  # for its answers
    numbers: list[int]
    worker: int


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
