"""Data-parallel training in several processes.

Each process has its own emulators and its own device. Once per update, the collective operations of TensorFlow's
MultiWorkerMirroredStrategy average the gradients, so that the weights, which start equal, stay equal. The variables are
ordinary, not mirrored: the processes exchange gradients, losses, transitions, stop requests, options and
checkpoints.

The first process writes the run's folder. The others write the same files into a temporary folder, so that all
processes run the same code and need no shared disk.
"""

import dataclasses
import io
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from emulators import WorkerError
from paac.cli.command_line import LOCAL
from paac.cli.errors import UserError
from paac.cli.options import Options
from paac.cli.safe_files import read_file
from paac.processes import Processes
from paac.training.run_folder import RunFolder

TF_CONFIG = "TF_CONFIG"
PEER_TIMEOUT_S = 120.0  # a process ends when its last exchange with the others is this long ago


def processes_from_tf_config() -> Processes:
    """Return the processes that TF_CONFIG lists, as a context manager; only this one if it is not set.

    Raises UserError if TF_CONFIG is invalid.
    """
    config = os.environ.get(TF_CONFIG)
    if not config:
        return Processes()
    try:
        rank, addresses = _read_config(config)
    except ValueError as error:
        raise UserError(
            f"{TF_CONFIG}: {error}; for example, for two processes: "
            '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
        ) from None
    return Processes() if len(addresses) == 1 else SeveralProcesses(rank, addresses)


def _read_config(config: str) -> tuple[int, list[str]]:
    """Return the index of this process and the addresses of all. Raises ValueError."""
    try:
        values = json.loads(config)
    except ValueError as error:
        raise ValueError(f"not valid JSON ({error})") from None
    cluster, task = (values.get(name) if isinstance(values, dict) else None for name in ("cluster", "task"))
    if values == {} or cluster == {}:  # some clusters set it for every program
        raise ValueError("it lists no workers; unset it to train in one process, or list them")
    workers = cluster.get("worker") if isinstance(cluster, dict) and len(cluster) == 1 else None
    if not isinstance(workers, list) or not workers:
        raise ValueError("cluster must hold a list of workers, and nothing else")
    for address in workers:
        host, _, port = str(address).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise ValueError(f"the worker {address!r} must be HOST:PORT")
    if len(set(workers)) < len(workers):
        raise ValueError("two workers have the same address")
    if not isinstance(task, dict) or task.get("type", "worker") != "worker":
        raise ValueError('task must be an object with the type "worker"')
    rank = task.get("index")
    if type(rank) is not int or not 0 <= rank < len(workers):
        raise ValueError(f"the index of the task must be a whole number from 0 to {len(workers) - 1}")
    return rank, workers


