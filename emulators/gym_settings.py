"""How each Gymnasium game is played. This module imports no game, so that options are read quickly."""

from typing import NamedTuple


class GymSettings(NamedTuple):
    """How one game is played. The defaults suit most games."""

    id: str  # Gymnasium's id of the game
    frame_skip: int | None = None  # environment steps in a play; None: `suitable_frame_skip` of the frame rate
    pooled_frames: int = 2  # how many of a play's last steps are max-pooled: 1 or 2
    max_noops: int = 20  # largest number of no-op steps in a random start
    noop: int | None = None  # the action that does nothing, None: there is none; our own games name theirs themselves
    random_start: bool = True  # False for games that no-ops soon end
    observed_rows: int | None = None  # how many rows of the screen are observed, counted from the top; None: all
    action_names: tuple[str, ...] = ()  # readable names; our own games name their actions themselves
    state_attributes: tuple[str, ...] = ()  # attributes that hold the whole state; our own games save theirs


DEFAULT_FRAME_SKIP = 2
MAX_TURN_FPS = 10  # slower environments are turn-based: a person sees each step as a picture of its own
LEFT_RIGHT = "left", "right"
CARTPOLE_STATE = "state", "steps_beyond_terminated"
GAME_SETTINGS = {
    settings.id: settings
    for settings in (
        GymSettings("FlappyBird-v0", random_start=False, observed_rows=410),  # below them is only the ground
        GymSettings("Snake-v0", random_start=False),
        GymSettings("CartPole-v0", action_names=LEFT_RIGHT, state_attributes=CARTPOLE_STATE),
        GymSettings("CartPole-v1", action_names=LEFT_RIGHT, state_attributes=CARTPOLE_STATE),
        GymSettings("MountainCar-v0", noop=1, action_names=("left", "no-op", "right"), state_attributes=("state",)),
        GymSettings("LunarLander-v3", noop=0, action_names=("no-op", "left engine", "main engine", "right engine")),
    )
}
TETRIS_SETTINGS = GymSettings("Tetris-v0", frame_skip=1, pooled_frames=1, max_noops=30)


def suitable_frame_skip(frames_per_second: float | None) -> int:
    """Return how many environment steps suit a play: 1 in turn-based games, otherwise `DEFAULT_FRAME_SKIP`."""
    return 1 if frames_per_second is not None and frames_per_second <= MAX_TURN_FPS else DEFAULT_FRAME_SKIP


def settings_of(platform: str, name: str) -> GymSettings:
    """Return the settings of a game of the platform gym or tetris."""
    if platform == "tetris":
        return TETRIS_SETTINGS
    noop = 0 if name.startswith("MinAtar/") else None
    return GAME_SETTINGS.get(name, GymSettings(name, noop=noop))


def allows_random_start(game: str) -> bool:
    """Whether `game`, a NAME or PLATFORM:NAME, allows a random start."""
    settings = GAME_SETTINGS.get(game.removeprefix("gym:"))
    return settings is None or settings.random_start
