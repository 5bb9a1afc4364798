"""Data-parallel training in several processes.

Each process has its own emulators and its own device. Once per update, the collective operations of TensorFlow's
MultiWorkerMirroredStrategy average the gradients, so that the weights, which start equal, stay equal. The variables are
ordinary, not mirrored. Besides gradients, the processes exchange losses, transitions, stop requests, options and
checkpoints.

The first process writes the run's folder. The others write the same files into a temporary folder, so that all
processes run the same code and need no shared disk.
"""

import dataclasses
import io
import json
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import Any

import numpy as np

from emulators import GameError, WorkerError
from paac.cli.errors import UserError, reason_of
from paac.cli.safe_files import read_unlinked_file
from paac.processes import Processes, UpdateError
from paac.training.rendezvous import wait_for_all
from paac.training.run_folder import RunFolder
from paac.training.start import Start, check_equal, complete_start
from paac.training.tf_config import TF_CONFIG, read_tf_config

ABORTED = "Collective ops is aborted by"  # begins TensorFlow's message when another process fails


def processes_from_tf_config() -> Processes:
    """Return the processes that TF_CONFIG lists, as a context manager; only this one if it is not set.

    Raises UserError if TF_CONFIG is invalid.
    """
    rank, addresses = read_tf_config()
    return SeveralProcesses(rank, addresses) if len(addresses) > 1 else Processes()


class SeveralProcesses(Processes):
    """One of several processes. All of them must call the collective methods in the same order."""

    def __init__(self, rank: int, addresses: Sequence[str]):
        self.rank, self.count = rank, len(addresses)
        self._addresses = addresses
        self._exit_stack = ExitStack()

    def __enter__(self) -> "SeveralProcesses":
        print(f"Process {self.rank} waits for all {self.count} processes at {', '.join(self._addresses)}", flush=True)
        wait_for_all(self.rank, self._addresses)
        return self

    def connect(self) -> None:
        import tensorflow as tf

        options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=0)
        try:
            with _signal_handlers_kept():
                self._strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        except (tf.errors.OpError, RuntimeError, ValueError) as error:
            raise UserError(f"{TF_CONFIG}: process {self.rank} cannot connect: {reason_of(error)}") from None
        if self.rank:
            self._exit_stack.enter_context(redirect_stdout(io.StringIO()))
        self._traced_all_gather = tf.function(self._all_gather, autograph=False, reduce_retracing=True)

    def __exit__(self, *_: object) -> None:
        self._exit_stack.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        failure: Exception | None = None
        try:
            yield
        except (UserError, GameError, OSError) as error:
            failure = error
        lines = self.all_gather_bytes([" ".join(str(failure or "").split()).encode("utf-8", "backslashreplace")])
        if failure:
            raise failure
        for rank, line in enumerate(lines):
            if line:
                raise UserError(f"process {rank}: {line.decode()}")

    def agree(self, start: Start) -> Start:
        first = json.loads(self._from_first(json.dumps(dataclasses.asdict(start.options)).encode()))
        with self.together():
            if self.rank:
                folder = self._exit_stack.enter_context(tempfile.TemporaryDirectory(prefix="manette-"))
                start = complete_start(start, first, folder)
        fingerprints = self.all_gather_bytes([json.dumps(dict(start.fingerprint)).encode()])
        check_equal([json.loads(found) for found in fingerprints])
        self._copy_newest_checkpoint(RunFolder(start.options.debugging_folder))
        return start

    def _copy_newest_checkpoint(self, run: RunFolder) -> None:
        """Copy the first process's newest checkpoint into the folders of the others."""
        files = {}
        with self.together():
            if self.rank == 0:
                files = _newest_checkpoint(run)
        copied = _unpack(self._from_first(_pack(files)))
        with self.together():
            for name, content in copied.items() if self.rank else ():
                (run.path / name).parent.mkdir(parents=True, exist_ok=True)
                (run.path / name).write_bytes(content)

    def _from_first(self, content: bytes) -> bytes:
        """Return the `content` of the first process."""
        return self.all_gather_bytes([content if self.rank == 0 else b""])[0]

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
            raise self.error_to_raise(error) from None
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

    def error_to_raise(self, error: Exception) -> Exception:
        # TensorFlow aborts an exchange when the heartbeats of another process stop, which takes about ten seconds.
        if ABORTED not in str(error):
            return UpdateError(f"process {self.rank}: {reason_of(error)}")
        return WorkerError(
            f"process {self.rank}: another process of this run has ended or does not answer; start all of them again "
            "to resume"
        )

    def _all_gather(self, array: Any) -> Any:
        import tensorflow as tf

        def all_gather(rows: Any) -> Any:
            # all_gather needs a tensor with a device, which an argument of the function does not have.
            return tf.distribute.get_replica_context().all_gather(tf.identity(rows), axis=0)

        return self._strategy.run(all_gather, args=(array,))


@contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    """Restore the handler of SIGTERM afterwards, which TensorFlow replaces when it connects."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def _newest_checkpoint(run: RunFolder) -> dict[str, bytes]:
    """Return the contents of the newest intact checkpoint's files by their paths in the run's folder."""
    checkpoint, _ = run.newest_checkpoint()
    files = checkpoint.files() if checkpoint else ()
    return {str(file.relative_to(run.path)): read_unlinked_file(file) for file in files}


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
