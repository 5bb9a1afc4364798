"""The tests. Their folders mirror the packages; helpers are in `tests.helpers`, fixtures in conftest.py."""
