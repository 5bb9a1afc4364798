"""Waiting until all processes of a training have started, before TensorFlow connects them.

While TensorFlow itself waits, no Python runs and SIGTERM is ignored. So the others first report to the first process,
at the address where TensorFlow will listen afterwards, and all go on together.
"""

import re
import select
import socket
import time
from collections.abc import Sequence

from paac.cli.errors import UserError

GREETING = "manette process "
GO = b"go"
RETRY_S = 0.2
GREETING_TIMEOUT_S = 5.0  # for a program that connects and says nothing


def wait_for_all(rank: int, addresses: Sequence[str]) -> None:
    """Return when all processes have called this. Raises UserError if the port of the first process is in use."""
    host, _, port = addresses[0].rpartition(":")
    if rank == 0:
        _gather(int(port), len(addresses))
        return
    while not _report(rank, host.strip("[]"), int(port)):
        time.sleep(RETRY_S)


def _gather(port: int, count: int) -> None:
    """Wait until the `count` - 1 others have reported, and let them go on."""
    waiting: dict[int, socket.socket] = {}
    with _listen(port) as server:
        while len(waiting) < count - 1:
            connection, _ = server.accept()
            rank = _read_rank(connection, count)
            if rank in waiting:  # it was stopped and started again
                waiting.pop(rank).close()
            if rank is None:
                connection.close()
            else:
                waiting[rank] = connection
            ended, _, _ = select.select(waiting.values(), [], [], 0)  # they send nothing more
            waiting = {other: opened for other, opened in waiting.items() if opened not in ended}
    for connection in waiting.values():
        with connection:
            connection.sendall(GO)
            connection.recv(1)  # returns when the other has closed: this side must not be the first, to free the port


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


def _report(rank: int, host: str, port: int) -> bool:
    """Report to the first process and wait; return whether it has answered that all are there."""
    try:
        with socket.create_connection((host, port), timeout=GREETING_TIMEOUT_S) as connection:
            connection.sendall(f"{GREETING}{rank}".encode())
            connection.settimeout(None)
            return connection.recv(len(GO)) == GO
    except OSError:  # the first process does not listen yet
        return False
