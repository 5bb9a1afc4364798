"""Tests Snake step by step."""

import pytest

from emulators.games.snake import Snake

UP, LEFT, RIGHT, DOWN, NOOP = range(5)


@pytest.fixture
def game():
    game = Snake()
    game.reset(seed=1)
    game.state["food"] = [12, 12]  # far from the snake
    return game


def put(game, x, y, *rest):
    """Put the first three segments at x, y, with the head to the right, and the other segments at `rest`."""
    body = [[x, y], [x, y], [x, y], *map(list, rest)]
    game.state |= {"body": body, "direction": [1, 0], "mouth": [int(x + 3), int(y) - 1, 1, 3]}


def test_the_snake_moves_straight_on_until_it_is_turned(game):
    for _ in range(5):
        game.advance(NOOP)
    assert game.state["body"][0] == pytest.approx([36.8333, 32], abs=1e-3)
    heights = []
    for action in (UP, NOOP):
        game.advance(action)
        heights.append(game.state["body"][0][1])
    assert heights == pytest.approx([31.0333, 30.0667], abs=1e-3)
    assert game.state["body"][0][0] == pytest.approx(36.8333, abs=1e-3)


@pytest.mark.parametrize(("before", "opposite"), [(UP, DOWN), (DOWN, UP), (RIGHT, LEFT)])
def test_the_snake_cannot_reverse(game, before, opposite):
    game.advance(before)
    direction = list(game.state["direction"])
    game.advance(opposite)
    assert game.state["direction"] == direction


def test_a_segment_moves_nine_tenths_of_the_distance_to_the_one_ahead(game):
    game.advance(UP)
    assert game.state["body"] == [pytest.approx(place) for place in ([32, 32 - 29 / 30], [31.7, 32], [28.7, 32])]
    for _ in range(40):
        game.state["body"][0] = [32.0, 32.0]
        game.advance(LEFT)
    (head, _), (second, _), (third, _) = game.state["body"]
    assert third - second < 0.01 and second - head == pytest.approx(29 / 30)


def test_the_segments_of_a_straight_body_are_about_a_pixel_apart(game):
    put(game, 10.0, 40.0, (10.0, 40.0))
    for _ in range(40):
        game.advance(NOOP)
    columns = [x for x, _ in game.state["body"]]
    assert [ahead - x for ahead, x in zip(columns, columns[1:], strict=False)] == pytest.approx([1.074] * 3, abs=1e-3)


@pytest.mark.parametrize(
    ("direction", "mouth"),
    [([1, 0], [24, 39, 1, 3]), ([-1, 0], [18, 39, 1, 3]), ([0, 1], [19, 44, 3, 1]), ([0, -1], [19, 38, 3, 1])],
)
def test_the_mouth_is_a_bar_ahead_of_the_head(game, direction, mouth):
    put(game, 20.5, 40.5)  # a step leads into the next pixel, or the one before
    game.state["direction"] = direction
    game.advance(NOOP)
    assert game.state["mouth"] == mouth


def test_the_first_mouth_is_the_heads_own_pixel(game):
    assert game.state["mouth"] == [32, 32, 1, 1]
    game.state["food"] = [30, 30]  # 27 to 32
    assert game.advance(NOOP) == 1


@pytest.mark.parametrize(("mouth_x", "eaten"), [(17, False), (18, True), (23, True), (24, False)])
@pytest.mark.parametrize(("y", "meets"), [(36, False), (37, True), (44, True), (45, False)])
def test_food_is_eaten_if_the_mouth_meets_it(game, mouth_x, eaten, y, meets):
    put(game, mouth_x - 3.0, float(y))
    game.state["food"] = [21, 41]  # columns 18 to 23, rows 38 to 43
    assert game.advance(NOOP) == (1 if eaten and meets else 0)
    assert len(game.state["body"]) == (4 if eaten and meets else 3)


