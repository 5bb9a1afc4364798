"""Running the commands as a user types them, and handling the processes that they start."""

import contextlib
import io
import os
import resource
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.helpers import ROOT

TINY = ["-ec", "4", "-ew", "1", "--seed", "5"]  # small and fast: two shards, 20 decisions per update
TIMEOUT_S = 900.0  # a command that takes longer than this hangs
NO_LIMITS: Mapping[int, int] = {}


class Commands:
    """Runs entry points and scripts in the folder of a test."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._started: list[tuple[subprocess.Popen[str], threading.Timer]] = []

    def close(self) -> None:
        """End the processes that were started and still run, for example because a check of the test failed."""
        for process, watchdog in self._started:
            watchdog.cancel()
            process.kill()

    def run(self, script: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `script` in this process, which has already imported TensorFlow, and check its exit code."""
        out, err = io.StringIO(), io.StringIO()
        argv, path, on_ctrl_c = sys.argv, list(sys.path), signal.getsignal(signal.SIGINT)
        sys.argv = [str(ROOT / script), *arguments]
        try:
            with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                runpy.run_path(sys.argv[0], run_name="__main__")
            ended: str | int | None = 0
        except SystemExit as end:
            ended = end.code or 0
            assert isinstance(ended, int), ended
        finally:
            sys.argv, sys.path[:] = argv, path
            signal.signal(signal.SIGINT, on_ctrl_c)
        return _checked(
            subprocess.CompletedProcess([script, *arguments], int(ended), out.getvalue(), err.getvalue()), code
        )

    def run_alone(self, script: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `script` in a separate process, and check its exit code."""
        process = self.start(script, *arguments)
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
        return _checked(subprocess.CompletedProcess(process.args, process.returncode, out, err), code)

    def start(
        self,
        script: str,
        *arguments: str,
        limits: Mapping[int, int] = NO_LIMITS,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start `script` in a new process group, like a terminal. It is killed after `TIMEOUT_S`.

        `limits` are resource limits (RLIMIT_... -> value); `environment` is added to the environment variables.
        """

        def prepare() -> None:
            as_from_a_terminal()
            for limit, value in limits.items():
                resource.setrlimit(limit, (value, value))

        process = subprocess.Popen(
            [sys.executable, str(ROOT / script), *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=prepare,
            env=os.environ | (environment or {}),
        )
        watchdog = threading.Timer(TIMEOUT_S, process.kill)
        watchdog.daemon = True
        watchdog.start()
        self._started.append((process, watchdog))
        return process


def _checked(done: subprocess.CompletedProcess[str], code: int) -> subprocess.CompletedProcess[str]:
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def assert_one_line(error: str, *parts: str) -> None:
    """Check that the error message is one line and contains all `parts`."""
    assert error.strip().count("\n") == 0 and "Traceback" not in error, error
    assert all(part in error for part in parts), error


def as_from_a_terminal() -> None:
    """Restore the default signal handlers, because a child of nohup or of a background job ignores some signals."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def wait_for(condition: Callable[[], object], seconds: float = TIMEOUT_S, every: float = 0.05) -> None:
    """Check `condition()` at intervals of `every` seconds until it is true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition did not hold within {seconds} seconds"
        time.sleep(every)


def group_members(process: subprocess.Popen) -> list[int]:
    """Return the ids of the live processes in the group that `process` leads."""
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
    """Press Ctrl+C: like a terminal, send SIGINT to the whole group of `process`."""
    os.killpg(process.pid, signal.SIGINT)


@contextlib.contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """A context in which no file of this process, or of one that it starts, can grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
