"""The pictures of MonsterKong: each is drawn once, when it is first needed, and kept.

Sprites have the canvas's format, 24 bits of RGB, and a colour that means "nothing here"; so they are copied quickly.
"""

from functools import cache, lru_cache

import pygame

from emulators.games.pixel_game import Colour

SCREEN = 500, 465  # pixels
CELL = 15
STRIDE, STRIDE_STEPS = 4, 2  # steps of the player's walk, and of each of its two pictures
RUNG_DISTANCE = 6  # pixels of height after which a climber changes hands
COIN_FRAMES, COIN_STEPS = 5, 5
FLICKER_STEPS = 4
MONSTER_SIZE = 37, 40
MONSTER_FRAMES, MONSTER_STEPS = 4, 6
THROWING = MONSTER_FRAMES  # the monster's picture after the walking ones

NOTHING = (255, 0, 255)
NIGHT = (40, 20, 0)
BRICK, BRICK_EDGE, BRICK_LIGHT = (222, 137, 55), (141, 64, 35), (242, 172, 92)
RAIL, RUNG = (205, 131, 36), (164, 105, 29)
GOLD, GOLD_LIGHT, GOLD_SHADE = (224, 184, 32), (255, 236, 130), (166, 122, 20)
FLAME, FLAME_MIDDLE, FLAME_TAIL = (255, 177, 63), (255, 100, 13), (255, 0, 0)
FUR, FUR_SHADE, SKIN, INK = (244, 244, 248), (196, 196, 210), (120, 112, 128), (12, 10, 14)

PALETTE = {
    "b": (131, 133, 171),
    "B": (92, 94, 140),
    "f": (200, 203, 204),
    "y": (255, 255, 189),
    "k": (0, 0, 0),
    "h": (199, 112, 41),
    "H": (152, 78, 24),
    "d": (66, 154, 215),
    "D": (73, 94, 197),
    "o": (26, 16, 16),
    "s": (252, 207, 162),
    "g": (255, 222, 70),
}

HEAD = """
....bbbbbb......
...bbbbbbbbb....
...byyyyyyyyyy..
..kkkffffkff....
..kkkffffkfff...
..kkfffffffff...
....fffffff.....
"""
STANDING = """
...yyyyyyyy.....
..bbbbbbbbbb....
..bbbbbbbbbb....
..BBbbbbbbBB....
..ffyykkyyff....
....bbbbbb......
....bbbbbb......
....BB..BB......
....yyy.yyy.....
"""
STRIDING = """
...yyyyyyyy.....
..bbbbbbbbbbb...
.bbbbbbbbbbbbff.
.BBbbbbbbb.BBf..
ff.yykkyyy......
...bbbbbbbb.....
..bbbb..bbbBy...
.yBB.....BBBy...
.yy.........y...
"""
CLIMBING = """
.....bbbbbb.....
....bbbbbbbb....
....yyyyyyyy..ff
....kkkkkkkk..ff
....kkkkkkkk.bb.
.....kkkkkk..bb.
......ffff..bbb.
...yyyyyyyyybb..
..bbbbbbbbbbb...
.bbbbbbbbbb.....
.BBbbbbbbbb.....
.ff.yyyyyyy.....
.ff.bbbbbbbb....
....bbb..bbb....
....BBB..yyy....
....yyy.........
"""
PRINCESS = """
....g..gg..g......
....gg.gg.gg......
....gggggggg......
...hhhhhhhhhh.....
..hhhhhhhhhhhh....
..hhhssssshhhh....
..hhsssssssshhh...
..hhsoossoosshh...
..hhsoossoosshh...
..hhssssssssshh...
..hhhsshhsssHhh...
...hhsssssshHhhh..
...hhhssssh.HHhh..
....ddssssdd.hhh..
...dddddddddd.hh..
..dddddddddddd....
..ssDddddddDss....
..ss.Dddddd.ss....
...s.gggggg.s.....
....dddddddd......
...dddddddddd.....
..ddddDddddDdd....
..dddDddddddDdd...
.dddDddddDddDddd..
.DDDDDDDDDDDDDDD..
"""


def blank(width: int, height: int) -> pygame.Surface:
    """A picture of the canvas's format with nothing on it."""
    surface = pygame.Surface((width, height), 0, 24, (0xFF, 0xFF00, 0xFF0000, 0))
    surface.fill(NOTHING)
    surface.set_colorkey(NOTHING, pygame.RLEACCEL)
    return surface


