"""The benchmark end to end, on a real game with tiny numbers."""

import json

import pytest

from tests.helpers.commands import TINY


@pytest.mark.slow
def test_the_benchmark_writes_medians_and_memory_and_refuses_invalid_options(commands):
    short = ["--rounds", "1", "--seconds", "0.1", *TINY]
    measured = ["--archs", "NIPS", "--baseline", "--startup", "--memory", "4000", "--folder", "new/figures"]
    shown = commands.run("script/benchmark.py", *measured, *short).stdout
    assert "of the bound" in shown and "x the design of 2017" in shown and "| first update |" in shown
    memory = [line.split("|")[2] for line in shown.split("workers, MiB")[1].splitlines()[2:] if line.startswith("|")]
    assert max(map(float, memory)) > 200  # less in the first row, during the start
    folder = commands.folder / "new/figures"
    medians = json.loads((folder / "benchmark.json").read_text())["medians"]
    assert set(medians["pong, emulators"]) == {"emulators"}
    assert set(medians["pong, one process"]) == {"one emulator", "the bare game"}
    assert set(medians["NIPS"]) == {"emulators", "network", "loop", "the design of 2017"}
    assert all(rate["decisions_per_s"] > 0 for rate in medians["NIPS"].values())
    assert (folder / "benchmark.md").read_text() in shown
    assert (folder / "benchmark.png").read_bytes().startswith(b"\x89PNG")
    assert "--archs NOPE" in commands.run("script/benchmark.py", "--archs", "NOPE", *short, code=2).stderr
    (commands.folder / "file").touch()
    assert "--folder file" in commands.run("script/benchmark.py", "--folder", "file", *short, code=2).stderr


@pytest.mark.slow
def test_the_benchmark_compares_processes_and_sizes(commands, monkeypatch):
    for name, few in {"EMULATORS": (8, 9), "WORKERS": (1, 2), "TORSOS": ("NIPS",)}.items():
        monkeypatch.setattr(f"benchmarking.measurements.{name}", few)
    short = ["--rounds", "1", "--seconds", "0.1", "--archs", "NIPS", "-ec", "8", "-ew", "2"]
    shown = commands.run("script/benchmark.py", "--processes", "2", "--scaling", "--folder", "figures", *short)
    assert "x 1 process" in shown.stdout and "| NIPS | 2.71 |" in shown.stdout and "| NVLink" in shown.stdout
    assert "| 9 |" in shown.stdout and "| NIPS RGB |" in shown.stdout
    assert shown.stderr == ""
    assert (commands.folder / "figures/scaling.png").read_bytes().startswith(b"\x89PNG")
    refused = commands.run("script/benchmark.py", "--processes", "3", *short, code=2)
    assert "--processes 3" in refused.stderr and refused.stderr.count("\n") == 1
