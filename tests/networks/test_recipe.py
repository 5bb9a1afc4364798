"""Following the documented steps for adding a network gives a network that trains."""

import re
import shutil
import subprocess
import sys
import textwrap

import pytest

from tests.helpers import ROOT
from tests.helpers.commands import TIMEOUT_S

NOT_COPIED = ".*", "__pycache__", "logs", "runs", "site", "pretrained", "gifs", "tests"


def run(folder, *command):
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_the_documented_steps_add_a_network(tmp_path):
    project = tmp_path / "manette"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(*NOT_COPIED))
    section = (ROOT / "docs/extending.md").read_text(encoding="utf-8").split("## Add a network")[1].split("\n##")[0]
    (file,) = re.findall(r"in a file `(\w+\.py)` in `networks/`", section)
    code, row = re.findall(r"^ *```\n(.*?)^ *```", section, re.S | re.M)
    (command,) = re.findall(r"`python3 (train\.py [^`]*)`", section)
    command = [*command.split(), "-ec", "4", "-ew", "1", "-df", str(tmp_path / "run"), "--max_global_steps", "40"]

    status, output = run(project, *command)
    assert status == 2 and "--arch SMALL" in output, "the network exists before it is added"

    (project / "networks" / file).write_text(textwrap.dedent(code), encoding="utf-8")
    registry = project / "networks/registry.py"
    before, after = registry.read_text(encoding="utf-8").split("TORSOS = {\n")
    registry.write_text(f"{before}TORSOS = {{\n{row}{after}", encoding="utf-8")
    status, output = run(project, *command)
    assert status == 0 and "pong: SMALL" in output, output
