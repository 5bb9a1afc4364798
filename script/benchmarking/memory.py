"""Memory of a real training over many decisions: the trainer's and its workers', from outside."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.trainings import TRAIN


class Sample(NamedTuple):
    """Resident MiB some seconds after the start; memory shared with the workers counts for each."""

    seconds: float
    trainer: float
    workers: list[float]


def watch_training(arguments: Sequence[str], decisions: int) -> list[Sample]:
    """Run train.py with `arguments` until `decisions`, and sample it every second."""
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(TRAIN), *arguments, "-df", folder, "--max_global_steps", str(decisions)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        began = time.monotonic()
        try:
            while process.poll() is None:
                trainer = _resident(process.pid)
                if trainer:  # none yet before Python starts, nor at the very end
                    workers = sorted(map(_resident, _children(process.pid)))
                    samples.append(Sample(time.monotonic() - began, trainer, workers))
                time.sleep(1)
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
    if process.returncode:
        raise RuntimeError(f"train.py ended with {process.returncode}")
    return samples


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)