def test_a_new_segment_starts_on_the_last_one(game):
    game.state["food"] = [33, 33]
    game.advance(NOOP)
    assert game.state["body"][3] == pytest.approx([26, 32])  # it was at the place of its predecessor
    assert game.state["body"][3] is not game.state["body"][2]


def test_food_appears_in_seven_rows_and_columns_and_never_exactly_on_a_segment(game):
    body = [[12.0, 12.0], [18.0, 12.0], [24.5, 12.0]]
    places = {tuple(game._new_food(body)) for _ in range(3000)}
    grid = {(x, y) for x in range(12, 49, 6) for y in range(12, 49, 6)}
    assert places == grid - {(12, 12), (18, 12)}


def test_biting_the_segments_directly_behind_the_head_does_no_harm(game):
    put(game, 20.0, 40.0)
    game.state["body"][1:] = [[23.0, 40.0], [23.0, 40.0]]
    assert game.advance(NOOP) == 0


@pytest.mark.parametrize(("x", "y", "dead"), [(23, 39, True), (23.9, 41.9, True), (23, 42, False), (24, 40, False)])
def test_biting_the_middle_pixel_of_any_other_segment_kills(game, x, y, dead):
    put(game, 20.0, 40.0, (60.0, 60.0), (x, y))
    assert game.advance(NOOP) == (-5 if dead else 0)
    assert game.over == dead


@pytest.mark.parametrize(
    ("x", "y", "dead"),
    [(0, 32, False), (-0.1, 32, True), (62.5, 32, False), (62.6, 32, True)]
    + [(32, 0, False), (32, -0.1, True), (32, 62.5, False), (32, 62.6, True)],
)
def test_walls_kill(game, x, y, dead):
    put(game, x, y)
    assert game.advance(NOOP) == (-5 if dead else 0)
    assert game.over == dead


def test_the_wall_kills_in_the_step_after_the_head_is_out(game):
    rewards = []
    while not game.over:
        out = game.state["body"][0][1] < 0
        rewards.append(game.advance(UP))
        assert game.over == out
    assert rewards == [0.0] * 34 + [-5.0]
    assert game.advance(UP) == 0


def test_the_last_step_can_eat_food(game):
    put(game, 20.0, 40.0, (60.0, 60.0), (23.0, 40.0))
    game.state["food"] = [24, 42]
    assert game.advance(NOOP) == -4 and game.over


def test_everything_is_drawn_where_it_collides(game):
    put(game, 20.0, 40.0, (50.0, 20.0), (50.0, 30.0))
    game.state["body"][1:3] = [[10.0, 50.0]] * 2
    picture = game.draw()
    assert (picture[39:42, 23] == (255, 0, 0)).all()  # the mouth
    assert (picture[39:42, 20:23] != 25).any(axis=2).all()  # the head
    assert (picture[19:22, 49:52] == (200, 255, 200)).all()
    assert (picture[29:32, 49:52] == (0, 255, 0)).all()
    assert (picture[49:52, 9:12] == (100, 255, 100)).all()
    assert tuple(picture[12, 12]) == (255, 100, 100)
    coloured = (picture != 25).any(axis=2)
    assert coloured[9:15, 9:15].sum() == 36 - 4  # the food, round at its corners
    assert coloured.sum() == 3 + 9 + 27 + 32


@pytest.mark.parametrize("action", [UP, LEFT, RIGHT, DOWN])
def test_the_head_is_drawn_directly_behind_the_mouth(game, action):
    put(game, 20.0, 40.0)
    game.advance(DOWN if action == LEFT else action)
    game.advance(action)
    for _ in range(6):
        game.advance(NOOP)
    left, top, width, height = game.state["mouth"]
    right, down = game.state["direction"]
    behind = game.draw()[top - down : top - down + height, left - right : left - right + width]
    assert (behind != 25).any(axis=2).all() and (behind != (255, 0, 0)).any(axis=2).all()


def test_biting_the_first_segment_behind_the_exempt_ones_kills(game):
    put(game, 20.0, 40.0, (23.0, 40.0))
    assert game.advance(NOOP) == -5 and game.over
