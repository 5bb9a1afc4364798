"""Tests MonsterKong step by step."""

from types import SimpleNamespace

import pytest

from emulators.games import monster_kong_art as art
from emulators.games.monster_kong import LEVEL, MonsterKong

LEFT, RIGHT, JUMP, UP, DOWN, NOOP = range(6)
GROUND = 441  # y of a player who stands on the ground
FLOORS = 25, 20, 15, 10, 4  # rows of the floors, from the lowest to that of the princess


@pytest.fixture
def game():
    game = MonsterKong()
    game.reset(seed=1)
    return game


def advance_alone(game, action):
    """Play one step and remove the fireballs."""
    reward = game.advance(action)
    game.state["fireballs"].clear()
    return reward


def settle(game, x):
    """Put the player on the ground at x."""
    game.state["player"] |= {"x": x, "y": GROUND, "jumping": False, "on_ladder": False}


def standing(floor):
    return 15 * floor + 7 - 16


def columns(game, floor):
    return [column for column, tile in enumerate(game.state["level"][floor]) if tile == "H"]


def go_to_ladder(game, floor):
    """Walk to the middle of the ladder that leads up to a floor; return the rewards."""
    middle, rewards = 15 * columns(game, floor)[1], []
    while abs(game.state["player"]["x"] - middle) > 4:
        rewards.append(advance_alone(game, LEFT if game.state["player"]["x"] > middle else RIGHT))
        assert len(rewards) < 200
    return rewards


def climb(game, floor):
    """Climb until the player can step onto the floor, or a new round begins; return the rewards."""
    rewards = []
    while game.state["player"]["y"] > standing(floor) + 1 and 50 not in rewards:
        rewards.append(advance_alone(game, UP))
        assert len(rewards) < 100
    return rewards


def fireball(game, x, y, direction=1, falling=False):
    game.state["fireballs"] = [{"x": x, "y": y, "direction": direction, "falling": falling}]
    game.state["timer"] = 1  # no monster launches a fireball
    return game.state["fireballs"][0]


# The level.


def test_a_level_is_the_map_and_four_ladders_of_two_columns(game):
    places = set()
    for _ in range(300):
        level = game._new_level()
        for floor in (10, 15, 20, 25):
            left = level[floor].index("H")
            places.add(left)
            assert all(level[row][left : left + 2] == "HH" for row in range(floor, floor + 5))
            above = level[floor - 5][left - 4 : left + 5]
            assert "H" not in above
            assert left >= 13 or floor != 10
        without = [row.replace("H", ".") for row in level]
        plain = [row.replace("H", ".") for row in LEVEL]
        assert all(without[row] == plain[row] for row in range(32) if row not in (10, 15, 20, 25))
    assert places == set(range(7, 20))
    assert len(LEVEL) == 32 and {len(row) for row in LEVEL} == {33}


def test_there_are_16_to_26_coins_above_floors_and_none_in_a_ladder(game):
    counts, rows = set(), set()
    for _ in range(300):
        coins = game._new_coins(game.state["level"])
        counts.add(len(coins))
        rows |= {row for row, _ in coins}
        assert all(game.state["level"][row][column] == "." for row, column in coins)
        assert len({tuple(coin) for coin in coins}) == len(coins)
    assert min(counts) >= 16 and max(counts) == 26
    assert rows == {8, 9, 13, 14, 18, 19, 23, 24, 28, 29}


# The player.


def test_the_player_falls_to_the_ground_and_stays(game):
    game.state["level"] = list(LEVEL)  # without a ladder at the start
    heights = []
    for _ in range(20):
        advance_alone(game, NOOP)
        heights.append(game.state["player"]["y"])
    assert heights[0] == 435 and heights[-8:] == [GROUND] * 8 and max(heights) < 450


def test_walking_is_5_pixels_a_step_and_stops_at_walls(game):
    settle(game, 250)
    advance_alone(game, LEFT)
    assert game.state["player"]["x"] == 245
    for _ in range(100):
        advance_alone(game, RIGHT)
    assert game.state["player"]["x"] == 470  # 475 would reach into the wall at 480
    for _ in range(100):
        advance_alone(game, LEFT)
    assert game.state["player"]["x"] == 25


