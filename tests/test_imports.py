"""The house's one rule about imports: down only, and TensorFlow stays out of the emulators."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

SCRIPT = {"agents", "benchmarking", "experiments", "figures", "reporting"}  # packages of script/
ROOMS = {
    "emulators": {"emulators"},
    "networks": {"networks"},
    "figar": {"figar"},
    "paac": {"paac", "networks", "figar", "emulators"},
    "script": {"paac", "networks", "figar", "emulators", *SCRIPT},
}
OURS = {*ROOMS, "train", "test", "gif", *SCRIPT}
MODULES = sorted(path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """First part of the name of everything that the file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_room_imports_only_from_itself_and_below(module):
    assert imported(ROOT / module) & OURS <= ROOMS[module.parts[0]]


@pytest.mark.parametrize("module", [module for module in MODULES if module.parts[0] == "emulators"], ids=str)
def test_emulators_never_import_tensorflow(module):
    assert not imported(ROOT / module) & {"tensorflow", "keras"}


@pytest.mark.parametrize("module", [module for module in MODULES if module.parts[0] != "script"], ids=str)
def test_every_module_can_be_imported(module):
    importlib.import_module(".".join(module.with_suffix("").parts).removesuffix(".__init__"))


def test_packages_and_front_doors_import_no_tensorflow():
    code = (
        "import sys, emulators, emulators.worker, figar, paac, networks.registry, paac.cli.options, train, gif\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
