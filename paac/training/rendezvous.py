"""Waiting until all processes of a training have started, before TensorFlow connects them.

While TensorFlow itself waits, no Python runs and SIGTERM is ignored. So the others first report to the first process,
at the address where TensorFlow will listen afterwards, and all go on together. A process that has waited
for `NOTE_S` prints which other it waits for.
"""

import re
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress

from paac.cli.errors import UserError

GREETING = "manette process "
GO = b"go"
TAKEN = b"no"  # a newer process has this index
RETRY_S = 0.2
GREETING_TIMEOUT_S = 5.0  # for a program that connects and says nothing
NOTE_S = 10.0  # seconds


def wait_for_all(rank: int, addresses: Sequence[str]) -> None:
    """Return when all processes have called this.

    Raises UserError if the port of the first process is in use, or another process has the same `rank`.
    """
    host, _, port = addresses[0].rpartition(":")
    if rank == 0:
        _gather(int(port), addresses)
        return
    began, noted = time.monotonic(), False
    while (problem := _report(rank, host.strip("[]"), int(port))) is not None:
        if not noted and time.monotonic() - began >= NOTE_S:
            print(f"Process {rank} cannot reach process 0 at {addresses[0]} yet ({problem})", flush=True)
            noted = True
        time.sleep(RETRY_S)


def _gather(port: int, addresses: Sequence[str]) -> None:
    """Wait until all others have reported, and let them go on. Raises UserError if one is lost then."""
    count = len(addresses)
    waiting: dict[int, socket.socket] = {}
    noted: list[int] = []
    began = time.monotonic()
    with _listen(port) as server:
        server.settimeout(NOTE_S)
        while len(waiting) < count - 1:
            with suppress(TimeoutError):
                connection, _ = server.accept()
                rank = _read_rank(connection, count)
                if rank is None:
                    connection.close()
                else:
                    if rank in waiting:  # the earlier one may have lost its connection: the newest goes on
                        _answer(waiting[rank], TAKEN)
                    waiting[rank] = connection
            ended, _, _ = select.select(waiting.values(), [], [], 0)  # they send nothing more
            waiting = {rank: connection for rank, connection in waiting.items() if connection not in ended}
            missing = [rank for rank in range(1, count) if rank not in waiting]
            if missing and missing != noted and time.monotonic() - began >= NOTE_S:
                others = " and ".join(f"process {rank} at {addresses[rank]}" for rank in missing)
                print(f"Process 0 still waits for {others}", flush=True)
                noted = missing
    lost = [rank for rank, connection in waiting.items() if not _answer(connection, GO)]
    if lost:
        raise UserError(
            f"TF_CONFIG: process {' and '.join(map(str, lost))} no longer answers; end all processes, and start them "
            "again"
        )


def _answer(connection: socket.socket, answer: bytes) -> bool:
    """Send the answer, and return whether the other side has closed the connection.

    This side must not be the first to close, to free the port for TensorFlow.
    """
    with connection, suppress(OSError):
        connection.sendall(answer)
        return connection.recv(1) == b""
    return False


def _listen(port: int) -> socket.socket:
    try:
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        return socket.create_server(("", port))
    except OSError as error:
        raise UserError(
            f"TF_CONFIG: process 0 cannot listen on its port {port} ({error.strerror}); end the program that uses it, "
            "or name another port"
        ) from None


def _read_rank(connection: socket.socket, count: int) -> int | None:
    """Return the rank that a process reports, None if another program has connected."""
    connection.settimeout(GREETING_TIMEOUT_S)
    try:
        found = re.fullmatch(f"{GREETING}([0-9]+)".encode(), connection.recv(64))
    except OSError:
        return None
    rank = int(found[1]) if found else 0
    return rank if 0 < rank < count else None


def _report(rank: int, host: str, port: int) -> str | None:
    """Report to the first process and wait; return None when it has answered that all are there, otherwise a problem.

    Raises UserError if another process has reported the same rank.
    """
    try:
        with socket.create_connection((host, port), timeout=GREETING_TIMEOUT_S) as connection:
            connection.sendall(f"{GREETING}{rank}".encode())
            connection.settimeout(None)
            answer = connection.recv(len(GO))
    except OSError as error:  # the first process does not listen yet, or its name is not known
        return error.strerror or str(error)
    if answer == TAKEN:
        raise UserError(
            f'TF_CONFIG: another process has "index": {rank} too; give each process its own, or end the earlier one'
        )
    return None if answer == GO else "its port answers, but no training waits there"
