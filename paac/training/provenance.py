"""What a session of a training ran on: versions, processor, device, date and command line."""

import datetime
import json
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from paac.cli.errors import UserError
from paac.cli.input_files import MAX_JSON_BYTES, parse_json, read_file
from paac.cli.options import usable_cores
from paac.cli.safe_files import append
from paac.cli.words import counted

PACKAGES = "tensorflow", "keras", "numpy", "ale-py", "gymnasium"
ROOT = Path(__file__).resolve().parents[2]


class Session(NamedTuple):
    """One session of a training; each field is a key of its line in sessions.jsonl."""

    step: int  # decisions of all emulators when the session started
    date: str
    command: str
    machine: str
    device: str
    versions: dict[str, str]

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Names and values for a table, without the step."""
        return [
            *((name, str(getattr(self, name))) for name in ("date", "command", "machine", "device")),
            *((name, str(version)) for name, version in self.versions.items()),
        ]


def describe_session(step: int) -> Session:
    """Describe the session of this process, which starts at `step`."""
    date = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    return Session(step, date, shlex.join(sys.argv), this_machine(), _device(), versions())


def versions() -> dict[str, str]:
    """Return the versions of Python, of the packages and of this project, with its commit if it is known."""
    found = {"manette": project_version(), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # a package with another name, such as tensorflow-cpu
            continue
    return found


def project_version() -> str:
    """Return the version in pyproject.toml and, in a Git repository, the commit; "+" means that files were changed."""
    if not (ROOT / "pyproject.toml").exists():  # installed as a package without -e
        return metadata.version("manette")
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    version = next(line.split('"')[1] for line in lines if line.startswith("version"))
    if not (ROOT / ".git").exists():
        return version
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):  # Git is not installed
        return version
    return f"{version}, commit {described.stdout.strip()}" if described.returncode == 0 else version


def this_machine() -> str:
    """A description of this machine: the number of its cores and, on Linux, the name of its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # macOS
        lines = []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "a processor")
    return f"{counted(usable_cores(), 'core')} of {name}"


def _device() -> str:
    """Return the name of the GPU that TensorFlow uses, or "CPU"."""
    import tensorflow as tf

    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        return "CPU"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))


def append_session(file: Path, session: Session) -> None:
    """Append a line of JSON to the run's file of sessions. Raises OSError."""
    append(file, f"{json.dumps(session._asdict())}\n".encode())


def read_sessions(file: Path) -> list[Session]:
    """Return the sessions of a run, the oldest first; none if the file is missing. Raises UserError."""
    try:
        text = read_file(file, MAX_JSON_BYTES).decode() if file.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # a run in progress may be writing the last line
        return [_session(parse_json(line)) for line in whole.splitlines()]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{file} cannot be read ({str(error)[:200]}): correct it, or delete it") from None


def _session(values: dict[str, Any]) -> Session:
    session = Session(**values)
    texts = (session.date, session.command, session.machine, session.device, *session.versions.items())
    if type(session.step) is not int or not all(isinstance(text, str | tuple) for text in texts):
        raise ValueError("a value has the wrong type")
    return session
