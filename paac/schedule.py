"""Values that change with the number of decisions made."""


def linear_to_zero(initial: float, steps: int, step: int) -> float:
    """`initial` at step 0, falling in a straight line to 0 at `steps` and 0 from there on."""
    return initial * max(0.0, 1.0 - step / steps)
