"""FlappyBird: a bird, which can only flap its wings, flies through the gaps between pipes."""

from functools import cache
from typing import Any

import numpy as np
import pygame

from emulators.games.pixel_game import RGB_MASKS, Colour, PixelGame

WIDTH, HEIGHT = 288, 512

BIRD_X, BIRD_START = 57, 256  # centre column, and top row at the start
BIRD = 34, 24  # width and height in pixels
GRAVITY, THRUST = 1, 9  # change of the velocity, in pixels per step: each step, and once per flap
MAX_FALL = 10  # pixels per step
HIGHEST_FLAP = -48  # above this row a flap does nothing
WINGBEAT = 15  # steps for which each picture of the wings is shown

PIPE_WIDTH, PIPE_LENGTH, LIP, INSET = 52, 320, 24, 2
GAP = 100  # rows between an upper and a lower pipe
SPEED = 4  # pixels per step, of pipes and ground
PIPES_START = 340, 484, 628  # centre columns
PIPE_END, PIPE_RETURN = -52, 397.6  # a pipe whose centre is left of PIPE_END returns at PIPE_RETURN
HIT_AFTER, HIT_BEFORE = 31, 100  # centre columns between which the bird can hit a pipe
SCORE_AFTER = 79  # a pipe scores in the one step in which its centre is in the `SPEED` columns after this one

GROUND, GROUND_WIDTH = 404, 336  # top row and width in pixels
MIN_GROUND_OFFSET = -48  # columns; after it the offset returns to 0
GROUND_HIT = 0.79 * HEIGHT - BIRD[1]  # top row of a bird that touches the ground

DARK = (84, 56, 71)
WHITE = (250, 250, 250)
TRANSPARENT = (255, 0, 255)
BIRDS = {  # body, shaded body, beak
    "red": ((252, 56, 0), (200, 34, 8), (248, 183, 51)),
    "blue": ((75, 193, 248), (40, 140, 210), (228, 96, 24)),
    "yellow": ((248, 183, 51), (224, 138, 28), (252, 56, 0)),
}
PIPES = {  # shade, fill, highlight
    "green": ((85, 128, 34), (146, 175, 83), (228, 253, 139)),
    "red": ((143, 86, 41), (189, 117, 86), (255, 167, 145)),
}
SCENES = {  # sky, clouds, houses, windows, bushes, bushes' edge
    "day": ((78, 192, 202), (233, 252, 217), (208, 237, 199), (165, 216, 184), (94, 226, 112), (130, 240, 140)),
    "night": ((0, 135, 147), (0, 179, 194), (0, 129, 140), (236, 214, 120), (0, 163, 0), (20, 190, 30)),
}
WING_ROWS = 6, 10, 14  # top row of the wing when it is up, in the middle and down


