"""MonsterKong: climb from the ground to the princess and avoid the fireballs that a monster throws."""

from typing import Any

import pygame

from emulators.games import monster_kong_art as art
from emulators.games.pixel_game import PixelGame

CELL = art.CELL  # side of a tile in pixels, and of the square with which everything that moves collides
HALF = CELL // 2
STAND = 16  # pixels from the centre of the floor's tile up to the centre of a player who stands on it

WALL, LADDER, EMPTY = "#H."
CHAMBER = "#........#......................#"
OPEN = "#" + 31 * "." + "#"
SOLID = 33 * "#"
HOLE_RIGHT = 27 * "#" + 5 * "." + "#"
HOLE_LEFT = "#" + 5 * "." + 27 * "#"
LEVEL = (
    *(4 * [CHAMBER]),
    "#######HH#......................#",
    *(5 * ["#......HH.......................#"]),
    *(SOLID, *(4 * [OPEN])),
    *(HOLE_RIGHT, *(4 * [OPEN])),
    *(HOLE_LEFT, *(4 * [OPEN])),
    *(HOLE_RIGHT, *(4 * [OPEN])),
    SOLID,
    33 * ".",
)
LADDER_FLOORS = 10, 15, 20, 25  # rows of the floors that a ladder at a random place leads up to
LADDER_LENGTH = 5  # rows
LADDER_COLUMNS = 7, 20  # range of the left column of these ladders, the end excluded
LADDER_GAP = 4  # the ladder above has no tile within this many columns of a ladder's left column

COIN_ROWS = 6, 30  # range of rows, the end excluded
COIN_DRAWS, COIN_EVERY = 1000, 35  # a place gets a coin if its draw below COIN_DRAWS is a multiple of COIN_EVERY
MIN_COINS, MAX_COINS = 16, 26

# Positions are in pixels, velocities in pixels per step and durations in steps.
START = 250, 435
RESPAWN = 50, 440
FIREBALL_END = 50, 440  # where fireballs vanish
PRINCESS = pygame.Rect(41, 36, 18, 25)
GOAL_Y = 60  # a player above this row has won the round
WALK = 5
CLIMB_UP, CLIMB_UNDO, CLIMB_DOWN = 3, 2, 2
REACH = 2  # the player also touches ladders and walls this many pixels above and below
PUSHED_DOWN = 3  # pixels by which a wall above pushes a player on a ladder down
JUMP, GRAVITY, MAX_FALL = 7, 0.85, 8
LIVES = 3

MONSTER_X = 100, 250, 400  # of the first, second and third monster
MONSTER_Y = 117
MONSTER_WALK = 2
MONSTER_TURN_DISTANCE = 20  # from a wall
HOP_STEPS, HOP = 15, 12  # after a launch, the monster stands still for HOP_STEPS steps, drawn HOP pixels higher
LAUNCH_CYCLE, LAUNCH_GAP = 70, 23  # length of a cycle, and delay between the launches of two monsters
FIREBALLS_PER_MONSTER = 5  # at most
LAUNCH_DROP = 15  # from the monster's centre down to the new fireball's
FIREBALL_SPEED = {1: 2, 2: 3, 3: 3}  # number of monsters -> speed
LADDER_CHANCE = 5, 20  # in each step above a ladder, a fireball takes it with probability 5 / 20

COIN_REWARD, PRINCESS_REWARD, HIT_REWARD = 5.0, 50.0, -25.0

LEFT, RIGHT, JUMP_UP, UP, DOWN, NOOP = range(6)


