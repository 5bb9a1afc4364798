"""Gifs: their duration, sprites that flicker in the game, and colours."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from paac.video.film import Film

RATE = 60  # screens a second


def film_of(screens, speed=1.0):
    film = Film(speed)
    for screen in screens:
        film.add(screen)
    return film


def read(file):
    """Return the pictures, uint8 [n, height, width, 3], and their durations in milliseconds."""
    with Image.open(file) as gif:
        frames = [(np.array(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(gif)]
    pictures, durations = zip(*frames, strict=True)
    return np.stack(pictures), list(durations)


def different_screens(count):
    """Return screens with a moving white dot: identical pictures would be merged in the gif."""
    screens = np.zeros((count, 8, 100, 3), np.uint8)
    screens[np.arange(count), 3, np.arange(count) % 100] = 255
    return screens


@pytest.mark.parametrize(
    ("speed", "pictures", "duration"),
    [
        (1, 20, 50),  # every third screen: 3 / 60 s = 50 ms
        (2, 10, 50),  # every sixth screen, at twice the speed
        (0.5, 30, 70),  # every second screen: 2 / 60 / 0.5 s = 66.7 ms; a gif has multiples of 10 ms
        (4, 5, 50),
    ],
)
def test_pictures_and_durations_of_one_second_of_play(speed, pictures, duration, tmp_path):
    film = film_of(different_screens(60), speed)
    film.save(tmp_path / "a.gif")
    shown, durations = read(tmp_path / "a.gif")
    assert len(shown) == pictures
    assert durations == [duration] * pictures
    assert film.seconds == pytest.approx(pictures * duration / 1000)


@pytest.mark.parametrize("speed", [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 8, 30])
def test_a_film_lasts_as_long_as_the_game_divided_by_the_speed(speed):
    count = 60 * 30
    film = film_of(np.zeros((count, 2, 2, 3), np.uint8), speed)
    assert film.seconds == pytest.approx(count / RATE / speed, rel=0.11)


def test_a_film_ends_after_its_maximum_duration(tmp_path):
    film = Film(max_seconds=0.5)
    for screen in different_screens(90):
        film.add(screen)
    assert film.seconds == pytest.approx(0.5)
    film.save(tmp_path / "a.gif")
    shown, _ = read(tmp_path / "a.gif")
    np.testing.assert_array_equal(shown[-1], np.maximum(different_screens(90)[27], different_screens(90)[26]))


def test_every_picture_lasts_at_least_20_ms():
    for speed in (0.1, 1, 7, 100):
        film = film_of(different_screens(1), speed)
        assert film.seconds >= 0.02


def test_identical_pictures_keep_their_duration(tmp_path):
    film_of(np.zeros((60, 4, 4, 3), np.uint8)).save(tmp_path / "a.gif")
    assert sum(read(tmp_path / "a.gif")[1]) == 1000


def test_the_gif_repeats_endlessly(tmp_path):
    film_of(different_screens(6)).save(tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.info["loop"] == 0


@pytest.mark.parametrize("shown_first", [True, False], ids=["even", "odd"])
@pytest.mark.parametrize("speed", [0.25, 0.5, 1, 2, 3])
def test_a_sprite_in_every_other_screen_is_in_every_picture(speed, shown_first, tmp_path):
    screens = different_screens(60)
    sprite = np.array([200, 72, 72], np.uint8)
    screens[0 if shown_first else 1 :: 2, 6, 50] = sprite
    film_of(screens, speed).save(tmp_path / "a.gif")
    pictures, _ = read(tmp_path / "a.gif")
    assert len(pictures) > 5
    has_sprite = (pictures[:, 6, 50] == sprite).all(axis=1)
    assert has_sprite[1:].all()
    assert has_sprite[0] or not shown_first  # the next test checks the first picture


def test_a_sprite_missing_in_the_first_screen_is_in_the_first_picture(tmp_path):
    screens = different_screens(60)
    screens[1::2, 6, 50] = 200
    film_of(screens).save(tmp_path / "a.gif")
    assert read(tmp_path / "a.gif")[0][0, 6, 50].tolist() == [200, 200, 200]


@pytest.mark.parametrize("colours", [2, 128, 256])
def test_up_to_256_colours_are_exact(colours, tmp_path):
    random = np.random.default_rng(colours)
    pictures = []
    for _ in range(4):  # each with other colours
        palette = random.integers(0, 256, (colours, 3), np.uint8)
        pictures.append(palette[np.arange(32 * 20).reshape(32, 20) % colours])
    # Each is added two or three times, so that a picture joins two equal screens.
    film = Film()
    for screen in [pictures[0]] * 2 + [picture for picture in pictures[1:] for _ in range(3)]:
        film.add(screen)
    film.save(tmp_path / "a.gif")
    np.testing.assert_array_equal(read(tmp_path / "a.gif")[0], pictures)


def test_more_than_256_colours_are_approximated(tmp_path):
    rows, columns = np.mgrid[0:32, 0:32].astype(np.uint8)
    screen = np.stack([8 * rows, 8 * columns, 128 + 0 * rows], axis=-1)
    film_of([screen]).save(tmp_path / "a.gif")
    ((picture,), _) = read(tmp_path / "a.gif")
    assert np.abs(picture.astype(int) - screen).mean() < 8


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_each_pixel_becomes_a_block_of_the_scale(scale, tmp_path):
    screen = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    film_of([screen]).save(tmp_path / "a.gif", scale)
    np.testing.assert_array_equal(read(tmp_path / "a.gif")[0][0], screen.repeat(scale, axis=0).repeat(scale, axis=1))


def test_a_missing_folder_raises_an_os_error(tmp_path):
    with pytest.raises(OSError):
        film_of(different_screens(3)).save(tmp_path / "missing" / "a.gif")
