"""Many emulators stepped by worker processes.

Python threads cannot step games side by side (an emulator's step holds the interpreter's lock), processes can. Each
shard of emulators is stepped by itself, so that a learner may have one play while another waits for the network.
"""

import multiprocessing
import signal
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from emulators.emulator import Seed
from emulators.preprocessing import SIZE, STACK
from emulators.registry import ROM_PATH, Game, find_game, make_emulator
from emulators.shared_memory import SharedArrays
from emulators.worker import Request, run_worker

PATIENCE = 300.0  # seconds until a silent worker is given up; the longest decision takes milliseconds


class WorkerError(RuntimeError):
    """A worker process raised, died or fell silent; the message names the game and the emulators."""


class Steps(NamedTuple):
    """What one decision of n emulators brought. Where `dones`, `observations` already show the next episode."""

    observations: np.ndarray  # uint8 [n, 84, 84, 4 or 12]
    rewards: np.ndarray  # float32 [n], raw, summed over the plays
    dones: np.ndarray  # bool [n]
    plays: np.ndarray  # int32 [n], 1 + repeats unless the episode ended before


class EmulatorPool:
    """`count` emulators of one game, in `workers` processes, stepped by `shards` groups of consecutive emulators.

    Emulator i has the random generator of seed and i: neither workers nor shards change what is played. Use it as a
    context manager, or call `close`.
    """

    def __init__(
        self,
        game: str | Game,
        count: int,
        *,
        workers: int,
        seed: Seed,
        shards: int = 1,
        rgb: bool = False,
        rom_path: str = ROM_PATH,
        share_screens: bool = False,
        **settings: Any,
    ):
        """With `share_screens` the property `screens` shows what a person would see. The other `settings` are those of
        `make_emulator`. Raises GameError, ValueError for counts that do not fit,
        OSError when memory or processes are short, WorkerError if an emulator cannot be made.
        """
        if not 1 <= workers <= count or not 1 <= shards <= count:
            raise ValueError(f"{count} emulators cannot be split over {workers} workers and {shards} shards")
        self.game = find_game(game, rom_path) if isinstance(game, str) else game
        self.count = count
        self.shards = [range(part[0], part[-1] + 1) for part in np.array_split(np.arange(count), shards)]
        with closing(make_emulator(self.game, seed=0, rgb=rgb, **settings)) as example:
            self.num_actions = example.num_actions
            self.frame_skip = example.frame_skip
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
        # Every shard is spread over all workers, so that a shard that plays alone still has all cores.
        self._groups: list[list[_Group]] = [[] for _ in self.shards]
        self._processes: list[multiprocessing.process.BaseProcess] = []
        # Also where nobody calls close: workers that wait for requests would keep the program from ending.
        self._end_workers = weakref.finalize(self, _end_workers, self._groups, self._processes)
        try:
            with _interrupts_blocked():
                self._spawn(workers, seed, {"rgb": rgb, **settings})
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

        Different shards may be stepped from different threads at the same time. Raises WorkerError.
        """
        part = slice(self.shards[shard].start, self.shards[shard].stop)
        self._arrays["actions"][part] = actions
        self._arrays["repeats"][part] = repeats
        self._ask(self._groups[shard], "step")
        return Steps(*(self._arrays[name][part].copy() for name in Steps._fields))

    def save_states(self) -> list[bytes]:
        """The state of every emulator; see `Emulator.save_state`."""
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

    def _spawn(self, workers: int, seed: Seed, settings: dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process that runs TensorFlow can hang
        for worker in range(workers):
            ends = []
            for shard, numbers in enumerate(self.shards):
                mine = [number for number in numbers if number % workers == worker]
                if mine:
                    ours, theirs = context.Pipe()
                    ends.append((theirs, mine))
                    self._groups[shard].append(_Group(ours, mine, len(self._processes)))
            process = context.Process(
                target=run_worker, args=(self._arrays, self.game, seed, settings, ends), daemon=True
            )
            process.start()
            self._processes.append(process)
            for theirs, _ in ends:
                theirs.close()

    def _ask_all(self, command: str, arguments: Sequence[Any] | None = None) -> list[Any]:
        """Ask every emulator, shard by shard; the results in the order of emulators."""
        results: list[Any] = [None] * self.count
        for number, result in self._ask([group for groups in self._groups for group in groups], command, arguments):
            results[number] = result
        return results

    def _ask(
        self, groups: list["_Group"], command: str, arguments: Sequence[Any] | None = None
    ) -> list[tuple[int, Any]]:
        """Send one request to all `groups`, then wait for all answers: pairs of emulator number and result."""
        if self.failure:
            raise self.failure
        if not self._end_workers.alive:
            raise ValueError("the pool is closed")
        results: list[tuple[int, Any]] = []
        deadline = time.monotonic() + PATIENCE
        try:
            for group in groups:
                request: Request = (command, arguments and [arguments[number] for number in group.numbers])
                group.connection.send(request)
            for group in groups:
                if not group.connection.poll(max(0.0, deadline - time.monotonic())):
                    raise self._failed(group, f"gave no answer within {PATIENCE:.0f} seconds")
                done, result = group.connection.recv()
                if not done:
                    number, trace = result
                    raise WorkerError(f"{self.game}, emulator {number} failed:\n{trace}")
                results += zip(group.numbers, result, strict=True)
        except (EOFError, ConnectionError):
            process = self._processes[group.worker]
            process.join(timeout=5)
            self.failure = self._failed(group, f"died (exit code {process.exitcode})")
            raise self.failure from None
        except WorkerError as error:
            self.failure = error
            raise
        return results

    def _failed(self, group: "_Group", how: str) -> WorkerError:
        numbers = ", ".join(map(str, group.numbers))
        return WorkerError(f"{self.game}: the worker process of emulators {numbers} {how}")


class _Group(NamedTuple):
    """The parent's side of one shard's emulators in one worker."""

    connection: Connection
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
