"""The repetition table against the examples in the README of the original Manette, and against its rule."""

import pytest

from figar.repetition import repetition_table


@pytest.mark.parametrize(
    ("max_repetition", "nb_choices", "table"),
    [
        # Examples of the original.
        (0, 1, [0]),
        (10, 11, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (10, 6, [0, 2, 4, 6, 8, 10]),
        (10, 1, [10]),
        # By its rule: i * floor(max / (n - 1)), and max for the last choice.
        (10, 4, [0, 3, 6, 10]),
        (10, 2, [0, 10]),
        (10, 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10]),
        (7, 3, [0, 3, 7]),
        (29, 4, [0, 9, 18, 29]),
        (1, 2, [0, 1]),
        (2, 5, [0, 0, 0, 0, 2]),
        (0, 2, [0, 0]),
    ],
)
def test_the_values_follow_the_rule_of_the_original(max_repetition, nb_choices, table):
    assert repetition_table(max_repetition, nb_choices) == table


def test_every_table_increases_up_to_the_largest_value():
    for largest in range(13):
        for count in range(1, largest + 2):
            table = repetition_table(largest, count)
            assert len(table) == count
            assert table[-1] == largest
            assert table == sorted(set(table))
            assert table[0] == 0 or count == 1


@pytest.mark.parametrize(("max_repetition", "nb_choices"), [(-1, 1), (0, 0), (10, 0), (10, -3)])
def test_arguments_that_are_too_small_are_refused(max_repetition, nb_choices):
    with pytest.raises(ValueError, match=f"{max_repetition}.*{nb_choices}"):
        repetition_table(max_repetition, nb_choices)