def test_a_jump_rises_32_pixels_and_lasts_about_18_steps(game):
    settle(game, 350)
    game.state["coins"] = []
    heights = []
    for step in range(25):
        advance_alone(game, NOOP if step else JUMP)
        heights.append(game.state["player"]["y"])
    assert heights[0] == 434 and min(heights) == pytest.approx(GROUND - 32.4)
    assert 17 <= heights.index(GROUND) <= 19
    assert heights[-1] == GROUND and game.state["player"]["x"] == 350


def test_the_player_moves_in_the_air(game):
    settle(game, 350)
    for action in [JUMP] + [RIGHT] * 8:
        advance_alone(game, action)
    assert game.state["player"]["x"] == 390 and game.state["player"]["y"] < GROUND - 30


def test_a_wall_above_stops_a_jump(game):
    game.state["player"] |= {"x": 450, "y": 95, "jumping": True, "rising": 7.0}
    game.state["level"][5] = 33 * "#"  # down to 90
    advance_alone(game, NOOP)
    assert game.state["player"] | {"y": 98, "rising": -0.85} == game.state["player"]


def test_a_player_who_walks_off_a_floor_falls(game):
    game.state["player"] |= {"x": 400, "y": standing(25)}
    for _ in range(40):
        advance_alone(game, RIGHT if game.state["player"]["x"] < 430 else NOOP)
    assert game.state["player"]["x"] == 430 and game.state["player"]["y"] == GROUND


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_the_first_ladder_can_be_climbed_and_left(game, side):
    settle(game, 250)
    go_to_ladder(game, 25)
    climb(game, 25)
    before = game.state["player"]["x"]
    for _ in range(8):
        advance_alone(game, side)
    assert game.state["player"]["x"] == before + (40 if side == RIGHT else -40)
    assert game.state["player"]["y"] in (standing(25), standing(25) + 1)
    assert not game.state["player"]["on_ladder"]


def test_a_climb_is_3_pixels_up_or_2_down_and_1_up_at_the_end_of_a_ladder(game):
    left = columns(game, 25)[0]
    game.state["player"] |= {"x": 15 * left + 15, "y": 400}
    heights = []
    for action in [UP, DOWN, NOOP, JUMP]:
        advance_alone(game, action)
        heights.append(game.state["player"]["y"])
    assert heights == [397, 399, 399, 399]
    game.state["player"]["y"] = 368  # its feet in the top row of the ladder
    advance_alone(game, UP)
    assert game.state["player"]["y"] == 367


def test_a_climber_comes_down_to_the_ground(game):
    left = columns(game, 25)[0]
    game.state["player"] |= {"x": 15 * left + 15, "y": 400}
    for _ in range(40):
        advance_alone(game, DOWN)
    assert GROUND - 1 <= game.state["player"]["y"] <= GROUND + 1


@pytest.mark.parametrize("seed", range(6))
def test_a_climb_reaches_the_princess_and_a_new_round(seed):
    game = MonsterKong()
    game.reset(seed=seed)
    level, rewards = list(game.state["level"]), []
    for floor in FLOORS:
        rewards += go_to_ladder(game, floor) + climb(game, floor)
    assert 180 <= len(rewards) <= 300
    assert rewards[-1] == 50 and set(rewards) <= {0, 5, 50}
    assert (game.state["player"]["x"], game.state["player"]["y"]) == (50, 440)
    assert [monster["x"] for monster in game.state["monsters"]][1] in (248, 252)
    assert 16 <= len(game.state["coins"]) <= 26 and not game.state["fireballs"]
    assert game.state["level"] == level and not game.over


def test_the_princess_is_reached_when_the_player_touches_her(game):
    game.state["player"] |= {"x": 64, "y": 68, "jumping": True, "on_ladder": False}
    game.state["level"][4] = 33 * "."  # no floor in between
    assert advance_alone(game, NOOP) == 0.0
    game.state["player"] |= {"x": 64, "y": 67, "rising": 0.0}
    assert advance_alone(game, NOOP) == 50.0


