"""All processes of a training wait for each other before TensorFlow connects them."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from paac.cli.errors import UserError
from paac.training import rendezvous
from paac.training.rendezvous import wait_for_all
from paac.training.tf_config import free_ports
from tests.helpers.commands import TIMEOUT_S, wait_for


@pytest.fixture
def addresses():
    return [f"127.0.0.1:{next(free_ports())}", "127.0.0.1:1", "127.0.0.1:2"]


def connect(address):
    """Connect as soon as the first process listens."""
    opened = []

    def connects():
        try:
            opened.append(socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))))
        except OSError:
            return False
        return True

    wait_for(connects)
    return opened[0]


def test_all_go_on_together_and_the_port_is_free_for_tensorflow(addresses):
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(wait_for_all, rank, addresses) for rank in (2, 0)]
        with pytest.raises(TimeoutError):
            waiting[0].result(timeout=0.3)
        assert not waiting[1].done()
        waiting.append(threads.submit(wait_for_all, 1, addresses))
        for one in waiting:
            one.result(timeout=TIMEOUT_S)
    socket.create_server(("", int(addresses[0].rpartition(":")[2]))).close()


def test_other_programs_and_a_process_that_was_started_again_do_no_harm(addresses, monkeypatch):
    monkeypatch.setattr(rendezvous, "GREETING_TIMEOUT_S", 2.0)
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(wait_for_all, 0, addresses)
        with connect(addresses[0]) as silent, connect(addresses[0]) as other:
            other.sendall(b"GET / HTTP/1.1")
            ended = connect(addresses[0])
            ended.sendall(b"manette process 1")
            ended.close()
            again = threads.submit(wait_for_all, 1, addresses)
            assert silent.recv(1) == b"" and not again.done()
            third = threads.submit(wait_for_all, 2, addresses)
            for one in (first, again, third):
                one.result(timeout=TIMEOUT_S)


class Output:
    """All that was printed so far."""

    def __init__(self, capsys):
        self.capsys, self.text = capsys, ""

    def count(self, line):
        self.text += self.capsys.readouterr().out
        return self.text.count(line)


def test_of_two_processes_with_the_same_index_the_earlier_one_is_refused(addresses, monkeypatch, capsys):
    monkeypatch.setattr(rendezvous, "NOTE_S", 0.2)
    output = Output(capsys)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(wait_for_all, 0, addresses)
        earlier = threads.submit(wait_for_all, 1, addresses)
        wait_for(lambda: output.count("Process 0 still waits for process 2 at 127.0.0.1:2\n"))
        later = threads.submit(wait_for_all, 1, addresses)
        with pytest.raises(UserError, match='TF_CONFIG: another process has "index": 1 too; give each process its own'):
            earlier.result(timeout=TIMEOUT_S)
        assert not first.done() and not later.done()
        wait_for_all(2, addresses)
        first.result(timeout=TIMEOUT_S), later.result(timeout=TIMEOUT_S)
    assert not output.count("waits for \n")


def test_a_process_that_no_longer_answers_ends_the_first_one_and_the_others_go_on(addresses, monkeypatch):
    monkeypatch.setattr(rendezvous, "GREETING_TIMEOUT_S", 2.0)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(wait_for_all, 0, addresses)
        with connect(addresses[0]) as frozen:
            frozen.sendall(b"manette process 1")
            threads.submit(wait_for_all, 2, addresses).result(timeout=TIMEOUT_S)
            with pytest.raises(UserError, match="TF_CONFIG: process 1 no longer answers"):
                first.result(timeout=TIMEOUT_S)


def test_a_process_says_once_that_it_does_not_reach_the_first(addresses, monkeypatch, capsys):
    monkeypatch.setattr(rendezvous, "NOTE_S", 0.1)
    report, tries = rendezvous._report, []
    monkeypatch.setattr(rendezvous, "_report", lambda *address: tries.append(address) or report(*address))
    output = Output(capsys)
    note = f"Process 1 cannot reach process 0 at {addresses[0]} yet (Connection refused)\n"
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(wait_for_all, 1, addresses[:2])
        wait_for(lambda: output.count(note))
        noted = len(tries)
        wait_for(lambda: len(tries) >= noted + 3)
        wait_for_all(0, addresses[:2])
        other.result(timeout=TIMEOUT_S)
    assert output.count(note) == 1


def test_a_port_in_use_gives_one_line(addresses):
    port = int(addresses[0].rpartition(":")[2])
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(UserError, match=f"TF_CONFIG: process 0 cannot listen on its port {port} .*name another port"),
    ):
        wait_for_all(0, addresses)