def from_text(text: str) -> pygame.Surface:
    """A picture from rows of letters of `PALETTE`; a dot is nothing."""
    rows = text.split()
    surface = blank(len(rows[0]), len(rows))
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            if letter in PALETTE:
                surface.set_at((x, y), PALETTE[letter])
    return surface


def mirrored(surface: pygame.Surface) -> pygame.Surface:
    """The same, seen in a mirror."""
    return pygame.transform.flip(surface, True, False)


def outlined(surface: pygame.Surface, colour: Colour) -> pygame.Surface:
    """The same, with a line of one pixel around what is drawn."""
    result = blank(*surface.get_size())
    shape = pygame.mask.from_surface(surface)
    shadow = shape.to_surface(setcolor=colour, unsetcolor=NOTHING)
    shadow.set_colorkey(NOTHING)
    for place in ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)):
        result.blit(surface if place == (0, 0) else shadow, place)
    return result


# The level.


@lru_cache(maxsize=8)
def background(level: tuple[str, ...]) -> pygame.Surface:
    """The whole picture with what does not move: `#` is a wall, `H` a ladder."""
    surface = blank(*SCREEN)
    surface.set_colorkey(None)
    surface.fill(NIGHT)
    tiles = {"#": wall(), "H": ladder()}
    for row, line in enumerate(level):
        for column, kind in enumerate(line):
            if kind in tiles:
                surface.blit(tiles[kind], (CELL * column, CELL * row))
    return surface


@cache
def wall() -> pygame.Surface:
    """A piece of girder: two beams and a cross between."""
    tile = blank(CELL, CELL)
    tile.fill(BRICK_EDGE)
    for x in (0, 1):
        pygame.draw.line(tile, BRICK, (x, 3), (x + 13, 11))
        pygame.draw.line(tile, BRICK, (x, 11), (x + 13, 3))
    for top in (0, 11):
        tile.fill(BRICK, (0, top, CELL, 4))
        tile.fill(BRICK_LIGHT, (0, top, CELL, 1))
    tile.fill(BRICK_EDGE, (0, CELL - 1, CELL, 1))
    return tile


@cache
def ladder() -> pygame.Surface:
    """Two rails and two rungs."""
    tile = blank(CELL, CELL)
    for top in (2, 10):
        tile.fill(RUNG, (0, top, CELL, 3))
        tile.fill(RAIL, (0, top, CELL, 1))
    for left in (1, 11):
        tile.fill(RAIL, (left, 0, 3, CELL))
        tile.fill(RUNG, (left + 2, 0, 1, CELL))
    return tile


