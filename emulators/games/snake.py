"""Snake: a snake that never stops moving grows when it eats, and must not bite itself or leave the picture."""

from functools import cache
from typing import Any

import pygame

from emulators.games.pixel_game import RGB_MASKS, Colour, PixelGame

WIDTH = HEIGHT = 64
SPEED = 29 / 30  # pixels per step
FOLLOW_FRACTION = 0.9  # fraction of the distance to the segment ahead that a segment moves in a step
SEGMENT, FOOD = 3, 6  # width and height in pixels
LENGTH = 3  # segments at the start, the head included; biting them does no harm
DIRECTIONS = (0, -1), (-1, 0), (1, 0), (0, 1)  # (right, down) of each action

DARK = (25, 25, 25)
HEAD, NECK, LIGHT, GREEN = (40, 170, 60), (100, 255, 100), (200, 255, 200), (0, 255, 0)
EYES, MOUTH = (255, 255, 255), (255, 0, 0)
APPLE, APPLE_SHINE, APPLE_SHADE, LEAF = (255, 100, 100), (255, 205, 195), (205, 60, 70), (120, 210, 80)

Box = tuple[int, int, int, int]  # left, top, width and height


class Snake(PixelGame):
    """The reward is +1 for food, which adds a segment, and -5 for biting itself or leaving the picture.

    Biting itself and leaving the picture end the game. The mouth is a bar of three pixels ahead of the head. The snake
    bites itself when the mouth meets the middle pixel of a segment; the two segments behind the head are exempt.
    """

    size = WIDTH, HEIGHT
    actions = "up", "left", "right", "down", "no-op"
    noop = 4
    keys = {"up": 0, "left": 1, "right": 2, "down": 3}

    def _begin(self) -> dict[str, Any]:
        body = [[32.0 - SEGMENT * number, 32.0] for number in range(LENGTH)]
        return {
            "body": body,  # head first
            "direction": [1, 0],
            "mouth": [32, 32, 1, 1],  # a single pixel until the first step
            "food": self._new_food(body),
            "over": False,
        }

    def _new_food(self, body: list[list[float]]) -> list[int]:
        while True:
            food = [12 + 6 * int(self.np_random.integers(7)), 12 + 6 * int(self.np_random.integers(7))]
            if food not in body:
                return food

    @property
    def over(self) -> bool:
        """Whether the snake has bitten itself or has left the picture."""
        return self.state["over"]

    def _advance(self, action: int) -> float:
        state, reward = self.state, 0.0
        if action != self.noop:
            self._turn(*DIRECTIONS[action])
        if _overlap(state["mouth"], _food_box(state["food"])):
            reward += 1
            state["body"].append(list(state["body"][-1]))
            state["food"] = self._new_food(state["body"])
        if self._bites_itself() or self._outside():
            state["over"] = True
            reward -= 5
        self._move()
        return reward

    def _turn(self, right: int, down: int) -> None:
        """Turn the snake, unless that would reverse its direction."""
        if self.state["direction"] != [-right, -down]:
            self.state["direction"] = [right, down]

    def _bites_itself(self) -> bool:
        left, top, width, height = self.state["mouth"]
        return any(
            left <= int(x) < left + width and top <= int(y) < top + height for x, y in self.state["body"][LENGTH:]
        )

    def _outside(self) -> bool:
        return not all(0 <= place <= WIDTH - SEGMENT / 2 for place in self.state["body"][0])

    def _move(self) -> None:
        body, (right, down) = self.state["body"], self.state["direction"]
        for number in range(len(body) - 1, 0, -1):
            (ahead_x, ahead_y), (x, y) = body[number - 1], body[number]
            body[number] = [
                FOLLOW_FRACTION * ahead_x + (1 - FOLLOW_FRACTION) * x,
                FOLLOW_FRACTION * ahead_y + (1 - FOLLOW_FRACTION) * y,
            ]
        head = body[0]
        head[0] += right * SPEED
        head[1] += down * SPEED
        self.state["mouth"] = _mouth(head[0], head[1], right, down)

    def _draw(self) -> None:
        state, canvas = self.state, self.canvas
        canvas.fill(DARK)
        body = state["body"]
        for number in range(len(body) - 1, 0, -1):
            x, y = body[number]
            canvas.fill(_colour(number), (int(x) - 1, int(y) - 1, SEGMENT, SEGMENT))
        self._draw_head()
        canvas.fill(MOUTH, state["mouth"])
        canvas.blit(_apple(), _food_box(state["food"]))

    def _draw_head(self) -> None:
        """Draw the head, directly behind the mouth."""
        (x, y), (right, down) = self.state["body"][0], self.state["direction"]
        left, top = int(x) - abs(down), int(y) - abs(right)
        self.canvas.fill(HEAD, (left, top, SEGMENT, SEGMENT))
        for side in (0, SEGMENT - 1):
            eye = (left + 1, top + side) if right else (left + side, top + 1)
            self.canvas.set_at(eye, EYES)


def _mouth(x: float, y: float, right: int, down: int) -> list[int]:
    """Return the mouth of a head at x, y: its left, top, width and height."""
    if right:
        return [int(x + SEGMENT if right > 0 else x - 1), int(y) - 1, 1, SEGMENT]
    return [int(x) - 1, int(y + SEGMENT if down > 0 else y - 1), SEGMENT, 1]


def _food_box(food: list[int]) -> Box:
    return food[0] - FOOD // 2, food[1] - FOOD // 2, FOOD, FOOD


def _overlap(one: list[int], other: Box) -> bool:
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))


def _colour(number: int) -> Colour:
    if number < LENGTH:
        return NECK
    return LIGHT if number % 2 else GREEN


@cache
def _apple() -> pygame.Surface:
    """Return a round apple with a highlight, a shadow and a leaf."""
    apple = pygame.Surface((FOOD, FOOD), 0, 24, RGB_MASKS)
    apple.fill(APPLE)
    apple.fill(APPLE_SHADE, (1, FOOD - 1, FOOD - 2, 1))
    apple.fill(APPLE_SHADE, (FOOD - 1, 1, 1, FOOD - 2))
    apple.fill(APPLE_SHINE, (1, 1, 1, 2))
    for corner in ((0, 0), (FOOD - 1, 0), (0, FOOD - 1), (FOOD - 1, FOOD - 1)):
        apple.set_at(corner, DARK)
    apple.set_at((3, 0), LEAF)
    apple.set_at((4, 0), LEAF)
    return apple
