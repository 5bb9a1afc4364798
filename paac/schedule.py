"""Values that change during training."""


def linear_to_zero(initial: float, steps: int, step: int) -> float:
    """Return a value that falls linearly from `initial` at step 0 to 0 at step `steps`, and stays 0 after that."""
    return initial * max(0.0, 1.0 - step / steps)
