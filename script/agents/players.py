"""The baselines that an agent is compared with: random play and, in some games, a simple rule.

A rule may use the state of the game; an agent only sees the pixels.
"""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np

from agents import tetris_rule
from emulators import Emulator, Game, make_emulator
from emulators.games import catcher, flappy_bird, snake
from emulators.gym import GymEmulator
from emulators.pixel_emulator import PixelGameEmulator
from emulators.seeds import evaluation_seed

Player = Callable[[Any], int]  # from an emulator to an action


def random_player(random: np.random.Generator) -> Player:
    """A player that draws all actions with the same probability."""
    return lambda emulator: int(random.integers(emulator.num_actions))


def play_cartpole(emulator: GymEmulator) -> int:
    """Push to the side to which the pole will lean."""
    _, _, angle, angular_velocity = emulator.environment.state
    return int(angle + 0.5 * angular_velocity > 0)


def play_catcher(emulator: PixelGameEmulator) -> int:
    """Push the paddle towards the fruit, or the other way when the paddle would slide too far."""
    state = emulator.game.state
    distance = state["fruit_x"] + catcher.FRUIT / 2 - (state["paddle"] + catcher.PADDLE[0] / 2)
    pushes = {0: -catcher.ACCELERATION, 1: catcher.ACCELERATION, 2: 0.0}
    return min(pushes, key=lambda action: abs(distance - 2 * (state["velocity"] + 2 * pushes[action])))


def play_flappy_bird(emulator: PixelGameEmulator) -> int:
    """Flap when the bird's feet are below the middle of the next gap."""
    state = emulator.game.state
    _, gap = min(pipe for pipe in state["pipes"] if pipe[0] > flappy_bird.HIT_AFTER)
    return 0 if state["y"] + flappy_bird.BIRD[1] > gap + flappy_bird.GAP / 2 else 1


def play_snake(emulator: PixelGameEmulator) -> int:
    """Move straight to the food; when it lies behind the snake, turn to the side first."""
    state = emulator.game.state
    head, food, direction = np.array(state["body"][0]), np.array(state["food"]), np.array(state["direction"])
    to_food = food + (snake.FOOD - snake.SEGMENT) / 2 - head

    def progress(action: int) -> float:
        new_direction = np.array(snake.DIRECTIONS[action])
        return -np.inf if (new_direction == -direction).all() else float(new_direction @ to_food)

    return max(range(len(snake.DIRECTIONS)), key=progress)


def play_tetris(emulator: PixelGameEmulator) -> int:
    """Move the piece to the placement that gives the board the highest value."""
    return tetris_rule.choose_action(emulator.game.state)


RULES: dict[str, Player] = {
    "CartPole-v0": play_cartpole,
    "CartPole-v1": play_cartpole,
    "Catcher-v0": play_catcher,
    "FlappyBird-v0": play_flappy_bird,
    "Snake-v0": play_snake,
    "tetris": play_tetris,
}


def play_episode(player: Player, emulator: Emulator) -> float:
    """Play one episode; returns its raw score."""
    emulator.reset()
    score = 0.0
    while not emulator.done:
        score += emulator.step(player(emulator))[1]
    return score


def baseline_scores(game: Game, episodes: int, seed: int, **settings: Any) -> dict[str, list[float]]:
    """Raw scores of random play ("random") and, if the game has one, of its rule ("rule").

    Episodes start as those of test.py with the same seed. `settings` are passed to `make_emulator`.
    """
    players = {"random": random_player(np.random.default_rng(seed))}
    if str(game) in RULES:  # the name alone is not enough: Atari has a tetris too
        players["rule"] = RULES[str(game)]
    scores: dict[str, list[float]] = {}
    for name, player in players.items():
        scores[name] = []
        for number in range(episodes):
            with closing(make_emulator(game, seed=evaluation_seed(seed, number), **settings)) as emulator:
                scores[name].append(play_episode(player, emulator))
    return scores