class MonsterKong(PixelGame):
    """The reward is +5 for a coin, +50 for reaching the princess and -25 for a hit by a fireball.

    The princess starts a new round, which has new coins and one more monster, up to three. The third hit ends the game.
    Touching a monster does no harm. Positions are centres in pixels. For collisions, a centre is truncated to integers
    and stands for the square of 15 pixels around it.
    """

    size = art.SCREEN
    actions = "left", "right", "jump", "up", "down", "no-op"
    noop = NOOP
    keys = {"left": LEFT, "right": RIGHT, "space": JUMP_UP, "up": UP, "down": DOWN}

    _drawn_level: tuple[str, ...] = ()  # the level in `_background`
    _background: pygame.Surface

    # The start.

    def _begin(self) -> dict[str, Any]:
        monster = self._new_monster(0)
        level = self._new_level()
        player = {"x": START[0], "y": START[1], "jumping": False, "rising": 0.0, "on_ladder": False}
        return {
            "level": level,
            "coins": self._new_coins(level),
            "player": player | {"look": "right", "stride": 0},
            "lives": LIVES,
            "monsters": [monster],
            "fireballs": [],
            "timer": 0,
            "clock": 0,  # steps since the start, for the animation
        }

    def _draw_direction(self) -> int:
        return -1 if self.np_random.integers(2) else 1

    def _new_monster(self, number: int) -> dict[str, int]:
        return {"x": MONSTER_X[number], "y": MONSTER_Y, "direction": self._draw_direction(), "hop": 0}

    def _new_level(self) -> list[str]:
        """Return the rows of tiles. Four ladders are at random places, each at a distance from the ladder above it."""
        level = list(LEVEL)
        for floor in LADDER_FLOORS:
            above = level[floor - LADDER_LENGTH]
            while True:
                left = int(self.np_random.integers(*LADDER_COLUMNS))
                if LADDER not in above[left - LADDER_GAP : left + LADDER_GAP + 1]:
                    break
            for row in range(floor, floor + LADDER_LENGTH):
                level[row] = level[row][:left] + 2 * LADDER + level[row][left + 2 :]
        return level

    def _new_coins(self, level: list[str]) -> list[list[int]]:
        """Return the [row, column] of 16 to 26 coins, which lie one or two tiles above a floor.

        No coin is placed directly to the right of an earlier one.
        """
        places = [
            [row, column]
            for row in range(*COIN_ROWS)
            for column, tile in enumerate(level[row])
            if tile == EMPTY and WALL in (level[row + 1][column], level[row + 2][column])
        ]
        coins: list[list[int]] = []
        while len(coins) < MIN_COINS:
            free = [place for place in places if place not in coins]
            draws = self.np_random.integers(COIN_DRAWS, size=len(free))
            for (row, column), draw in zip(free, draws.tolist(), strict=True):
                if draw % COIN_EVERY == 0 and len(coins) < MAX_COINS and [row, column - 1] not in coins:
                    coins.append([row, column])
        return coins

    # One step.

    @property
    def over(self) -> bool:
        """Whether the player has been hit for the third time."""
        return self.state["lives"] <= 0

    @property
    def lives(self) -> int:
        """The lives that are left, the present one included."""
        return self.state["lives"]

    def _advance(self, action: int) -> float:
        self.state["clock"] += 1
        self._launch_fireballs()
        self._move_player(action)
        # A hit sends the player back, but in this step fireballs, coins and the princess still meet the old place.
        place = self.state["player"]["x"], self.state["player"]["y"]
        reward = self._move_fireballs(place)
        reward += self._collect_coins(place)
        if self._at_princess(place):
            reward += PRINCESS_REWARD
            self._new_round()
        self._move_monsters()
        return reward

    def _touched(self, tile: str, x: float, y: float) -> list[int]:
        """Return the y of the centre of each WALL or LADDER that overlaps the square at x, y, row by row."""
        left, top = int(x) - HALF, int(y) - HALF
        first, last = left // CELL, (left + CELL - 1) // CELL + 1
        level = self.state["level"]
        centres = []
        for row in range(top // CELL, (top + CELL - 1) // CELL + 1):
            tiles = level[row][first:last].count(tile)
            if tiles:
                centres += [CELL * row + HALF] * tiles
        return centres

    # The player.

    def _move_player(self, action: int) -> None:
        player = self.state["player"]
        x, y = player["x"], player["y"]
        ladders = self._touched(LADDER, x, y + REACH)
        on_floor = bool(self._touched(WALL, x, y + REACH))
        self._grip(ladders, on_floor)
        if action in (JUMP_UP, UP):
            self._start_jump(action, on_floor)
        if action in (LEFT, RIGHT):
            self._walk(action)
        if player["on_ladder"]:
            self._climb(action)
        else:
            self._fly(supported=on_floor or bool(ladders))

    def _grip(self, ladders: list[int], on_floor: bool) -> None:
        """Let the player hold on to a ladder if there is one and no floor. A wall above pushes the player down."""
        player = self.state["player"]
        if on_floor or not ladders:
            player["on_ladder"] = False
            return
        under_wall = bool(self._touched(WALL, player["x"], player["y"] - REACH))
        for ladder_y in ladders:
            if ladder_y >= player["y"]:
                player |= {"on_ladder": True, "jumping": False}
                player["y"] += PUSHED_DOWN if under_wall else 0

    def _start_jump(self, action: int, on_floor: bool) -> None:
        """Start a jump from a floor: "jump" does so everywhere, and "up" only at a ladder, to reach it."""
        player = self.state["player"]
        if action == JUMP_UP:
            allowed = not player["on_ladder"]
        else:
            allowed = bool(self._touched(LADDER, player["x"], player["y"]))
        if allowed and on_floor and not player["jumping"]:
            player |= {"jumping": True, "rising": float(JUMP)}

    def _walk(self, action: int) -> None:
        player = self.state["player"]
        look = "left" if action == LEFT else "right"
        player["stride"] = (player["stride"] + 1) % art.STRIDE if look == player["look"] else 0
        player["look"] = look
        wanted = player["x"] + (-WALK if action == LEFT else WALK)
        if not self._touched(WALL, wanted, player["y"]):
            player["x"] = wanted

    def _climb(self, action: int) -> None:
        """Climb a ladder.

        A step up beyond its end or into a wall still gains one pixel, so that the player can reach the floor above.
        """
        player = self.state["player"]
        if action == UP:
            player["look"] = "climb"
            player["y"] -= CLIMB_UP
            place = player["x"], player["y"]
            if not self._touched(LADDER, *place) or self._touched(WALL, *place):
                player["y"] += CLIMB_UNDO
        elif action == DOWN:
            player["look"] = "climb"
            player["y"] += CLIMB_DOWN

    def _fly(self, supported: bool) -> None:
        """Move a player who falls or jumps, until a wall is in the way."""
        player = self.state["player"]
        if not player["jumping"] and not supported:
            player |= {"jumping": True, "rising": 0.0}
        if not player["jumping"]:
            return
        walls = self._touched(WALL, player["x"], player["y"])
        if walls and walls[0] > player["y"]:
            player |= {"jumping": False, "y": walls[0] - STAND}
            return
        if walls and walls[0] < player["y"]:
            player |= {"rising": 0.0, "y": walls[0] + STAND}
        player["y"] -= player["rising"]
        player["rising"] = max(player["rising"] - GRAVITY, -MAX_FALL)

    def _send_back(self) -> None:
        """Put the player at the left end of the ground. A jump continues there."""
        self.state["player"] |= {"x": RESPAWN[0], "y": RESPAWN[1], "look": "right"}

    # Fireballs.

    def _launch_fireballs(self) -> None:
        """Let the monsters launch fireballs in turn, unless there are enough. A monster that launches one hops."""
        state = self.state
        for number, monster in enumerate(state["monsters"]):
            enough = len(state["fireballs"]) >= FIREBALLS_PER_MONSTER * len(state["monsters"])
            if state["timer"] == LAUNCH_GAP * number and not enough:
                monster["hop"] = HOP_STEPS
                fireball = {"x": monster["x"], "y": monster["y"] + LAUNCH_DROP, "falling": False}
                state["fireballs"].append(fireball | {"direction": self._draw_direction()})
        state["timer"] = (state["timer"] + 1) % LAUNCH_CYCLE

    def _move_fireballs(self, player: tuple[float, float]) -> float:
        state, reward, remaining = self.state, 0.0, []
        speed = FIREBALL_SPEED[len(state["monsters"])]
        for fireball in state["fireballs"]:
            if fireball["falling"]:
                self._fall(fireball, speed)
            else:
                self._roll(fireball, speed)
            x, y = fireball["x"], fireball["y"]
            if squares_overlap((x, y + speed), player):
                reward += HIT_REWARD
                state["lives"] -= 1
                self._send_back()
            elif not squares_overlap((x, y), FIREBALL_END):
                remaining.append(fireball)
        state["fireballs"] = remaining
        return reward

    def _fall(self, fireball: dict[str, Any], speed: int) -> None:
        """Move a fireball down. When it reaches a floor, it rolls to a random side from then on."""
        fireball["y"] += speed
        if self._touched(WALL, fireball["x"], fireball["y"] + speed):
            fireball |= {"falling": False, "direction": self._draw_direction()}

    def _roll(self, fireball: dict[str, Any], speed: int) -> None:
        """Move a fireball sideways. It turns at a wall, falls where there is no floor, and sometimes takes a ladder."""
        x, y = fireball["x"], fireball["y"]
        if not self._touched(WALL, x, y + speed):
            taken, draws = LADDER_CHANCE
            on_ladder = self._touched(LADDER, x, y + speed)
            fireball["falling"] = not on_ladder or int(self.np_random.integers(draws)) >= draws - taken
        ahead = speed * fireball["direction"]
        if self._touched(WALL, x + 2 * ahead, y):
            fireball["direction"] *= -1
        else:
            fireball["x"] = x + ahead

    # The rest of a step.

    def _collect_coins(self, player: tuple[float, float]) -> float:
        remaining = [coin for coin in self.state["coins"] if not squares_overlap(centre_of(coin), player)]
        collected = len(self.state["coins"]) - len(remaining)
        self.state["coins"] = remaining
        return COIN_REWARD * collected

    def _at_princess(self, player: tuple[float, float]) -> bool:
        """Whether `player` touches the princess, or the player is now above the floor on which she stands."""
        touched = PRINCESS.colliderect((*corner(*player), CELL, CELL))
        return self.state["player"]["y"] < GOAL_Y or touched

    def _new_round(self) -> None:
        """Start a round with one more monster and new coins. The ladders, the lives and the timer stay the same."""
        state = self.state
        state["fireballs"] = []
        self._send_back()
        if len(state["monsters"]) < len(MONSTER_X):
            state["monsters"].append(self._new_monster(len(state["monsters"])))
        state["coins"] = self._new_coins(state["level"])

    def _move_monsters(self) -> None:
        for monster in self.state["monsters"]:
            if monster["hop"]:
                monster["hop"] -= 1
                continue
            wanted = monster["x"] + MONSTER_WALK * monster["direction"]
            if self._touched(WALL, wanted + MONSTER_TURN_DISTANCE * monster["direction"], monster["y"]):
                monster["direction"] *= -1
            else:
                monster["x"] = wanted

    # The picture.

    def _draw(self) -> None:
        state, clock = self.state, self.state["clock"]
        player = state["player"]
        level = tuple(state["level"])
        if level != self._drawn_level:
            self._drawn_level, self._background = level, art.background(level)
        sprites = [(self._background, (0, 0))]
        sprites.append((self._player_sprite(), corner(player["x"], player["y"])))
        coin = art.coin(clock // art.COIN_STEPS % art.COIN_FRAMES)
        sprites += [(coin, (CELL * column, CELL * row)) for row, column in state["coins"]]
        for fireball in state["fireballs"]:
            sprites.append((self._fireball_sprite(fireball), corner(fireball["x"], fireball["y"])))
        for monster in state["monsters"]:
            hop = HOP if monster["hop"] else 0
            left, top = corner(monster["x"], monster["y"] - hop)
            place = left + HALF - art.MONSTER_SIZE[0] // 2, top
            sprites.append((self._monster_sprite(monster), place))
        sprites.append((art.princess(), PRINCESS.topleft))
        self.canvas.blits(sprites, doreturn=False)

    def _player_sprite(self) -> pygame.Surface:
        player = self.state["player"]
        if player["look"] == "climb":
            return art.player("climb", int(player["y"]) // art.RUNG_DISTANCE % 2)
        frame = 1 if player["jumping"] else player["stride"] // art.STRIDE_STEPS
        return art.player(player["look"], frame)

    def _fireball_sprite(self, fireball: dict[str, Any]) -> pygame.Surface:
        flicker = self.state["clock"] // art.FLICKER_STEPS % 2
        look = "down" if fireball["falling"] else "right" if fireball["direction"] > 0 else "left"
        return art.fireball(look, flicker)

    def _monster_sprite(self, monster: dict[str, int]) -> pygame.Surface:
        look = "right" if monster["direction"] > 0 else "left"
        if monster["hop"]:
            return art.monster(look, art.THROWING)
        return art.monster(look, self.state["clock"] // art.MONSTER_STEPS % art.MONSTER_FRAMES)


def corner(x: float, y: float) -> tuple[int, int]:
    """Return the top left corner of the square at x, y."""
    return int(x) - HALF, int(y) - HALF


def centre_of(cell: list[int]) -> tuple[int, int]:
    """Return x and y of the centre of a cell, a [row, column]."""
    return CELL * cell[1] + HALF, CELL * cell[0] + HALF


def squares_overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether the squares at two places overlap."""
    return abs(int(one[0]) - int(other[0])) < CELL and abs(int(one[1]) - int(other[1])) < CELL
