"""Films as mp4 videos: their size, speed and colours, and errors."""

from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from paac.video.film import Film
from paac.video.mp4 import mp4_writer
from tests.helpers.commands import files_limited_to


def read(file):
    """Return what ffmpeg says about the video, and its pictures, uint8 [n, height, width, 3]."""
    frames = imageio_ffmpeg.read_frames(str(file))
    about = next(frames)
    width, height = about["size"]
    pictures = [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in frames]
    return about, np.stack(pictures)


@pytest.mark.parametrize(("speed", "frame_rate", "seconds"), [(1, 60, 2), (2, 60, 1), (0.5, 30, 8)])
def test_a_film_is_as_long_as_the_game_divided_by_the_speed(speed, frame_rate, seconds, tmp_path):
    film = Film(speed, frame_rate=frame_rate)
    for _ in range(120):
        film.add(np.zeros((16, 16, 3), np.uint8))
    film.save(tmp_path / "a.MP4")
    about, pictures = read(tmp_path / "a.MP4")
    assert about["duration"] == pytest.approx(seconds, abs=0.1) == pytest.approx(film.seconds, abs=0.1)
    assert len(pictures) / about["fps"] == pytest.approx(seconds, abs=0.1)


def test_a_relative_path_may_have_a_colon(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film = Film()
    film.add(np.zeros((16, 16, 3), np.uint8))
    film.save(Path("gym:CartPole.mp4"))
    assert read(tmp_path / "gym:CartPole.mp4")[0]["size"] == (16, 16)


def test_pixels_stay_sharp_and_keep_their_colours(tmp_path):
    palette = np.array([(200, 72, 72), (66, 158, 130), (236, 236, 236), (0, 0, 0)], np.uint8)
    screen = palette[np.random.default_rng(1).integers(0, 4, (20, 30))]
    film = Film(max_pool=False)
    film.add(screen)
    film.save(tmp_path / "a.mp4", scale=4)
    about, (picture,) = read(tmp_path / "a.mp4")
    assert "yuv420p" in about["pix_fmt"] and about["codec"] == "h264"
    enlarged = screen.repeat(4, axis=0).repeat(4, axis=1)
    assert np.abs(picture.astype(int) - enlarged).mean() < 5


def test_odd_sizes_become_even(tmp_path):
    with mp4_writer(tmp_path / "a.mp4", 20) as write:
        write(Image.new("RGB", (21, 33), (200, 200, 200)))
    about, (picture,) = read(tmp_path / "a.mp4")
    assert about["size"] == (22, 34)
    assert picture[:33, :21].min() > 150 and picture[33].max() < 60


def test_the_file_appears_at_the_end_and_not_after_an_error(tmp_path):
    file = tmp_path / "a.mp4"
    file.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), mp4_writer(file, 20) as write:
        write(Image.new("RGB", (16, 16)))
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"] and file.read_bytes() == b"old"
    with mp4_writer(file, 20) as write:
        write(Image.new("RGB", (16, 16)))
        assert file.read_bytes() == b"old"
    assert read(file)[0]["size"] == (16, 16)


def test_a_full_disk_gives_one_line_and_no_file(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (40, 320, 320, 3), np.uint8)
    with (
        files_limited_to(50_000),
        pytest.raises(OSError, match=r"a\.mp4: cannot be written") as error,
        mp4_writer(tmp_path / "a.mp4", 20) as write,
    ):
        for picture in noise:
            write(Image.fromarray(picture))
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())