def test_there_are_never_more_than_three_monsters(game):
    for count in (2, 3, 3):
        game.state["player"]["y"] = 50
        assert advance_alone(game, NOOP) == 50.0
        assert len(game.state["monsters"]) == count
    assert all(0 < monster["x"] < 500 for monster in game.state["monsters"])


def test_coins_that_touch_the_player_are_worth_5(game):
    settle(game, 300)
    game.state["coins"] = [[29, 20], [29, 21], [29, 19], [29, 18]]  # their left edges are 300, 315, 285 and 270
    assert advance_alone(game, NOOP) == 10.0
    assert game.state["coins"] == [[29, 21], [29, 18]]


# Monsters and fireballs.


def test_a_monster_walks_between_the_walls_and_stands_still_for_15_steps_after_a_launch(game):
    places = []
    for _ in range(2000):
        advance_alone(game, NOOP)
        places.append(game.state["monsters"][0]["x"])
    assert min(places) == 42 and max(places) == 452
    assert places[:15] == [100] * 15 and abs(places[15] - 100) == 2
    still = sum(first == second for first, second in zip(places[15:70], places[16:71], strict=True))
    assert still == 1  # the next launch is 70 steps after the first


def test_monsters_launch_in_turn(game):
    game.state["monsters"] = [game._new_monster(number) for number in range(3)]
    launches = []
    for step in range(140):
        game.advance(NOOP)
        launches += [step] * len(game.state["fireballs"])
        game.state["fireballs"].clear()
    assert launches == [0, 23, 46, 70, 93, 116]


def test_one_monster_does_not_launch_a_sixth_fireball(game):
    game.state["fireballs"] = [{"x": 250, "y": 442, "direction": 1, "falling": False} for _ in range(5)]
    settle(game, 100)
    game.advance(NOOP)
    assert len(game.state["fireballs"]) == 5 and game.state["monsters"][0]["hop"] == 0


def test_a_fireball_starts_below_the_monster_and_falls_to_its_floor(game):
    game.state["monsters"][0]["x"] = 300  # beside the ladder
    heights = []
    for _ in range(8):
        game.advance(NOOP)
        heights.append(game.state["fireballs"][0]["y"])
    assert heights == [132, 134, 136, 138, 140, 142, 142, 142]
    assert not game.state["fireballs"][0]["falling"]


@pytest.mark.parametrize(("monsters", "speed"), [(1, 2), (2, 3), (3, 3)])
def test_the_speed_of_fireballs_depends_on_the_number_of_monsters(game, monsters, speed):
    game.state["monsters"] = [game._new_monster(number) for number in range(monsters)]
    ball = fireball(game, 400, 442)
    game.advance(NOOP)
    assert ball["x"] == 400 + speed and ball["y"] == 442


def test_a_fireball_turns_at_a_wall(game):
    ball = fireball(game, 466, 442)
    courses = []
    for _ in range(6):
        game.advance(NOOP)
        courses.append(ball["x"])
    assert courses == [468, 470, 470, 468, 466, 464]


def test_a_fireball_falls_where_the_floor_ends(game):
    ball = fireball(game, 408, 367)
    for _ in range(12):
        game.advance(NOOP)
    assert ball["falling"] and ball["y"] > 367 and 412 <= ball["x"] <= 416


def test_a_fireball_takes_a_ladder_with_a_probability_of_one_quarter(game):
    left, taken = columns(game, 25)[0], []
    for drawn in range(20):
        ball = fireball(game, 15 * left + 15, 367)
        game._np_random = SimpleNamespace(integers=lambda *_, drawn=drawn: drawn)
        game.advance(NOOP)
        taken.append(ball["falling"])
    assert sum(taken) == 5


def test_a_hit_costs_25_and_a_life_and_sends_the_player_back(game):
    settle(game, 300)
    game.state["coins"] = []
    fireball(game, 282, 442)
    assert [game.advance(NOOP) for _ in range(2)] == [
        0.0,
        -25.0,
    ]  # at 284 the fireball does not touch the player, at 286 it does
    assert (game.state["player"]["x"], game.state["player"]["y"]) == (50, 440)
    assert game.state["lives"] == 2 and game.state["fireballs"] == []


