"""Seeds of emulators outside the training, which never play the training's episodes.

The training seeds emulator i with [seed, i], or with [seed, NEW_EPISODES, updates, i] if a resume starts new ones.
"""

NEW_EPISODES = 2_000_000_089  # like the others, more than there are emulators, so that all seeds differ
EVALUATION = 2_000_000_011
FILM = 2_000_000_033
PERIODIC_EVALUATION = 2_000_000_063


def evaluation_seed(seed: int, number: int) -> list[int]:
    """Return the seed of the emulator for test episode `number` of a test with `seed`."""
    return [seed, EVALUATION, number]


def film_seed(seed: int) -> list[int]:
    """Return the seed of the emulator that is filmed during a training with `seed`."""
    return [seed, FILM]


def periodic_evaluation_seed(seed: int, number: int) -> list[int]:
    """Return the seed of the emulator for episode `number` of each evaluation during a training with `seed`."""
    return [seed, PERIODIC_EVALUATION, number]
