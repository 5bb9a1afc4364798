"""The numbers of repeats an agent may choose from."""


def repetition_table(max_repetition: int, nb_choices: int) -> list[int]:
    """Repeats by choice: `nb_choices` values spread evenly from 0 to `max_repetition`, the largest always among them.

    `repetition_table(0, 1)` is `[0]`: plain PAAC, where every action is played once. Raises ValueError if the values
    contradict each other.
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