def test_two_fireballs_can_hit_in_one_step_and_the_third_hit_ends_the_game(game):
    settle(game, 300)
    game.state["coins"] = []
    fireball(game, 300, 442)
    game.state["fireballs"].append(dict(game.state["fireballs"][0]))
    assert game.advance(NOOP) == -50.0 and game.state["lives"] == 1 and not game.over
    settle(game, 300)
    fireball(game, 300, 442)
    assert game.advance(NOOP) == -25.0 and game.over


def test_a_fireball_vanishes_at_the_left_end_of_the_ground(game):
    settle(game, 300)
    game.state["coins"] = []
    fireball(game, 68, 442, direction=-1)
    lives = []
    for _ in range(3):
        assert game.advance(NOOP) == 0.0
        lives.append(len(game.state["fireballs"]))
    assert lives == [1, 0, 0] and game.state["lives"] == 3


def test_a_new_round_has_no_fireballs(game):
    game.state["fireballs"] = [{"x": 400, "y": 442, "direction": 1, "falling": False}]
    game.state |= {"timer": 1, "coins": []}
    game.state["player"] |= {"x": 55, "y": 50, "jumping": False, "on_ladder": False}
    assert game.advance(NOOP) == 50.0 and game.state["fireballs"] == []


def test_a_monster_does_no_harm(game):
    monster = game.state["monsters"][0]
    game.state["player"] |= {"x": monster["x"], "y": standing(10)}
    game.state |= {"coins": [], "timer": 1}
    assert sum(advance_alone(game, NOOP) for _ in range(10)) == 0 and game.state["lives"] == 3


# The picture.


def changed(game, change):
    """Return the box (left, top, right, bottom) of the pixels that differ after `change` has changed the state."""
    before = game.draw().copy()
    change()
    different = (game.draw() != before).any(axis=2)
    rows, columns = different.any(axis=1).nonzero()[0], different.any(axis=0).nonzero()[0]
    return columns[0], rows[0], columns[-1], rows[-1]


def test_coins_and_fireballs_are_drawn_inside_the_squares_that_collide(game):
    game.state |= {"coins": [], "fireballs": []}
    left, top, right, bottom = changed(game, lambda: game.state["coins"].append([28, 25]))
    assert left >= 375 and right < 390 and top >= 420 and bottom < 435
    left, top, right, bottom = changed(game, lambda: fireball(game, 400, 442))
    assert left >= 393 and right <= 407 and top >= 435 and bottom <= 449


def test_the_player_stands_on_the_ground_and_the_monster_on_its_floor(game):
    game.state["coins"] = []
    settle(game, 100)
    game.draw()
    left, top, right, bottom = changed(game, lambda: settle(game, 350))
    assert 93 <= left <= 100 and 350 <= right <= 358 and top == 434 and bottom == 449
    box = changed(game, lambda: game.state.update(monsters=[]))
    assert 80 <= box[0] <= 86 and 114 <= box[2] <= 120 and 110 <= box[1] <= 112 and box[3] == 149


def test_tiles_are_drawn_where_they_collide(game):
    game.state["coins"] = []
    picture = game.draw()
    night = (40, 20, 0)
    assert (picture[:, 495:] == night).all()
    assert (picture[450:465, :495] != night).any(axis=2).all()
    assert (picture[390:450, 405:480] == night).all()
    assert (picture[:450, 480:495] != night).any(axis=2).all()


def test_another_level_is_drawn_differently(game):
    first = game.draw().copy()
    level = game.state["level"]
    game.state["level"] = list(LEVEL)
    assert (game.draw() != first).any()
    game.state["level"] = level
    assert (game.draw() == first).all()


def test_the_level_is_drawn_once_for_each_game_however_many_take_turns(monkeypatch):
    draw, drawn = art.background, []
    monkeypatch.setattr(art, "background", lambda level: drawn.append(level) or draw(level))
    games = [MonsterKong() for _ in range(10)]
    for seed, game in enumerate(games):
        game.reset(seed=seed)
    for _ in range(3):
        for game in games:
            game.step(NOOP)
    assert len(drawn) == 10
    games[0].start()
    games[0].draw()
    assert len(drawn) == 11
