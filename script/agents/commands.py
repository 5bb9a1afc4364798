"""Runs the entry points test.py and gif.py as commands."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from experiments.trainings import end_with_parent
from paac.training.run_folder import RunFolder

ROOT = Path(__file__).parent.parent.parent


class CommandError(OSError):
    """A command failed; the message is the last line of its error output."""


def run_entry_point(script: str, *arguments: str | Path) -> str:
    """Run the entry point `script`, such as test.py; returns its output. Raises CommandError if it fails."""
    completed = subprocess.run(
        [sys.executable, str(ROOT / script), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        preexec_fn=end_with_parent,
    )
    if completed.returncode:
        error = completed.stderr.strip() or f"{script} ended with exit code {completed.returncode}"
        raise CommandError(error.splitlines()[-1])
    return completed.stdout


def test_agent(run: Path, *arguments: str | Path) -> dict[str, Any]:
    """Test the agent of `run` with test.py; returns its JSON report. Raises CommandError if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        run_entry_point("test.py", "-f", only(run), "--json", file, *arguments)
        return json.loads(file.read_text(encoding="utf-8"))


def film_agent(run: Path, *arguments: str | Path) -> str:
    """Film the agent of `run` with gif.py; returns the output of gif.py. Raises CommandError if it fails."""
    return run_entry_point("gif.py", "-f", only(run), *arguments)


def only(run: Path) -> Path:
    """The value of -f that means `run` itself, whatever other runs lie below it."""
    return RunFolder(run).checkpoints.folder
