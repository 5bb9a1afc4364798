"""Compares the colour tables with ALE's own conversion of the same screens to gray and RGB."""

import numpy as np
import pytest
from ale_py import ALEInterface, LoggerMode, roms

from emulators.atari_palette import colour_table, luminance_table

ALEInterface.setLoggerMode(LoggerMode.Error)

TWO_PLAYERS = {"combat", "joust", "maze_craze", "warlords"}
ODD = range(1, 255, 2)  # without 255, whose gray value ALE reads from behind the end of its table


def load(game: str) -> ALEInterface:
    ale = ALEInterface()
    ale.setInt("random_seed", 1)
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(roms.get_rom_path(game))
    return ale


def assert_tables_give_what_ale_gives(ale: ALEInterface, message: str) -> None:
    screen = ale.getScreen()
    height = screen.shape[0]
    np.testing.assert_array_equal(colour_table(height)[screen], ale.getScreenRGB(), message)
    known = screen != 255
    np.testing.assert_array_equal(luminance_table(height)[screen][known], ale.getScreenGrayscale()[known], message)


@pytest.mark.slow
@pytest.mark.parametrize("game", [game for game in sorted(roms.get_all_rom_ids()) if game not in TWO_PLAYERS])
def test_colours_of_every_bundled_game_are_those_of_ale(game):
    ale = load(game)
    actions = ale.getMinimalActionSet()
    random = np.random.default_rng(0)
    for look in range(4):
        for _ in range(7):
            action = actions[random.integers(len(actions))]
            for _ in range(8):
                ale.act(action)
        assert_tables_give_what_ale_gives(ale, f"{game}, look {look}")
        if ale.game_over():
            ale.reset_game()


@pytest.mark.parametrize(
    ("games", "indices", "at_least"),
    [
        (["breakout"], range(0, 256, 2), 120),  # NTSC
        (["laser_gates", "pacman"], range(0, 256, 2), 120),  # PAL
        (["air_raid"], ODD, 120),  # PAL with a lost colour signal
    ],
    ids=["NTSC", "PAL", "lost colour signal"],
)
def test_nearly_every_index_of_each_palette_has_the_colour_ale_gives_it(games, indices, at_least):
    # Games keep colours in memory. Noise written there makes them show colours that no player ever sees.
    seen: set[int] = set()
    for game in games:
        ale = load(game)
        random = np.random.default_rng(0)
        for _ in range(60):
            ale.act(ale.getMinimalActionSet()[-1])
        state = ale.cloneState()
        for _ in range(200):
            ale.restoreState(state)
            for place in np.flatnonzero(random.random(128) < 0.5):
                ale.setRAM(int(place), int(random.integers(256)))
            ale.act(ale.getMinimalActionSet()[0])
            assert_tables_give_what_ale_gives(ale, game)
            seen |= set(np.unique(ale.getScreen()).tolist())
    assert len(seen & set(indices)) >= at_least


@pytest.mark.parametrize("height", [210, 214, 220, 230, 250])
def test_tables_are_bytes_for_all_256_indices(height):
    assert colour_table(height).shape == (256, 3) and colour_table(height).dtype == np.uint8
    assert luminance_table(height).shape == (256,) and luminance_table(height).dtype == np.uint8


def test_black_is_the_first_colour_and_0x42_is_as_published():
    # In ALE's published tables 0x42 is (167, 26, 26) in NTSC and (137, 81, 26) in PAL.
    for height in (210, 250):
        assert colour_table(height)[0].tolist() == [0, 0, 0]
    assert colour_table(210)[0x42].tolist() == [167, 26, 26]
    assert colour_table(250)[0x42].tolist() == [137, 81, 26]
