"""Pixels against plain loops: which are picked, what they look like, and where they lie in the stack."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from ale_py import ALEInterface, LoggerMode, roms

from emulators.atari_palette import colour_table, luminance_table
from emulators.preprocessing import FrameStack, nearest

ALEInterface.setLoggerMode(LoggerMode.Error)

# Ordinary games, PAL ones of 250 rows, and the three of an odd height.
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
    """Two screens of a game in a row, each as palette indices, gray and RGB, all three by ALE itself."""
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
    assert len(np.unique(indices)) > 2  # a blank screen would prove nothing
    return indices, grays, colours


def newest_frame(screens: np.ndarray, rgb: bool, table: np.ndarray | None = None) -> np.ndarray:
    """What a push of two screens brings, uint8 [84, 84, 1 or 3]."""
    stack = FrameStack(*screens.shape[1:3], rgb, table)
    stack.push(*screens)
    return stack.observation[:, :, 3::4]


def push_frame(stack: FrameStack, frame: np.ndarray) -> None:
    """Push a screen of 84x84 as it is."""
    screen = frame if frame.shape[2] == 3 else np.repeat(frame, 3, axis=2)  # of three like colours comes their gray
    stack.push(screen, screen)


def picked_by_loops(images: np.ndarray) -> np.ndarray:
    """Images [2, height, width, C] -> [84, 84, C], pixel by pixel."""
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
        # Floors of (2r + 1) * length / 168, by hand.
        (84, [0, 1, 2, 3, 4, 5]),
        (168, [1, 3, 5, 7, 9, 11]),
        (42, [0, 0, 1, 1, 2, 2]),
        (1, [0, 0, 0, 0, 0, 0]),
        (160, [0, 2, 4, 6, 8, 10]),
        (210, [1, 3, 6, 8, 11, 13]),
        (250, [1, 4, 7, 10, 13, 16]),
    ],
)
def test_nearest_pixels_are_those_worked_out_by_hand(length, start):
    assert nearest(length)[:6].tolist() == start


@pytest.mark.parametrize(("length", "end"), [(84, 83), (160, 159), (210, 208), (250, 248)])
def test_the_last_pixels_are_those_worked_out_by_hand(length, end):
    rows = nearest(length)
    assert rows.shape == (84,)
    assert rows[-1] == end


def test_every_picked_pixel_holds_the_centre_of_its_target_pixel():
    for length in range(1, 300):
        centres = [Fraction(2 * target + 1, 2) * length / 84 for target in range(84)]
        assert nearest(length).tolist() == [floor(centre) for centre in centres]


def test_gray_frame_of_a_real_screen_is_the_maximum_of_two_gray_ones(screens):
    indices, grays, _ = screens
    frame = newest_frame(indices, False, luminance_table(indices.shape[1]))
    assert frame.shape == (84, 84, 1) and frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, picked_by_loops(grays[..., None]))


def test_rgb_frame_of_a_real_screen_is_the_maximum_of_two_in_each_colour(screens):
    indices, _, colours = screens
    frame = newest_frame(indices, True, colour_table(indices.shape[1]))
    assert frame.shape == (84, 84, 3) and frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, picked_by_loops(colours))


def test_the_maximum_is_one_of_brightness_and_not_of_palette_indices():
    table = np.zeros(256, np.uint8)
    table[[1, 2]] = [200, 100]  # the higher the index, the darker
    for pair in ([1, 2], [2, 1]):
        screens = np.array([np.full((4, 4), index) for index in pair], np.uint8)
        np.testing.assert_array_equal(newest_frame(screens, False, table), np.full((84, 84, 1), 200))


def test_the_maximum_is_taken_in_each_colour_by_itself():
    table = np.zeros((256, 3), np.uint8)
    table[1], table[2] = (10, 200, 30), (20, 100, 40)
    frame = newest_frame(np.array([np.full((2, 2), 1), np.full((2, 2), 2)], np.uint8), True, table)
    np.testing.assert_array_equal(frame, np.broadcast_to([20, 200, 40], (84, 84, 3)))


def test_the_screens_given_are_not_changed():
    screens = np.random.default_rng(0).integers(256, size=(2, 210, 160, 3), dtype=np.uint8)
    before = screens.copy()
    newest_frame(screens, True)
    np.testing.assert_array_equal(screens, before)


def test_gray_of_an_rgb_screen_weighs_red_green_and_blue():
    screens = np.zeros((2, 1, 4, 3), np.uint8)
    # 75.049, 129.14, 28.272, and 0.299 * 40 + 0.587 * 80 + 0.114 * 160 = 77.16: to round or to cut is the same.
    screens[:, 0] = [(251, 0, 0), (0, 220, 0), (0, 0, 248), (40, 80, 160)]
    row = newest_frame(screens, False)[0, :, 0]
    assert row[[0, 21, 42, 63]].tolist() == [75, 129, 28, 77]


def test_rgb_screens_are_picked_and_joined_by_their_maximum():
    screens = np.random.default_rng(1).integers(256, size=(2, 100, 70, 3), dtype=np.uint8)
    np.testing.assert_array_equal(newest_frame(screens, True), picked_by_loops(screens))


def test_rgb_screens_become_gray_before_they_are_joined():
    screens = np.random.default_rng(1).integers(256, size=(2, 100, 70, 3), dtype=np.uint8)
    grays = (screens.astype(int) @ [299, 587, 114] // 1000)[..., None]
    np.testing.assert_array_equal(newest_frame(screens, False), picked_by_loops(grays))


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


def test_a_new_stack_is_black_and_frames_come_in_at_its_end():
    stack = FrameStack(84, 84, rgb=False)
    push_frame(stack, np.full((84, 84, 1), 255, np.uint8))
    np.testing.assert_array_equal(stack.observation, np.broadcast_to([0, 0, 0, 255], (84, 84, 4)))


@pytest.mark.parametrize("rgb", [False, True])
def test_fill_makes_a_frame_all_four(rgb):
    stack = FrameStack(84, 84, rgb)
    push_frame(stack, np.full((84, 84, 1), 77, np.uint8))
    frame = np.random.default_rng(4).integers(256, size=(84, 84, 3 if rgb else 1), dtype=np.uint8)
    stack.fill(np.broadcast_to(frame, (84, 84, 3)))
    np.testing.assert_array_equal(stack.observation, np.repeat(frame, 4, axis=2))


def test_observations_given_out_stay_as_they_were():
    # A learner keeps those of a whole rollout without copying them.
    stack = FrameStack(84, 84, rgb=False)
    given, copies = [], []
    for brightness in range(1, 9):
        push_frame(stack, np.full((84, 84, 1), brightness, np.uint8))
        given.append(stack.observation)
        copies.append(stack.observation.copy())
    np.testing.assert_array_equal(given, copies)
    np.testing.assert_array_equal([observation[0, 0] for observation in given][-2:], [[4, 5, 6, 7], [5, 6, 7, 8]])


def test_a_stack_in_place_changes_its_words_and_makes_no_new_ones():
    plain, stack = FrameStack(84, 84, rgb=False), FrameStack(84, 84, rgb=False)
    stack.in_place = True
    words = stack.words
    for brightness in (10, 20, 30, 40, 50):
        for each in (plain, stack):
            push_frame(each, np.full((84, 84, 1), brightness, np.uint8))
        np.testing.assert_array_equal(stack.observation, plain.observation)
    stack.set(np.full_like(words, 7))
    assert stack.words is words and (words == 7).all()
