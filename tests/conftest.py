"""Fixtures of all tests."""

import shutil
import sys
from collections import Counter

import pytest

from networks.registry import TORSOS
from paac.training.tensorflow_setup import set_environment, start_tensorflow
from tests.helpers.commands import Commands

set_environment()  # before a test imports TensorFlow, so that commands in this process compute as in their own process


def pytest_collection_modifyitems(items):
    """Run files with many slow tests first, so that parallel test processes end at about the same time."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session", autouse=True)
def tensorflow():
    """Set up TensorFlow as the commands do, before any test computes, if a test imports it."""
    if "tensorflow" in sys.modules:
        start_tensorflow("/cpu:0")


@pytest.fixture
def commands(tmp_path):
    """The commands, run in the test's own folder."""
    opened = Commands(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def write_network(tmp_path, monkeypatch):
    """Return a function that writes a module with the given source, and makes it the one of --arch OWN."""
    written: list[str] = []

    def write(source: str, arch: str = "OWN") -> None:
        module = f"own_network{len(written)}"
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        written.append(module)
        monkeypatch.setitem(TORSOS, arch, module)

    monkeypatch.syspath_prepend(tmp_path)
    yield write
    for module in written:
        sys.modules.pop(module, None)


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("there is no Chromium with a chromedriver on this machine")
    from tests.helpers.browser import Browser

    opened = Browser()
    yield opened
    opened.close()
