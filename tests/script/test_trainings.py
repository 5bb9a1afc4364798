"""Tests of the trainings that scripts run as processes."""

import signal
import threading

from experiments.trainings import Trainings
from paac.cli.options import resolve
from tests.helpers.commands import TIMEOUT_S


def test_trainings_at_the_same_time_share_the_cores_but_a_saved_number_of_workers_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "train.py"
    script.write_text("import os\nprint(os.environ['PYTHON_CPU_COUNT'])\n")
    monkeypatch.setattr("experiments.trainings.TRAIN", script)
    monkeypatch.setenv("PYTHON_CPU_COUNT", "7")
    shown: list[str] = []
    for jobs in (1, 2, 9):
        Trainings(jobs).train([], shown.append)
    assert shown == ["7", "3", "1"]
    for cores in (3, 1):
        monkeypatch.setenv("PYTHON_CPU_COUNT", str(cores))
        assert resolve({"game": "Catcher-v0"}).workers == cores
        assert resolve({"game": "Catcher-v0", "emulator_workers": 4}).workers == 4, "typed, or saved in args.json"


def test_a_signal_that_interrupts_the_handler_of_another_does_not_block_the_launcher():
    trainings = Trainings()

    def stop_twice():
        with trainings._lock:  # as in the handler of the first
            trainings.stop(signal.SIGINT)

    thread = threading.Thread(target=stop_twice, daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    assert not thread.is_alive() and trainings.stopping