class FlappyBird(PixelGame):
    """The reward is +1 for a pipe, when its left edge reaches the bird's middle, and -5 for a crash.

    A crash into a pipe, the ground or the ceiling ends the game. A flap stops the fall and pushes the bird up, unless
    it was pushed in the step before. The bird stays in its column, and the three pipes move to the left.
    """

    size = WIDTH, HEIGHT
    actions = "flap", "no-op"
    noop = 1
    keys = {"space": 0, "up": 0}
    once_per_press = True

    def _begin(self) -> dict[str, Any]:
        looks = {"scene": self._choose(SCENES), "bird": self._choose(BIRDS), "pipe": self._choose(PIPES)}
        return looks | {
            "y": BIRD_START,
            "velocity": 0,
            "flapped": True,  # the bird starts as if the player had just flapped
            "thrust": False,
            "pipes": [[x, self._new_gap()] for x in PIPES_START],
            "ground": 0,
            "steps": 0,
            "over": False,
        }

    def _choose(self, looks: dict[str, Any]) -> str:
        return list(looks)[self.np_random.integers(len(looks))]

    def _new_gap(self) -> int:
        """Return the top row of a new gap."""
        return int(self.np_random.integers(25, 193))

    @property
    def over(self) -> bool:
        """Whether the bird has crashed."""
        return self.state["over"]

    def _advance(self, action: int) -> float:
        state = self.state
        if action == 0 and state["y"] > HIGHEST_FLAP:
            state["velocity"], state["flapped"] = 0, True
        reward = float(self._passed())
        if self._crashed():
            state["over"] = True
            reward -= 5
        self._move_bird()
        self._move_pipes()
        state["ground"] = state["ground"] - SPEED if state["ground"] > MIN_GROUND_OFFSET else 0
        state["steps"] += 1
        return reward

    def _passed(self) -> int:
        return sum(SCORE_AFTER < x <= SCORE_AFTER + SPEED for x, _ in self.state["pipes"])

    def _crashed(self) -> bool:
        y = self.state["y"]
        if y <= 0 or y >= GROUND_HIT:
            return True
        return any(
            HIT_AFTER < x < HIT_BEFORE and (y <= gap or y + BIRD[1] > gap + GAP) for x, gap in self.state["pipes"]
        )

    def _move_bird(self) -> None:
        state = self.state
        if not state["thrust"] and state["velocity"] < MAX_FALL:
            state["velocity"] += GRAVITY
        if not state["thrust"] and state["flapped"]:
            state["velocity"] -= THRUST
            state["thrust"] = True
        else:
            state["thrust"] = state["flapped"] = False
        state["y"] += state["velocity"]

    def _move_pipes(self) -> None:
        for pipe in self.state["pipes"]:
            if pipe[0] < PIPE_END:
                pipe[:] = PIPE_RETURN, self._new_gap()
            pipe[0] -= SPEED

    def _draw(self) -> None:
        state = self.state
        self.picture[:GROUND] = _scene(state["scene"])  # 20 times faster than a blit, because SDL bypasses the cache
        for x, gap in state["pipes"]:
            self._draw_pipe(int(x) - PIPE_WIDTH // 2, gap)
        self.picture[GROUND:] = _ground()[:, -state["ground"] : WIDTH - state["ground"]]
        wings = state["steps"] // WINGBEAT % len(WING_ROWS)
        self.canvas.blit(_bird(state["bird"], wings), (BIRD_X - BIRD[0] // 2, state["y"]))

    def _draw_pipe(self, left: int, gap: int) -> None:
        if -PIPE_WIDTH < left < WIDTH:
            upper, lower = _pipes(self.state["pipe"])
            self.canvas.blit(upper, (left, gap - PIPE_LENGTH))
            self.canvas.blit(lower, (left, gap + GAP))


# The sprites. Each is drawn once.


def _opaque_surface(size: tuple[int, int], colour: Colour) -> pygame.Surface:
    surface = pygame.Surface(size, 0, 24, RGB_MASKS)
    surface.fill(colour)
    return surface


def _transparent_surface(size: tuple[int, int]) -> pygame.Surface:
    """Return a transparent surface. It is run-length encoded, so that SDL does not bypass the cache."""
    surface = _opaque_surface(size, TRANSPARENT)
    surface.set_colorkey(TRANSPARENT, pygame.RLEACCEL)
    return surface


def _pixels(surface: pygame.Surface) -> np.ndarray:
    width, height = surface.get_size()
    return np.frombuffer(pygame.image.tobytes(surface, "RGB"), np.uint8).reshape(height, width, 3)


@cache
def _scene(name: str) -> np.ndarray:
    """Return the background above the ground, uint8 [404, 288, 3]: sky, clouds, houses and bushes."""
    sky, cloud, house, window, bush, edge = SCENES[name]
    surface = _opaque_surface((WIDTH, GROUND), sky)
    if name == "night":
        _draw_night_sky(surface, sky, window)
    _draw_hedge(surface, cloud, cloud, row=340, bumps=(17, 11, 21, 13, 15, 22, 12, 18))
    _draw_houses(surface, house, window)
    _draw_hedge(surface, bush, edge, row=383, bumps=(9, 12, 8, 11, 13, 9, 10, 12, 8))
    return _pixels(surface)


def _draw_night_sky(surface: pygame.Surface, sky: Colour, light: Colour) -> None:
    for number in range(36):
        x, y = 31 * number**2 % (WIDTH - 5), 17 * number**3 % 293  # looks random, but is always the same
        surface.fill((70, 180, 185), (x, y, 2, 2))
    pygame.draw.circle(surface, light, (226, 72), 22)
    pygame.draw.circle(surface, sky, (216, 66), 19)


def _draw_hedge(surface: pygame.Surface, colour: Colour, edge: Colour, row: int, bumps: tuple[int, ...]) -> None:
    """Draw a row of circles, whose radii repeat `bumps`, and fill everything below."""
    for inset, paint in ((0, edge), (2, colour)):
        x = -4
        for number in range(2 * WIDTH // min(bumps)):
            radius = bumps[number % len(bumps)]
            x += radius
            pygame.draw.circle(surface, paint, (x, row), radius - inset)
        surface.fill(paint, (0, row, WIDTH, HEIGHT))


def _draw_houses(surface: pygame.Surface, house: Colour, window: Colour) -> None:
    heights = 14, 24, 18, 27, 12, 21, 25, 16
    for number in range(WIDTH // 18 + 1):
        top, left = 372 - heights[number % len(heights)], 18 * number
        surface.fill(house, (left, top, 16, GROUND - top))
        for y in range(top + 4, 370, 6):
            for x in (left + 3, left + 7, left + 11):
                if (x * y) % 5:  # some windows are dark
                    surface.fill(window, (x, y, 2, 3))


@cache
def _pipes(colour: str) -> tuple[pygame.Surface, pygame.Surface]:
    """Return an upper and a lower pipe, outlined, each with a lip at the gap."""
    shaft = _tube(PIPE_WIDTH - 2 * INSET, PIPE_LENGTH - LIP, colour)
    lip = _tube(PIPE_WIDTH, LIP, colour)
    pygame.draw.rect(lip, DARK, lip.get_rect(), 2)
    upper, lower = _transparent_surface((PIPE_WIDTH, PIPE_LENGTH)), _transparent_surface((PIPE_WIDTH, PIPE_LENGTH))
    upper.blits(((shaft, (INSET, 0)), (lip, (0, PIPE_LENGTH - LIP))))
    lower.blits(((shaft, (INSET, LIP)), (lip, (0, 0))))
    return upper, lower


def _tube(width: int, length: int, colour: str) -> pygame.Surface:
    """Return a piece of an upright pipe, lit from the left."""
    shade, fill, highlight = PIPES[colour]
    tube = _opaque_surface((width, length), fill)
    tube.fill(highlight, (width // 5, 0, width // 5, length))
    tube.fill(fill, (width // 5 + 2, 0, 2, length))
    tube.fill(shade, (width - 12, 0, 12, length))
    tube.fill(fill, (width - 10, 0, 2, length))
    tube.fill(DARK, (0, 0, 2, length))
    tube.fill(DARK, (width - 2, 0, 2, length))
    return tube


@cache
def _ground() -> np.ndarray:
    """Return the ground, a strip of striped grass on sand, uint8 [108, 336, 3]."""
    surface = _opaque_surface((GROUND_WIDTH, HEIGHT - GROUND), (222, 216, 149))
    surface.fill((156, 230, 89), (0, 4, GROUND_WIDTH, 14))
    for x in range(0, GROUND_WIDTH + 24, 24):
        pygame.draw.polygon(surface, (115, 191, 46), ((x, 4), (x + 11, 4), (x - 1, 15), (x - 12, 15)))
    for row, colour in ((0, DARK), (2, (228, 253, 139)), (18, (85, 128, 34)), (20, (215, 168, 76))):
        surface.fill(colour, (0, row, GROUND_WIDTH, 2))
    return _pixels(surface)


@cache
def _bird(colour: str, wings: int) -> pygame.Surface:
    """Return a bird that faces right. Its outline touches all four edges of the sprite."""
    body, shaded, beak = BIRDS[colour]
    surface = _transparent_surface(BIRD)
    pygame.draw.ellipse(surface, DARK, (0, 0, 31, 24))
    pygame.draw.ellipse(surface, shaded, (2, 2, 27, 20))
    pygame.draw.ellipse(surface, body, (2, 2, 27, 16))
    pygame.draw.ellipse(surface, WHITE, (7, 3, 9, 3))
    _oval(surface, WHITE, (17, 1, 12, 13))
    surface.fill(DARK, (24, 5, 2, 5))
    _oval(surface, beak, (19, 12, 15, 6))
    _oval(surface, beak, (18, 16, 13, 6))
    _oval(surface, (250, 235, 200), (0, WING_ROWS[wings], 14, 9))
    return surface


def _oval(surface: pygame.Surface, colour: Colour, box: tuple[int, int, int, int]) -> None:
    """Draw an ellipse with an outline, as large as `box`: left, top, width and height."""
    left, top, width, height = box
    pygame.draw.ellipse(surface, DARK, box)
    pygame.draw.ellipse(surface, colour, (left + 2, top + 2, width - 4, height - 4))
