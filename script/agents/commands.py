"""The entry points test.py and gif.py, called as commands."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


class CommandError(OSError):
    """A command failed; the message is the last line that it wrote about that."""


def call(script: str, *arguments: str | Path) -> str:
    """Run `script`, an entry point, and return what it prints. Raises CommandError."""
    done = subprocess.run(
        [sys.executable, str(ROOT / script), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise CommandError((done.stderr.strip() or f"{script} ended with {done.returncode}").splitlines()[-1])
    return done.stdout


def test(run: Path, *arguments: str | Path) -> dict[str, Any]:
    """Test the agent of `run`; returns what test.py writes as JSON. Raises CommandError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        call("test.py", "-f", run, "--json", file, *arguments)
        return json.loads(file.read_text(encoding="utf-8"))
