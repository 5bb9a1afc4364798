"""Six small games as Gymnasium environments. Importing this package registers them.

FlappyBird, Catcher, MonsterKong, RaycastMaze and Snake follow the rules of the PyGame Learning Environment (Norman
Tasfi 2016), and Tetris those of the original Manette. The pictures are our own, and all are drawn by code.
"""

import gymnasium

OWN_GAMES = {
    # id -> module; the class is named like the id, without -v0
    "FlappyBird-v0": "flappy_bird",
    "Catcher-v0": "catcher",
    "MonsterKong-v0": "monster_kong",
    "RaycastMaze-v0": "raycast_maze",
    "Snake-v0": "snake",
    "Tetris-v0": "tetris",
}
MAX_STEPS = 10_000  # steps after which an episode is truncated

for _id, _module in OWN_GAMES.items():
    gymnasium.register(
        _id, entry_point=f"emulators.games.{_module}:{_id.removesuffix('-v0')}", max_episode_steps=MAX_STEPS
    )
