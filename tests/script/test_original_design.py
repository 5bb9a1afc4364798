"""The design of 2017 as a baseline of the benchmark: a process of it that ends is an error, not a wait without end."""

import pytest

from benchmarking.original_design import OriginalPool
from emulators import find_game


@pytest.mark.slow
def test_an_emulator_process_that_ends_is_an_error():
    with pytest.raises(RuntimeError, match="an emulator process of the design of 2017 has ended"):
        OriginalPool(find_game("pong"), 8, {"no_such_setting": 1})


@pytest.mark.slow
def test_the_settings_of_a_run_are_accepted():
    pool = OriginalPool(find_game("pong"), 8, {"frame_skip": 4, "random_start": False})
    pool.close()