def configs_on_this_machine(count: int) -> list[str]:
    """Return the TF_CONFIG of each of `count` processes on this machine, with ports that no program uses."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(closing(socket.socket())) for _ in range(count)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        cluster = {"worker": [f"127.0.0.1:{found.getsockname()[1]}" for found in sockets]}
    return [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}}) for rank in range(count)]


class SeveralProcesses(Processes):
    """One of several processes. All of them must call the collective methods in the same order."""

    def __init__(self, rank: int, addresses: Sequence[str]):
        self.rank, self.count = rank, len(addresses)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # this class reports a lost process itself, once
        self._exit_stack = ExitStack()
        self._last_answer = time.monotonic()
        self._closed = threading.Event()
        print(f"Process {rank} waits for all {self.count} processes at {', '.join(addresses)}", flush=True)

    def connect(self) -> None:
        import tensorflow as tf

        options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=0)
        with _default_ctrl_c():
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        if self._strategy.num_replicas_in_sync != self.count:
            raise UserError(
                f"{TF_CONFIG}: each process must see one device; give each process one GPU with CUDA_VISIBLE_DEVICES"
            )
        if self.rank:
            self._exit_stack.enter_context(redirect_stdout(io.StringIO()))
        self._traced_all_gather = tf.function(self._all_gather, autograph=False, reduce_retracing=True)
        self._last_answer = time.monotonic()  # the wait for the others to start does not count
        threading.Thread(target=self._watch, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._exit_stack.close()

    def broadcast_options(self, options: Options) -> Options:
        run = RunFolder(options.debugging_folder)
        files = {"options": json.dumps(dataclasses.asdict(options)).encode()} | _newest_checkpoint(run)
        shared = _unpack(self.all_gather_bytes([_pack(files) if self.rank == 0 else b""])[0])
        if self.rank == 0:
            return options
        folder = Path(self._exit_stack.enter_context(tempfile.TemporaryDirectory(prefix="manette-")))
        first_options = json.loads(shared.pop("options"))
        for name, content in shared.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        local = {
            field.name: getattr(options, field.name)
            for field in dataclasses.fields(Options)
            if field.metadata["kind"] == LOCAL
        }
        return Options(**first_options | local | {"debugging_folder": str(folder), "visualize": 0})

    def trace(self, update: Callable[..., Any], signature: Mapping[str, Any]) -> Any:
        return super().trace(lambda **arguments: self._strategy.run(update, kwargs=arguments), signature)

    def average(self, tensors: Sequence[Any]) -> list[Any]:
        import tensorflow as tf

        # One exchange of one tensor: each exchange costs a network round trip.
        flat = tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)
        flat = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, flat)
        parts = tf.split(flat, [tensor.shape.num_elements() for tensor in tensors])
        return [tf.reshape(part, tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]

    def all_gather(self, arrays: Sequence[np.ndarray], axis: int) -> list[np.ndarray]:
        import tensorflow as tf

        if not arrays:
            return []
        content = b"".join(array.tobytes() for array in arrays)
        words = np.frombuffer(content + bytes(-len(content) % 4), np.int32)  # collectives support few dtypes
        try:
            rows = self._traced_all_gather(tf.constant(words[None])).numpy()
        except tf.errors.OpError as error:
            raise self.failure(error) from None
        self._last_answer = time.monotonic()
        ends = np.cumsum([array.nbytes for array in arrays])
        gathered = []
        for array, end in zip(arrays, ends.tolist(), strict=True):
            parts = [row.tobytes()[end - array.nbytes : end] for row in rows]
            each = [np.frombuffer(part, array.dtype).reshape(array.shape) for part in parts]
            gathered.append(np.concatenate(each, axis))
        return gathered

    def all_gather_bytes(self, parts: Sequence[bytes]) -> list[bytes]:
        (lengths,) = self.all_gather([np.array([len(part) for part in parts], np.int64)], 0)
        rows = np.zeros((len(parts), lengths.max(initial=1)), np.uint8)
        for row, part in zip(rows, parts, strict=True):
            row[: len(part)] = np.frombuffer(part, np.uint8)
        (rows,) = self.all_gather([rows], 0)
        return [row[:length].tobytes() for row, length in zip(rows, lengths, strict=True)]

    def any_true(self, *flags: bool) -> list[bool]:
        (gathered,) = self.all_gather([np.array([flags])], 0)
        return [bool(column.any()) for column in gathered.T]

    def failure(self, error: Exception) -> Exception:
        return WorkerError(
            f"process {self.rank}: another process of this run has ended; start all of them again to resume"
        )

    def _all_gather(self, array: Any) -> Any:
        import tensorflow as tf

        def all_gather(rows: Any) -> Any:
            # all_gather needs a tensor with a device, which an argument of the function does not have.
            return tf.distribute.get_replica_context().all_gather(tf.identity(rows), axis=0)

        return self._strategy.run(all_gather, args=(array,))

    def _watch(self) -> None:
        """End this process when another stops answering: the main thread would otherwise wait in TensorFlow forever."""
        while not self._closed.wait(1.0):
            if time.monotonic() - self._last_answer > PEER_TIMEOUT_S:
                print(
                    f"{Path(sys.argv[0]).name}: process {self.rank}: no answer from another process within "
                    f"{PEER_TIMEOUT_S:.0f} seconds; start all of them again to resume from the last checkpoint",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(1)


@contextmanager
def _default_ctrl_c() -> Iterator[None]:
    """Let Ctrl+C end the process while TensorFlow waits for the others, when there is nothing to save yet.

    During that wait Python cannot run its signal handlers, and TensorFlow installs its own for SIGTERM. Afterwards the
    handlers of both signals are restored.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _newest_checkpoint(run: RunFolder) -> dict[str, bytes]:
    """Return the contents of the newest intact checkpoint's files by their paths in the run's folder."""
    checkpoint, _ = run.newest_checkpoint()
    files = checkpoint.files() if checkpoint else ()
    return {str(file.relative_to(run.path)): read_file(file) for file in files}


def _pack(files: dict[str, bytes]) -> bytes:
    """Join the files: the header's length as 8 bytes, the header (the size of each file, as JSON), and the contents."""
    sizes = json.dumps({name: len(content) for name, content in files.items()}).encode()
    return len(sizes).to_bytes(8) + sizes + b"".join(files.values())


def _unpack(packed: bytes) -> dict[str, bytes]:
    start = 8 + int.from_bytes(packed[:8])
    files = {}
    for name, size in json.loads(packed[8:start]).items():
        files[name] = packed[start : start + size]
        start += size
    return files
