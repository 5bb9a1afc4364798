"""Running the commands as a user types them."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TINY = ["-ec", "4", "-ew", "2", "--seed", "5"]  # small enough for a test, with two shards and an uneven split of steps
NO_LIMITS: Mapping[int, int] = {}


def as_from_a_terminal() -> None:
    """Take signals, also where the tests themselves run in the background, or under nohup, and ignore some."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Commands:
    """The front doors, run in a folder of the test's own."""

    def __init__(self, folder: Path):
        self.folder = folder

    def start(self, script: str, *arguments: str, limits: Mapping[int, int] = NO_LIMITS) -> subprocess.Popen[str]:
        """Start `script` in a process group of its own, as a terminal would, with these of the system's `limits`."""

        def prepare() -> None:
            as_from_a_terminal()
            for limit, value in limits.items():
                resource.setrlimit(limit, (value, value))

        return subprocess.Popen(
            [sys.executable, str(ROOT / script), *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=prepare,
        )

    def run(
        self, script: str, *arguments: str, code: int = 0, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `script` to its end and check its exit code."""
        process = self.start(script, *arguments)
        try:
            out, err = process.communicate(timeout=seconds)
        finally:
            process.kill()
        assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(process.args, code, out, err)


@pytest.fixture
def commands(tmp_path):
    return Commands(tmp_path)


def wait_for(condition, seconds: float = 120.0) -> None:
    """Poll until `condition()` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def group_members(process: subprocess.Popen) -> list[int]:
    """Live processes of the group that `process` leads."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return []
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == process.pid and fields[0] != "Z":
                members.append(int(entry.name))
    return members


def interrupt(process: subprocess.Popen) -> None:
    """Ctrl+C: the terminal signals the whole group."""
    os.killpg(process.pid, signal.SIGINT)