@cache
def coin(frame: int) -> pygame.Surface:
    """A coin that turns, from wide to narrow and back."""
    width = (14, 12, 5, 12, 14)[frame]
    surface = blank(CELL, CELL)
    place = pygame.Rect((CELL - width) // 2, 0, width, 14)
    pygame.draw.ellipse(surface, GOLD_SHADE, place)
    pygame.draw.ellipse(surface, GOLD, place.inflate(-2, -2))
    pygame.draw.ellipse(surface, GOLD_LIGHT, place.inflate(-4, -4), 1)
    if width > 5:
        surface.fill(GOLD_SHADE, (place.centerx, 4, 2, 6))
        surface.fill(GOLD_LIGHT, (place.centerx - 1, 4, 1, 6))
    return surface


# Who moves.


@cache
def player(look: str, frame: int) -> pygame.Surface:
    """The climber, to the left or right or on a ladder, in two pictures each."""
    if look == "climb":
        picture = from_text(CLIMBING)
        return mirrored(picture) if frame else picture
    picture = from_text(HEAD + (STRIDING if frame else STANDING))
    return mirrored(picture) if look == "left" else picture


@cache
def princess() -> pygame.Surface:
    """The princess, with a crown."""
    return outlined(from_text(PRINCESS), PALETTE["o"])


@cache
def fireball(look: str, flicker: int) -> pygame.Surface:
    """A burning ball with its tail behind it, to the `left`, the `right` or `down`."""
    surface = blank(CELL, CELL)
    tails = ([(9, 1), (0, 2), (5, 5), (0, 8), (4, 10), (1, 14), (9, 14)], [(9, 1), (3, 3), (0, 5), (4, 8), (0, 11)])
    pygame.draw.polygon(surface, FLAME_TAIL, tails[flicker] + [(9, 14)])
    pygame.draw.circle(surface, FLAME_TAIL, (8, 8), 6)
    pygame.draw.circle(surface, FLAME_MIDDLE, (9, 8), 5)
    pygame.draw.polygon(surface, FLAME_MIDDLE, [(9, 4), (3 + flicker, 8), (9, 11)])
    pygame.draw.circle(surface, FLAME, (10, 8), 3)
    if look == "down":
        return pygame.transform.rotate(surface, -90)
    return mirrored(surface) if look == "left" else surface


@cache
def monster(look: str, frame: int) -> pygame.Surface:
    """A white ape, 40 pixels tall: it waddles in four pictures, and throws with both arms up in a fifth."""
    surface = blank(*MONSTER_SIZE)
    lean = (-1, 0, 1, 0, 0)[frame]
    lifted_left, lifted_right = ((2, 0), (0, 0), (0, 2), (0, 0), (0, 0))[frame]
    foot(surface, 10, 36 - lifted_left)
    foot(surface, 27, 36 - lifted_right)
    ball(surface, FUR, (8 + lean, 13, 22, 23))
    ball(surface, FUR_SHADE, (12 + lean, 20, 14, 13), outline=FUR_SHADE)
    for side in (-1, 1):
        arm(surface, side, lean, frame)
    head(surface, lean)
    return mirrored(surface) if look == "left" else surface


def ball(surface: pygame.Surface, colour: Colour, place: tuple[int, int, int, int], outline: Colour = INK) -> None:
    """An ellipse with a thin edge."""
    pygame.draw.ellipse(surface, outline, place)
    pygame.draw.ellipse(surface, colour, pygame.Rect(place).inflate(-2, -2))


def foot(surface: pygame.Surface, x: int, bottom: int) -> None:
    """A leg and its foot, which ends 4 pixels below `bottom`."""
    ball(surface, FUR, (x - 6, bottom - 9, 13, 12))
    ball(surface, SKIN, (x - 7, bottom - 2, 15, 6))


def arm(surface: pygame.Surface, side: int, lean: int, frame: int) -> None:
    """The arm on the left (-1) or right (1): up to throw, else swinging with the walk."""
    shoulder = 18 + lean + 9 * side, 17
    if frame == THROWING:
        elbow, hand = (18 + 14 * side, 12), (18 + 13 * side, 4)
    else:
        elbow, hand = (18 + lean + 13 * side, 22), (18 + 2 * lean + 14 * side, 29)
    for colour, extra in ((INK, 1), (FUR, 0)):
        for start, end in ((shoulder, elbow), (elbow, hand)):
            thick_line(surface, colour, start, end, 4 + extra - (1 if end == hand else 0))
    ball(surface, SKIN, (hand[0] - 4, hand[1] - 3, 8, 7))


def thick_line(
    surface: pygame.Surface, colour: Colour, start: tuple[int, int], end: tuple[int, int], radius: int
) -> None:
    """A line with round ends."""
    for step in range(9):
        place = [first + (last - first) * step / 8 for first, last in zip(start, end, strict=True)]
        pygame.draw.circle(surface, colour, place, radius)


def head(surface: pygame.Surface, lean: int) -> None:
    """The head, which looks to the right."""
    x = 18 + lean
    for ear in (x - 9, x + 7):
        ball(surface, SKIN, (ear - 2, 7, 6, 7))
    ball(surface, FUR, (x - 9, 0, 20, 16))
    ball(surface, SKIN, (x - 4, 4, 14, 8), outline=SKIN)
    ball(surface, SKIN, (x - 5, 9, 16, 10))
    for eye in (x - 2, x + 4):
        surface.fill(FUR, (eye, 5, 4, 4))
        surface.fill(INK, (eye + 2, 6, 2, 3))
    pygame.draw.line(surface, INK, (x - 4, 3), (x + 1, 5))
    pygame.draw.line(surface, INK, (x + 8, 3), (x + 4, 5))
    surface.fill(INK, (x - 1, 13, 9, 3))
    surface.fill(FUR, (x, 13, 2, 1))
    surface.fill(FUR, (x + 5, 13, 2, 1))
