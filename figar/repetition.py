"""The numbers of repeats that FiGAR chooses from."""


def repetition_table(max_repetition: int, nb_choices: int) -> list[int]:
    """Return the number of repeats of each choice: equal whole steps from 0, and `max_repetition` as the last.

    The last value is always `max_repetition`, even with one choice. `repetition_table(0, 1)` is `[0]`, plain PAAC,
    where every action is played once. With more than `max_repetition` + 1 choices, values repeat, as in the original
    Manette. Raises ValueError if `max_repetition` < 0 or `nb_choices` < 1.
    """
    if max_repetition < 0 or nb_choices < 1:
        raise ValueError(f"max_repetition {max_repetition} must be at least 0 and nb_choices {nb_choices} at least 1")
    if nb_choices == 1:
        return [max_repetition]
    gap = max_repetition // (nb_choices - 1)
    return [choice * gap for choice in range(nb_choices - 1)] + [max_repetition]
