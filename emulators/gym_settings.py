"""How each Gymnasium game is played; light, so that options can be read without the games."""

from typing import NamedTuple


class GymSettings(NamedTuple):
    """What a game needs beside its id. The defaults suit most of them."""

    id: str  # Gymnasium's
    frame_skip: int = 2  # environment steps an action is held for in one decision
    pooled_frames: int = 2  # last of them joined by a pixel-wise maximum
    max_noops: int = 20  # steps at most in a random start
    noop: int | None = None  # the action that does nothing; without one there is no random start
    random_start: bool = True  # False where standing still at the start kills
    rows: int | None = None  # rows of the screen that are observed, from the top; all of them
    actions: tuple[str, ...] = ()  # what each does, for people; our own games say it themselves
    saved: tuple[str, ...] = ()  # attributes that are the whole state, where the environment cannot save itself


LEFT_RIGHT = "left", "right"
GAMES = {
    settings.id: settings
    for settings in (
        GymSettings("FlappyBird-v0", noop=1, random_start=False, rows=410),  # the ground below tells nothing
        GymSettings("Catcher-v0", noop=2),
        GymSettings("MonsterKong-v0", noop=5),
        GymSettings("RaycastMaze-v0", noop=4),
        GymSettings("Snake-v0", noop=4, random_start=False),
        GymSettings("CartPole-v0", actions=LEFT_RIGHT, saved=("state", "steps_beyond_terminated")),
        GymSettings("CartPole-v1", actions=LEFT_RIGHT, saved=("state", "steps_beyond_terminated")),
        GymSettings("MountainCar-v0", noop=1, actions=("left", "no-op", "right"), saved=("state",)),
        GymSettings("LunarLander-v3", noop=0, actions=("no-op", "left engine", "main engine", "right engine")),
    )
}
TETRIS = GymSettings("Tetris-v0", frame_skip=1, pooled_frames=1, max_noops=30, noop=0)


def settings_of(platform: str, name: str) -> GymSettings:
    """Of a game of the platforms gym and tetris."""
    if platform == "tetris":
        return TETRIS
    known_noop = 0 if name.startswith("MinAtar/") else None
    return GAMES.get(name, GymSettings(name, noop=known_noop))


def starts_at_random(game: str) -> bool:
    """Whether `game`, as typed, takes a random start well."""
    settings = GAMES.get(game.removeprefix("gym:"))
    return settings is None or settings.random_start
