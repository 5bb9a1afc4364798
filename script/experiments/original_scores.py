"""What the original Manette's README reports: means of 50 episodes after 80 million decisions, by the game's ROM name."""

ORIGINAL_SCORES: dict[str, tuple[float, float]] = {
    # game: (PAAC, FiGAR 10)
    "asterix": (17525, 38315),
    "asteroids": (1427, 66708),
    "breakout": (407, 779),
    "enduro": (0, 677),
    "gopher": (14034, 26625),
    "gravitar": (168, 502),
    "montezuma_revenge": (0, 0),
    "ms_pacman": (2408, 5488),
    "pong": (19.9, 19.5),
    "seaquest": (1679, 10032),
    "space_invaders": (747, 4262),
    "yars_revenge": (12808, 11329),
}
