"""Fixtures of all tests."""

import shutil
import sys
from collections import Counter

import pytest

from tests.helpers.commands import Commands


def pytest_collection_modifyitems(items):
    """Start with the files that have most slow tests, so that none of them is left for one process at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session", autouse=True)
def tensorflow():
    """Where a test needs TensorFlow, it is set up as the commands do it, before anything computes."""
    if "tensorflow" in sys.modules:
        from paac.engine import start_tensorflow

        start_tensorflow("/cpu:0")


@pytest.fixture
def commands(tmp_path):
    return Commands(tmp_path)


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("there is no Chromium with a chromedriver on this machine")
    from tests.helpers.browser import Browser

    opened = Browser()
    yield opened
    opened.close()
