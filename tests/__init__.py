"""The tests. Their folders mirror the packages; `tests.helpers` has helpers, conftest.py fixtures."""

import pytest

pytest.register_assert_rewrite("tests.helpers")
