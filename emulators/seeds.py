"""Seeds of emulators outside the training, which never play the training's episodes.

The training seeds emulator i with [seed, i], or with [seed, updates, i] when a resume starts new episodes.
"""

EVALUATION = 2_000_000_011  # no training makes that many updates
FILM = 2_000_000_033


def evaluation_seed(seed: int, number: int) -> list[int]:
    """Return the seed of the emulator for test episode `number` of a test with `seed`."""
    return [seed, EVALUATION, number]


def film_seed(seed: int) -> list[int]:
    """Return the seed of the emulator that is filmed during a training with `seed`."""
    return [seed, FILM]
