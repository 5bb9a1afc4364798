"""The numbers of repeats that FiGAR chooses from."""


def repetition_table(max_repetition: int, nb_choices: int) -> list[int]:
    """Return the number of repeats of each choice: `nb_choices` values spread evenly from 0 to `max_repetition`.

    The last value is always `max_repetition`, also with one choice. `repetition_table(0, 1)` is `[0]`, plain PAAC,
    where every action is played once. Raises ValueError for negative repeats, for no choice, and for more
    choices than values.
    """
    if max_repetition < 0 or nb_choices < 1:
        raise ValueError(f"max_repetition {max_repetition} must be at least 0 and nb_choices {nb_choices} at least 1")
    if nb_choices > max_repetition + 1:
        raise ValueError(
            f"{nb_choices} choices need a max_repetition of at least {nb_choices - 1}, but it is {max_repetition}"
        )
    if nb_choices == 1:
        return [max_repetition]
    gap = max_repetition // (nb_choices - 1)
    return [choice * gap for choice in range(nb_choices - 1)] + [max_repetition]
