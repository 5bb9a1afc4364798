"""The progress that a user sees, with a clock that the tests control."""

import io
import os
import re
import termios
from contextlib import closing, contextmanager, suppress
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


def test_a_log_file_gets_a_line_after_seconds_and_then_one_each_minute(clock, capsys):
    with closing(Progress(0, 10_000_000)) as shown:
        for step, seconds in ((0, 0.0), (4_000, 4.0), (6_000, 6.0), (60_000, 60.0), (132_000, 66.0), (200_000, 120.0)):
            clock.now = 1000.0 + seconds
            shown.show(step, frames=4 * step, mean_score=None if step < 90_000 else -20.4567)
    assert capsys.readouterr().out.splitlines() == [
        "no episode yet, 1,000 decisions/s, 6,000 of 10,000,000 decisions, 2.8 h left, 4,000 frames/s",
        "mean score of the last 50 episodes: -20.46, 2,100 decisions/s, 132,000 of 10,000,000 decisions, 1.3 h left, "
        "8,400 frames/s",
    ]


@contextmanager
def terminal_of(columns, monkeypatch):
    """Replace stderr by a terminal of that width; yield a list that will hold the lines written until the end."""
    reading, writing = os.openpty()
    termios.tcsetwinsize(writing, (24 if columns else 0, columns))
    lines, content = [], b""
    with os.fdopen(writing, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        yield lines
    with os.fdopen(reading, "rb"), suppress(OSError):  # which is the end of a terminal
        while part := os.read(reading, 4096):
            content += part
    lines += re.split("[\r\n]+", content.decode())


@pytest.mark.parametrize(("columns", "frames"), [(80, ""), (100, ", 48,000 frames/s"), (0, "")])  # 0: not known
def test_a_terminal_gets_a_bar_that_fits_it(columns, frames, clock, capsys, monkeypatch):
    with terminal_of(columns, monkeypatch) as lines, closing(Progress(500, 80_000_000)) as shown:
        shown.show(1000, frames=4000, mean_score=None)
        clock.now += 2.0
        shown.show(25_000, frames=100_000, mean_score=-123456.789)
        clock.now += 2.0
        shown.show(25_000 + 2 * 12_345, frames=100_000, mean_score=0.0)
    assert {len(line) for line in lines if line.endswith("|")} == {(columns or 80) - 1}  # the last one stays free
    assert lines[1].startswith("starting, 500/80.0M |")
    full = next(line for line in lines if line.startswith("score -123456.79"))
    assert full.startswith(f"score -123456.79, 12,000 decisions/s, 25.0k/80.0M, 1.9 h left{frames} |")
    assert any(line.startswith("score 0.00, 12,345 decisions/s, ") for line in lines)
    assert capsys.readouterr().out == ""


def test_at_the_end_the_bar_shows_no_time_left(clock, monkeypatch):
    with terminal_of(80, monkeypatch) as lines, closing(Progress(0, 30_000)) as shown:
        shown.show(10_000, frames=0, mean_score=None)
        clock.now += 2.0
        shown.show(20_000, frames=0, mean_score=1.0)
        shown.show(30_080, frames=0, mean_score=1.0)
    assert [line for line in lines if line][-1].startswith("score 1.00, 5,000 decisions/s, 30.0k/30.0k |")


@pytest.mark.parametrize(
    ("passed", "left"), [(3600.0, "1.0 h"), (3599.0, "60 min"), (61.0, "2 min"), (60.0, "60 s"), (10.5, "11 s")]
)
def test_the_time_left_has_a_suitable_unit(clock, capsys, passed, left):
    with closing(Progress(0, 1000)) as shown:
        shown.show(0, frames=0, mean_score=None)
        clock.now += passed
        shown.show(500, frames=2000, mean_score=None)
    assert f", {left} left, " in capsys.readouterr().out


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
        shown.show(0, frames=0, mean_score=None)
        clock.now += 60.0
        shown.show(5, frames=20, mean_score=None)
