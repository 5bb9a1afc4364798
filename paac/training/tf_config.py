"""The environment variable TF_CONFIG, which lists the processes of a training."""

import itertools
import json
import os
import random
import re
import socket
from collections.abc import Iterator
from contextlib import closing

from paac.cli.errors import UserError

TF_CONFIG = "TF_CONFIG"
# By default, Linux assigns ports from 32768 on to programs that do not ask for a particular one. Such a program could
# take our port before TensorFlow listens on it, seconds later.
PORTS = range(20_000, 30_000)


def read_tf_config() -> tuple[int, list[str]]:
    """Return the index of this process and the addresses of all; an empty list if TF_CONFIG is not set.

    Raises UserError if TF_CONFIG is invalid.
    """
    config = os.environ.get(TF_CONFIG)
    if not config:
        return 0, []
    try:
        return _parse(config)
    except ValueError as error:
        raise UserError(
            f"{TF_CONFIG}: {error}; for example, for two processes: "
            '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
        ) from None


def _parse(config: str) -> tuple[int, list[str]]:
    """Return the index of this process and the addresses of all. Raises ValueError."""
    try:
        values = json.loads(config)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON ({error})") from None
    cluster, task = (values.get(name) if isinstance(values, dict) else None for name in ("cluster", "task"))
    if values == {} or cluster == {}:  # some clusters set it for every program
        raise ValueError("it lists no workers; unset it to train in one process, or list them")
    workers = cluster.get("worker") if isinstance(cluster, dict) and len(cluster) == 1 else None
    if not isinstance(workers, list) or not workers:
        raise ValueError("cluster must hold a list of workers, and nothing else")
    for address in workers:
        host, _, port = str(address).rpartition(":")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 2**16:
            raise ValueError(f"the worker {address!r} must be HOST:PORT")
    if len(set(workers)) < len(workers):
        raise ValueError("two workers have the same address")
    if not isinstance(task, dict) or task.get("type") != "worker":
        raise ValueError('task must be an object with the type "worker"')
    rank = task.get("index")
    if type(rank) is not int or not 0 <= rank < len(workers):
        raise ValueError(f"the index of the task must be a whole number from 0 to {len(workers) - 1}")
    return rank, workers


def free_ports() -> Iterator[int]:
    """Yield those of `PORTS` that no program on this machine uses, in random order."""
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with closing(socket.socket()) as tried:
            try:
                tried.bind(("", port))
            except OSError:
                continue
        yield port


def configs_on_this_machine(count: int) -> list[str]:
    """Return the TF_CONFIG of each of `count` processes on this machine, with ports that no program uses."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in itertools.islice(free_ports(), count)]}
    return [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}}) for rank in range(count)]
