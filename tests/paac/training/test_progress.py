"""The progress that a user sees, with a clock that the tests control."""

import io
from contextlib import closing
from types import SimpleNamespace

import pytest

from paac.training import progress
from paac.training.progress import Progress


class Terminal(io.StringIO):
    closed_by_user = False

    def isatty(self):
        return True

    def write(self, text):
        if self.closed_by_user:
            raise BrokenPipeError
        return super().write(text)


@pytest.fixture
def clock(monkeypatch):
    controlled = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: controlled.now)
    return controlled


def test_a_log_file_gets_a_line_after_ten_seconds_and_then_each_minute(clock, capsys):
    with closing(Progress(0, 1_000_000)) as shown:
        for step, seconds in ((0, 0.0), (9_000, 9.0), (10_000, 10.0), (60_000, 60.0), (70_000, 70.0), (190_000, 130.0)):
            clock.now = 1000.0 + seconds
            shown.show(step, frames=4 * step, mean_reward=None if step < 190_000 else -20.4567)
    assert capsys.readouterr().out.splitlines() == [
        "10,000 decisions, 1,000 decisions/s, 4,000 frames/s, 0.3 h left, no episode yet",
        "70,000 decisions, 1,000 decisions/s, 4,000 frames/s, 0.3 h left, no episode yet",
        "190,000 decisions, 2,000 decisions/s, 8,000 frames/s, 0.1 h left, mean reward of 50 episodes: -20.46",
    ]


def test_a_terminal_gets_a_bar(clock, capsys, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with closing(Progress(500, 2000)) as shown:
        shown.show(1000, frames=4000, mean_reward=None)
        clock.now += 2.0
        shown.show(1500, frames=8000, mean_reward=0.0)
    assert "1.50k/2.00k" in terminal.getvalue()
    assert "2,000 frames/s, mean reward of 50 episodes: 0.00" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_a_line_is_printed_above_the_bar(capsys, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with closing(Progress(0, 10)) as shown:
        before = terminal.tell()
        shown.print_line("a layer is dead")
        assert terminal.getvalue()[before:].count("0.00/10.0") == 1, "the bar was not drawn again below the line"
    assert capsys.readouterr().out == "a layer is dead\n"


def test_a_closed_terminal_does_no_harm(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with closing(Progress(0, 10)) as shown:
        terminal.closed_by_user = True
        monkeypatch.setattr("sys.stdout", terminal)
        shown.print_line("nobody reads this")
        shown.show(0, frames=0, mean_reward=None)
        clock.now += 60.0
        shown.show(5, frames=20, mean_reward=None)
