"""The tests. Their folders mirror the packages; helpers are in `tests.helpers`, fixtures in conftest.py."""

import pytest

pytest.register_assert_rewrite("tests.helpers")
