"""Compares preprocessing with plain loops: which pixels are sampled, their values, and their place in the stack."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from ale_py import ALEInterface, LoggerMode, roms

from emulators.atari_palette import colour_table, luminance_table
from emulators.preprocessing import FrameStack, nearest_pixels

ALEInterface.setLoggerMode(LoggerMode.Error)

# Ordinary games, PAL games with 250 rows, and the three games with an unusual height.
GAMES = {
    "pong": (210, 160),
    "breakout": (210, 160),
    "seaquest": (210, 160),
    "ms_pacman": (210, 160),
    "klax": (250, 160),
    "mr_do": (250, 160),
    "carnival": (214, 160),
    "pooyan": (220, 160),
    "journey_escape": (230, 160),
}


@pytest.fixture(scope="module", params=GAMES)
def screens(request):
    """Two consecutive screens of a game, each as palette indices, gray and RGB, as ALE returns them."""
    ale = ALEInterface()
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(roms.get_rom_path(request.param))
    actions = ale.getMinimalActionSet()
    for frame in range(200):
        ale.act(actions[frame // 10 % len(actions)])
    shown = []
    for _ in range(2):
        ale.act(actions[-1])
        shown.append((ale.getScreen(), ale.getScreenGrayscale(), ale.getScreenRGB()))
    indices, grays, colours = map(np.stack, zip(*shown, strict=True))
    assert indices.shape[1:] == GAMES[request.param]
    assert len(np.unique(indices)) > 2  # the screen is not blank
    return indices, grays, colours


def newest_frame(screens: np.ndarray, rgb: bool, table: np.ndarray | None = None) -> np.ndarray:
    """Return the frame that a push of two screens adds, uint8 [84, 84, 1 or 3]."""
    stack = FrameStack(*screens.shape[1:3], rgb, table)
    stack.push(*screens)
    return stack.observation[:, :, 3::4]


def push_frame(stack: FrameStack, frame: np.ndarray) -> None:
    """Push a frame, uint8 [84, 84, 1 or 3], unchanged."""
    screen = frame if frame.shape[2] == 3 else np.repeat(frame, 3, axis=2)  # the gray of equal channels is their value
    stack.push(screen, screen)


def sampled_by_loops(images: np.ndarray) -> np.ndarray:
    """Return the maximum of two images [2, height, width, C] at the nearest pixels, [84, 84, C]."""
    _, height, width, channels = images.shape
    frame = np.zeros((84, 84, channels), np.uint8)
    for row in range(84):
        for column in range(84):
            y, x = (2 * row + 1) * height // 168, (2 * column + 1) * width // 168
            for channel in range(channels):
                frame[row, column, channel] = max(image[y, x, channel] for image in images)
    return frame


@pytest.mark.parametrize(
    ("length", "start"),
    [
        # (2 * row + 1) * length / 168, rounded down, computed by hand.
        (84, [0, 1, 2, 3, 4, 5]),
        (168, [1, 3, 5, 7, 9, 11]),
        (42, [0, 0, 1, 1, 2, 2]),
        (1, [0, 0, 0, 0, 0, 0]),
        (160, [0, 2, 4, 6, 8, 10]),
        (210, [1, 3, 6, 8, 11, 13]),
        (250, [1, 4, 7, 10, 13, 16]),
    ],
)
def test_the_first_nearest_pixels_are_those_computed_by_hand(length, start):
    assert nearest_pixels(length)[:6].tolist() == start


@pytest.mark.parametrize(("length", "end"), [(84, 83), (160, 159), (210, 208), (250, 248)])
def test_the_last_nearest_pixel_is_that_computed_by_hand(length, end):
    rows = nearest_pixels(length)
    assert rows.shape == (84,)
    assert rows[-1] == end


def test_every_sampled_pixel_holds_the_centre_of_its_target_pixel():
    for length in range(1, 300):
        centres = [Fraction(2 * target + 1, 2) * length / 84 for target in range(84)]
        assert nearest_pixels(length).tolist() == [floor(centre) for centre in centres]


def test_a_gray_frame_of_real_screens_is_the_maximum_of_their_gray_values(screens):
    indices, grays, _ = screens
    frame = newest_frame(indices, False, luminance_table(indices.shape[1]))
    assert frame.shape == (84, 84, 1) and frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, sampled_by_loops(grays[..., None]))


def test_an_rgb_frame_of_real_screens_is_their_maximum_in_each_channel(screens):
    indices, _, colours = screens
    frame = newest_frame(indices, True, colour_table(indices.shape[1]))
    assert frame.shape == (84, 84, 3) and frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, sampled_by_loops(colours))


def test_the_maximum_is_that_of_gray_values_and_not_of_palette_indices():
    table = np.zeros(256, np.uint8)
    table[[1, 2]] = [200, 100]  # the higher the index, the darker
    for pair in ([1, 2], [2, 1]):
        screens = np.array([np.full((4, 4), index) for index in pair], np.uint8)
        np.testing.assert_array_equal(newest_frame(screens, False, table), np.full((84, 84, 1), 200))


def test_the_maximum_is_taken_in_each_channel_separately():
    table = np.zeros((256, 3), np.uint8)
    table[1], table[2] = (10, 200, 30), (20, 100, 40)
    frame = newest_frame(np.array([np.full((2, 2), 1), np.full((2, 2), 2)], np.uint8), True, table)
    np.testing.assert_array_equal(frame, np.broadcast_to([20, 200, 40], (84, 84, 3)))


def test_a_push_does_not_change_its_screens():
    screens = np.random.default_rng(0).integers(256, size=(2, 210, 160, 3), dtype=np.uint8)
    before = screens.copy()
    newest_frame(screens, True)
    np.testing.assert_array_equal(screens, before)


def test_the_gray_value_of_an_rgb_screen_weights_red_green_and_blue():
    screens = np.zeros((2, 1, 4, 3), np.uint8)
    # 75.049, 129.14, 28.272, and 0.299 * 40 + 0.587 * 80 + 0.114 * 160 = 77.16: rounding and truncation agree.
    screens[:, 0] = [(251, 0, 0), (0, 220, 0), (0, 0, 248), (40, 80, 160)]
    row = newest_frame(screens, False)[0, :, 0]
    assert row[[0, 21, 42, 63]].tolist() == [75, 129, 28, 77]


def test_rgb_frames_of_rgb_screens_are_their_maximum_at_the_nearest_pixels():
    screens = np.random.default_rng(1).integers(256, size=(2, 100, 70, 3), dtype=np.uint8)
    np.testing.assert_array_equal(newest_frame(screens, True), sampled_by_loops(screens))


def test_rgb_screens_become_gray_before_the_maximum_is_taken():
    screens = np.random.default_rng(1).integers(256, size=(2, 100, 70, 3), dtype=np.uint8)
    grays = (screens.astype(int) @ [299, 587, 114] // 1000)[..., None]
    np.testing.assert_array_equal(newest_frame(screens, False), sampled_by_loops(grays))


def test_a_gray_stack_holds_the_last_four_frames_oldest_first():
    stack = FrameStack(84, 84, rgb=False)
    frames = np.random.default_rng(2).integers(256, size=(7, 84, 84, 1), dtype=np.uint8)
    for frame in frames:
        push_frame(stack, frame)
    assert stack.observation.shape == (84, 84, 4) and stack.observation.dtype == np.uint8
    for place, frame in enumerate(frames[3:]):
        np.testing.assert_array_equal(stack.observation[:, :, place], frame[:, :, 0])


def test_an_rgb_stack_holds_four_reds_then_four_greens_then_four_blues():
    stack = FrameStack(84, 84, rgb=True)
    frames = np.random.default_rng(3).integers(256, size=(6, 84, 84, 3), dtype=np.uint8)
    for frame in frames:
        push_frame(stack, frame)
    assert stack.observation.shape == (84, 84, 12) and stack.observation.dtype == np.uint8
    for colour in range(3):
        for place in range(4):
            np.testing.assert_array_equal(stack.observation[:, :, 4 * colour + place], frames[2 + place, :, :, colour])


def test_a_new_stack_is_black_and_the_newest_frame_is_its_last():
    stack = FrameStack(84, 84, rgb=False)
    push_frame(stack, np.full((84, 84, 1), 255, np.uint8))
    np.testing.assert_array_equal(stack.observation, np.broadcast_to([0, 0, 0, 255], (84, 84, 4)))


@pytest.mark.parametrize("rgb", [False, True])
def test_fill_sets_all_four_frames(rgb):
    stack = FrameStack(84, 84, rgb)
    push_frame(stack, np.full((84, 84, 1), 77, np.uint8))
    frame = np.random.default_rng(4).integers(256, size=(84, 84, 3 if rgb else 1), dtype=np.uint8)
    stack.fill(np.broadcast_to(frame, (84, 84, 3)))
    np.testing.assert_array_equal(stack.observation, np.repeat(frame, 4, axis=2))


def test_observations_that_were_returned_do_not_change():
    # So a caller may keep them without copying.
    stack = FrameStack(84, 84, rgb=False)
    given, copies = [], []
    for brightness in range(1, 9):
        push_frame(stack, np.full((84, 84, 1), brightness, np.uint8))
        given.append(stack.observation)
        copies.append(stack.observation.copy())
    np.testing.assert_array_equal(given, copies)
    np.testing.assert_array_equal([observation[0, 0] for observation in given][-2:], [[4, 5, 6, 7], [5, 6, 7, 8]])


def test_a_stack_in_place_changes_its_words_and_makes_no_new_array():
    plain, stack = FrameStack(84, 84, rgb=False), FrameStack(84, 84, rgb=False)
    stack.in_place = True
    words = stack.words
    for brightness in (10, 20, 30, 40, 50):
        for each in (plain, stack):
            push_frame(each, np.full((84, 84, 1), brightness, np.uint8))
        np.testing.assert_array_equal(stack.observation, plain.observation)
    stack.set(np.full_like(words, 7))
    assert stack.words is words and (words == 7).all()
