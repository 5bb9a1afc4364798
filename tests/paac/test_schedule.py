"""The linear schedule at its ends and in between."""

import pytest

from paac.schedule import linear_to_zero


@pytest.mark.parametrize(
    ("step", "value"),
    [(0, 0.0224), (20_000_000, 0.0168), (40_000_000, 0.0112), (79_999_999, 2.8e-10), (80_000_000, 0.0)],
)
def test_the_value_falls_linearly_to_zero(step, value):
    assert linear_to_zero(0.0224, 80_000_000, step) == pytest.approx(value, rel=1e-6, abs=1e-15)


def test_after_the_last_step_the_value_is_exactly_zero():
    assert linear_to_zero(0.0224, 100, 101) == 0.0
    assert linear_to_zero(0.0224, 1, 10**12) == 0.0


def test_an_initial_value_of_zero_stays_zero():
    assert linear_to_zero(0.0, 100, 50) == 0.0
