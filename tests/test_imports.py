"""Packages import only lower packages, and what must start fast does not import TensorFlow."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

ALGORITHM = {"paac", "networks", "figar", "emulators"}  # "paac" is its modules without its packages
MAY_IMPORT = {
    "networks": {"networks"},
    "figar": {"figar"},
    "emulators": {"emulators"},
    "paac": ALGORITHM,
    # Of the last three only the modules in LIGHT.
    "paac.cli": {"paac.cli", "networks", "figar", "emulators"},
    "paac.summaries": ALGORITHM | {"paac.cli", "paac.summaries"},
    "paac.video": ALGORITHM | {"paac.cli", "paac.video"},
    "paac.training": ALGORITHM | {"paac.cli", "paac.summaries", "paac.video", "paac.training"},
}
LIGHT = {"networks.registry", "networks.errors", "figar.repetition", "emulators", "emulators.gym_settings"}
FOLDERS = "networks", "figar", "emulators", "paac"
MODULES = sorted(path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
SCRIPTS = {path.name for path in (ROOT / "script").iterdir()} | {"train", "test", "gif", "tests"}


def imported(path: Path) -> set[str]:
    """Return all modules that the file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{path}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if is_module(name) else node.module for name in names}
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def package_of(module: str) -> str:
    """Return the module's package, a key of MAY_IMPORT."""
    parts = module.split(".")
    return ".".join(parts[:2]) if ".".join(parts[:2]) in MAY_IMPORT else parts[0]


def name_of(module: Path) -> str:
    return ".".join(module.with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_from_its_package_and_those_below(module):
    ours = {package_of(name) for name in imported(ROOT / module)} & {*MAY_IMPORT, *SCRIPTS}
    assert ours <= MAY_IMPORT[package_of(name_of(module))]


def test_each_package_has_modules():
    assert {package_of(name_of(module)) for module in MODULES} == MAY_IMPORT.keys()


@pytest.mark.parametrize("module", [module for module in MODULES if module.parts[:2] == ("paac", "cli")], ids=str)
def test_the_command_line_imports_only_light_modules(module):
    below = {name for name in imported(ROOT / module) if name.split(".")[0] in ("networks", "figar", "emulators")}
    assert below <= LIGHT


@pytest.mark.parametrize("module", [module for module in MODULES if module.parts[0] == "emulators"], ids=str)
def test_emulators_never_import_tensorflow(module):
    assert not {name.split(".")[0] for name in imported(ROOT / module)} & {"tensorflow", "keras"}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_can_be_imported(module):
    importlib.import_module(name_of(module))


def test_packages_and_entry_points_do_not_import_tensorflow():
    code = (
        "import sys, emulators, emulators.worker, figar, paac, networks.registry, paac.cli.options, train, gif\n"
        "from paac.training import load_agent, train\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
