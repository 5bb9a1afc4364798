"""The pictures of MonsterKong. Each is drawn once, when it is first needed, and kept.

Sprites have the format of the canvas, 24 bits of RGB, with one colour that means "transparent". So copying is fast.
"""

from functools import cache

import pygame

from emulators.games.pixel_game import RGB_MASKS, Colour

SCREEN = 500, 465  # width and height in pixels
CELL = 15  # width and height of a tile in pixels
STRIDE, STRIDE_STEPS = 4, 2  # game steps of the player's stride, and of each of its two pictures
RUNG_DISTANCE = 6  # pixels of height after which a climber changes hands
COIN_FRAMES, COIN_STEPS = 5, 5  # number of pictures, and game steps for which each is shown
FLICKER_STEPS = 4  # game steps for which each of a fireball's two pictures is shown
MONSTER_SIZE = 37, 40  # width and height in pixels
MONSTER_FRAMES, MONSTER_STEPS = 4, 6  # number of pictures of its walk, and game steps for which each is shown
THROWING = MONSTER_FRAMES  # index of the picture of a monster that throws

TRANSPARENT = (255, 0, 255)
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
    """Return a transparent picture in the format of the canvas."""
    surface = pygame.Surface((width, height), 0, 24, RGB_MASKS)
    surface.fill(TRANSPARENT)
    surface.set_colorkey(TRANSPARENT, pygame.RLEACCEL)
    return surface


def from_text(text: str) -> pygame.Surface:
    """Return the picture that rows of letters of `PALETTE` describe; a dot is a transparent pixel."""
    rows = text.split()
    surface = blank(len(rows[0]), len(rows))
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            if letter in PALETTE:
                surface.set_at((x, y), PALETTE[letter])
    return surface


def mirrored(surface: pygame.Surface) -> pygame.Surface:
    """Return the picture with left and right exchanged."""
    return pygame.transform.flip(surface, True, False)


def outlined(surface: pygame.Surface, colour: Colour) -> pygame.Surface:
    """Return the picture with an outline of one pixel."""
    result = blank(*surface.get_size())
    shape = pygame.mask.from_surface(surface)
    shadow = shape.to_surface(setcolor=colour, unsetcolor=TRANSPARENT)
    shadow.set_colorkey(TRANSPARENT)
    for place in ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)):
        result.blit(surface if place == (0, 0) else shadow, place)
    return result


# The level.


def background(level: tuple[str, ...]) -> pygame.Surface:
    """Return the picture of a level, which holds `#` for a wall and `H` for a ladder."""
    surface = blank(*SCREEN)
    surface.set_colorkey(None)
    surface.fill(NIGHT)
    tiles = {"#": wall(), "H": ladder()}
    for row, line in enumerate(level):
        for column, letter in enumerate(line):
            if letter in tiles:
                surface.blit(tiles[letter], (CELL * column, CELL * row))
    return surface


@cache
def wall() -> pygame.Surface:
    """Return a piece of a girder: two beams with a cross between them."""
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
    """Return a piece of a ladder: two rails and two rungs."""
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
    """Return a picture of a coin that turns; it is wide in the first and last frames, and narrow between them."""
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


# The player, the princess, the fireballs and the monsters.


@cache
def player(look: str, frame: int) -> pygame.Surface:
    """Return one of two pictures (`frame` 0 or 1) of the player, whose `look` is `left`, `right` or `climb`."""
    if look == "climb":
        picture = from_text(CLIMBING)
        return mirrored(picture) if frame else picture
    picture = from_text(HEAD + (STRIDING if frame else STANDING))
    return mirrored(picture) if look == "left" else picture


@cache
def princess() -> pygame.Surface:
    """Return the princess, who wears a crown."""
    return outlined(from_text(PRINCESS), PALETTE["o"])


@cache
def fireball(look: str, flicker: int) -> pygame.Surface:
    """Return a burning ball with a tail, which moves `left`, `right` or `down`. `flicker` is 0 or 1."""
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
    """Return a white ape that faces `left` or `right`. In frames 0 to 3 it walks; in `THROWING` it raises its arms."""
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
    """Draw an ellipse with a thin outline."""
    pygame.draw.ellipse(surface, outline, place)
    pygame.draw.ellipse(surface, colour, pygame.Rect(place).inflate(-2, -2))


def foot(surface: pygame.Surface, x: int, bottom: int) -> None:
    """Draw a leg and its foot, whose lowest pixel is 4 pixels below `bottom`."""
    ball(surface, FUR, (x - 6, bottom - 9, 13, 12))
    ball(surface, SKIN, (x - 7, bottom - 2, 15, 6))


def arm(surface: pygame.Surface, side: int, lean: int, frame: int) -> None:
    """Draw the arm on the left (`side` -1) or right (1): raised to throw, or swinging with the walk."""
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
    """Draw a line with round ends."""
    for step in range(9):
        place = [first + (last - first) * step / 8 for first, last in zip(start, end, strict=True)]
        pygame.draw.circle(surface, colour, place, radius)


def head(surface: pygame.Surface, lean: int) -> None:
    """Draw the head, which faces right."""
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
