"""Six small games as Gymnasium environments, drawn in code; importing this package registers them.

FlappyBird, Catcher, MonsterKong, RaycastMaze and Snake follow the rules of the PyGame Learning Environment (Norman
Tasfi 2016), Tetris those of the original Manette. No picture of theirs is used.
"""

import gymnasium

GAMES = {
    # id -> module; the class has the id's name
    "FlappyBird-v0": "flappy_bird",
    "Catcher-v0": "catcher",
    "MonsterKong-v0": "monster_kong",
    "RaycastMaze-v0": "raycast_maze",
    "Snake-v0": "snake",
    "Tetris-v0": "tetris",
}
MAX_STEPS = 10_000  # of an episode; then it is truncated

for _id, _module in GAMES.items():
    gymnasium.register(
        _id, entry_point=f"emulators.games.{_module}:{_id.removesuffix('-v0')}", max_episode_steps=MAX_STEPS
    )
