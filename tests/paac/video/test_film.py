"""Films: their duration, their memory, sprites that flicker in the game, and colours."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from paac.video.film import Film
from paac.video.gif import MAX_HUNDREDTHS, GifWriter

RATE = 60  # screens a second


def film_of(screens, speed=1.0, **settings):
    film = Film(speed, **settings)
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
    ("speed", "frame_rate", "pictures", "durations"),
    [
        (1, 60, 20, [50, 50, 50]),  # every third screen: 3 / 60 s = 50 ms
        (2, 60, 10, [50, 50, 50]),  # every sixth screen, at twice the speed
        (0.5, 60, 30, [70, 60, 70]),  # every second screen: 2 / 60 / 0.5 s = 66.7 ms; a gif has multiples of 10 ms
        (4, 60, 5, [50, 50, 50]),
        (1, 30, 30, [70, 60, 70]),  # every second screen: 2 / 30 s = 66.7 ms
    ],
)
def test_pictures_and_durations_of_sixty_screens(speed, frame_rate, pictures, durations, tmp_path):
    film = film_of(different_screens(60), speed, frame_rate=frame_rate)
    film.save(tmp_path / "a.gif")
    shown, shown_durations = read(tmp_path / "a.gif")
    assert len(shown) == pictures and shown_durations[:3] == durations
    assert sum(shown_durations) == pytest.approx(1000 * film.seconds) == pytest.approx(60_000 / frame_rate / speed)


@pytest.mark.parametrize("speed", [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 8, 30])
def test_a_film_lasts_as_long_as_the_game_divided_by_the_speed(speed):
    count = 60 * 30
    film = film_of(np.zeros((count, 2, 2, 3), np.uint8), speed)
    assert film.seconds == pytest.approx(count / RATE / speed, abs=0.07)


@pytest.mark.parametrize(("count", "pictures"), [(97, 2), (98, 2), (100, 2)])
def test_the_last_screen_is_shown_with_the_score_however_fast_the_film_is(count, pictures):
    screens = different_screens(count)
    film = film_of(screens, speed=32, max_pool=False)  # a picture for every 96 screens
    film.on_end(5.0)
    *_, last = film.pictures(1)
    assert len(film.scores) == pictures and film.scores[-1] == 5.0
    np.testing.assert_array_equal(np.array(last.convert("RGB")), screens[-1])


def test_a_film_ends_after_its_maximum_duration(tmp_path):
    film = film_of(different_screens(30), max_seconds=0.5)
    assert film.seconds == pytest.approx(0.5) and not film.is_shortened
    film = film_of(different_screens(90), max_seconds=0.5)
    assert film.seconds == pytest.approx(0.5) and film.is_shortened
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


def test_films_that_share_a_file_have_their_own_pictures(tmp_path):
    with (tmp_path / "shared").open("w+b") as file:
        films = [Film(file=file, max_pool=False), Film(file=file, max_pool=False)]
        for screen in different_screens(60):
            films[0].add(screen)
            films[1].add(255 - screen)
        for number, film in enumerate(films):
            film.save(tmp_path / f"{number}.gif")
    one, other = (read(tmp_path / f"{number}.gif")[0] for number in range(2))
    assert len(one) == len(other) == 20
    assert (one.max(axis=(1, 2, 3)) == 255).all() and one.mean() < 10 and other.mean() > 245


def test_a_gif_has_the_same_bytes_as_one_by_pillow():
    film = film_of(different_screens(60).repeat(4, axis=0)[:120])
    ours, pillows = io.BytesIO(), io.BytesIO()
    film.write_gif(ours, 2)
    first, *others = film.pictures(2)
    first.save(pillows, "GIF", save_all=True, append_images=others, duration=50, loop=0, optimize=False)
    assert ours.getvalue() == pillows.getvalue()


def test_a_still_part_can_be_longer_than_the_longest_duration_in_a_gif(tmp_path):
    picture = next(film_of(different_screens(1)).pictures(1))
    with (tmp_path / "a.gif").open("wb") as file:
        gif = GifWriter(file)
        for _ in range(3):
            gif.add(picture, MAX_HUNDREDTHS // 2)
        gif.close()
    pictures, durations = read(tmp_path / "a.gif")
    assert sum(durations) == 3 * 10 * (MAX_HUNDREDTHS // 2)
    np.testing.assert_array_equal(pictures[0], pictures[-1])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux reports the peak of the memory")
def test_a_film_adds_at_most_100_mib_to_the_process(tmp_path):
    def memory(name):
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024

    Path("/proc/self/clear_refs").write_text("5")  # the peak starts at the present memory
    before = memory("VmRSS")
    screens = np.random.default_rng(0).integers(0, 2, (8, 210, 160, 3), np.uint8)  # hard to compress
    film = Film(max_pool=False)
    for number in range(3 * 400):
        film.add(screens[number % 8])
    film.save(tmp_path / "a.gif", scale=4)  # 400 pictures of 0.5 MiB
    assert memory("VmHWM") - before < 100


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
