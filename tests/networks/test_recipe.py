"""Following the documented steps for adding a network gives a network that trains."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.helpers import ROOT


def run(folder, *command):
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_the_documented_steps_add_impala(tmp_path):
    project = tmp_path / "manette"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "logs", "runs", "pretrained", "gifs", "tests"))
    section = (ROOT / "docs/extending.md").read_text(encoding="utf-8").split("## Add a network")[1].split("\n##")[0]
    (row,) = re.findall(r"^ *(\"IMPALA\": .*)$", section, re.M)
    (file,) = re.findall(r"`(networks/impala\.py)`", section)
    (command,) = re.findall(r"`python3 (train\.py [^`]*IMPALA[^`]*)`", section)

    shipped = (project / file).read_text(encoding="utf-8")
    (project / file).unlink()
    registry = project / "networks/registry.py"
    without = re.sub(r"^ *\"IMPALA\".*\n", "", registry.read_text(encoding="utf-8"), flags=re.M)
    registry.write_text(without, encoding="utf-8")
    code, output = run(project, *command.split())
    assert code == 2 and "--arch IMPALA" in output, "the network still exists"

    (project / file).write_text(shipped, encoding="utf-8")
    registry.write_text(without.replace("TORSOS = {\n", f"TORSOS = {{\n    {row}\n"), encoding="utf-8")
    short = ["-ec", "4", "-ew", "1", "-df", str(tmp_path / "run"), "--max_global_steps", "40"]
    code, output = run(project, *command.split(), *short)
    assert code == 0 and "pong: IMPALA" in output, output
