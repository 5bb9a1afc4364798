"""Catcher: a paddle slides along the ground and catches falling fruit."""

from typing import Any

import pygame

from emulators.games.pixel_game import PixelGame

WIDTH = HEIGHT = 64
PADDLE = 13, 3  # width and height in pixels
FRUIT = 4  # width and height in pixels
GROUND = 58  # top row of the paddle
ACCELERATION = 0.021 * WIDTH  # pixels per step²
FRICTION = 0.9  # factor of the velocity in each step
FALL = 0.0608 * 1000 / 30  # pixels per step
LIVES = 3

SKY, PADDLE_COLOUR, FRUIT_COLOUR = (0, 0, 0), (255, 255, 255), (255, 120, 120)


class Catcher(PixelGame):
    """The reward is +1 for a caught fruit and -1 for a missed one. The third miss costs 5 more and ends the game.

    Positions are in pixels, truncated to integers after every step. As in the original, catching treats them as
    centres, and drawing as top left corners. A fruit is caught if its left edge is drawn at most 7 pixels to the left,
    or 8 to the right, of the paddle's left edge.
    """

    size = WIDTH, HEIGHT
    actions = "left", "right", "no-op"
    noop = 2
    keys = {"left": 0, "right": 1}

    def _begin(self) -> dict[str, Any]:
        state = {"paddle": 25, "velocity": 0.0, "lives": LIVES}
        return state | self._new_fruit()

    def _new_fruit(self) -> dict[str, int]:
        column = 8 + 4 * int(self.np_random.integers(12))
        return {"fruit_x": column, "fruit_y": -4 * int(self.np_random.integers(1, 8))}

    @property
    def over(self) -> bool:
        """Whether the player has missed the third fruit."""
        return self.state["lives"] == 0

    @property
    def lives(self) -> int:
        """How often the player may still miss, plus one."""
        return self.state["lives"]

    def _advance(self, action: int) -> float:
        state, reward = self.state, 0.0
        if state["fruit_y"] >= HEIGHT:
            reward -= 1
            state["lives"] -= 1
            state |= self._new_fruit()
        if 56 <= state["fruit_y"] <= 61 and -7 <= state["fruit_x"] - state["paddle"] <= 8:
            reward += 1
            state |= self._new_fruit()
        push = (-ACCELERATION, ACCELERATION, 0.0)[action]
        state["velocity"] = (state["velocity"] + push) * FRICTION
        wanted = state["paddle"] + state["velocity"]
        if wanted <= 0 or wanted + PADDLE[0] >= WIDTH:
            wanted = min(max(wanted, 0), WIDTH - PADDLE[0])
            state["velocity"] = 0.0
        state["paddle"] = int(wanted)
        state["fruit_y"] = int(state["fruit_y"] + FALL)
        if self.over:
            reward -= 5
        return reward

    def _draw(self) -> None:
        self.canvas.fill(SKY)
        pygame.draw.rect(self.canvas, PADDLE_COLOUR, (self.state["paddle"], GROUND, *PADDLE))
        pygame.draw.rect(self.canvas, FRUIT_COLOUR, (self.state["fruit_x"], self.state["fruit_y"], FRUIT, FRUIT))
