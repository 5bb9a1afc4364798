"""Measures the memory of a real training run: that of the training process and that of its workers."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.trainings import TRAIN


class MemorySample(NamedTuple):
    """Resident memory of the processes; memory that they share counts in each process."""

    seconds: float  # since the start of train.py
    trainer_mib: float
    workers_mib: list[float]


def sample_training(arguments: Sequence[str], decisions: int) -> list[MemorySample]:
    """Run train.py with `arguments` until `decisions`, and take a sample every second."""
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(TRAIN), *arguments, "-df", folder, "--max_global_steps", str(decisions)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        start = time.monotonic()
        try:
            while process.poll() is None:
                trainer = _resident_mib(process.pid)
                if trainer:  # 0 before Python has started and while the process ends
                    workers = sorted(map(_resident_mib, _children(process.pid)))
                    samples.append(MemorySample(time.monotonic() - start, trainer, workers))
                time.sleep(1)
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
    if process.returncode:
        raise OSError(f"train.py ended with exit code {process.returncode}")
    return samples


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # the process has just ended
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)
