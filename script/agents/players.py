"""Players to compare an agent with: a random one, and for easy games one that follows a rule.

A rule may look at the state of the game, where an agent has the pixels only.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any

import numpy as np

from agents import tetris_rule
from emulators import Emulator, Game, make_emulator
from emulators.games import catcher, flappy_bird, snake
from emulators.gym import GymEmulator
from emulators.pixel_game import PixelGameEmulator

Player = Callable[[Any], int]  # from an emulator to an action


def random_player(random: np.random.Generator) -> Player:
    """All actions alike."""
    return lambda emulator: int(random.integers(emulator.num_actions))


def balance(emulator: GymEmulator) -> int:
    """CartPole: push to the side to which the pole will lean."""
    _, _, angle, turning = emulator.environment.state
    return int(angle + 0.5 * turning > 0)


def catch(emulator: PixelGameEmulator) -> int:
    """Catcher: push to where the fruit comes down, a little back where the paddle would slide too far."""
    state = emulator.game.state
    distance = state["fruit_x"] + catcher.FRUIT / 2 - (state["paddle"] + catcher.PADDLE[0] / 2)
    pushes = {0: -catcher.ACCELERATION, 1: catcher.ACCELERATION, 2: 0.0}
    return min(pushes, key=lambda action: abs(distance - 2 * (state["velocity"] + 2 * pushes[action])))


def flap(emulator: PixelGameEmulator) -> int:
    """FlappyBird: flap where the bird's feet are below the middle of the next gap."""
    state = emulator.game.state
    _, gap = min(pipe for pipe in state["pipes"] if pipe[0] > flappy_bird.HIT_AFTER)
    return 0 if state["y"] + flappy_bird.BIRD[1] > gap + flappy_bird.GAP / 2 else 1


def eat(emulator: PixelGameEmulator) -> int:
    """Snake: straight to the food, by a detour of one step where it lies right behind."""
    state = emulator.game.state
    head, food, direction = np.array(state["body"][0]), np.array(state["food"]), np.array(state["direction"])
    way = food + (snake.FOOD - snake.SEGMENT) / 2 - head

    def gain(action: int) -> float:
        turned = np.array(snake.DIRECTIONS[action])
        return -np.inf if (turned == -direction).all() else float(turned @ way)

    return max(range(len(snake.DIRECTIONS)), key=gain)


def stack(emulator: PixelGameEmulator) -> int:
    """Tetris: where the board looks best afterwards."""
    return tetris_rule.stack(emulator.game.state)


RULES: dict[str, Player] = {
    "CartPole-v0": balance,
    "CartPole-v1": balance,
    "Catcher-v0": catch,
    "FlappyBird-v0": flap,
    "Snake-v0": eat,
    "tetris": stack,
}


def scores(player: Player, emulators: Sequence[Emulator]) -> list[float]:
    """The raw score of an episode in each emulator."""
    return [_score(player, emulator) for emulator in emulators]


def _score(player: Player, emulator: Emulator) -> float:
    emulator.reset()
    score = 0.0
    while not emulator.done:
        score += emulator.step(player(emulator))[1]
    return score


def baselines(game: Game, episodes: int, seed: int, **settings: Any) -> dict[str, list[float]]:
    """Scores of random play, and of the game's rule if there is one, in the episodes in which test.py plays.

    `settings` are those of `make_emulator`.
    """
    players = {"random": random_player(np.random.default_rng(seed))}
    if str(game) in RULES:  # not its name alone: Atari has a tetris too
        players["rule"] = RULES[str(game)]
    found = {}
    for name, player in players.items():
        with ExitStack() as opened:
            emulators = (
                opened.enter_context(closing(make_emulator(game, seed=[seed, number], **settings)))
                for number in range(episodes)
            )
            found[name] = scores(player, list(emulators))
    return found
