"""The panel of an annotated film, which does not affect the episode."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageSequence

from emulators import find_game
from paac.cli.command_line import typed_options
from paac.cli.film_options import FilmOptions
from paac.cli.options import Options
from paac.evaluation import Decision
from paac.training.agent import evaluate_agent
from paac.training.find_runs import resolve_run_options
from paac.training.loop import train
from paac.video.annotation import BACKGROUND, MIN_HEIGHT, ORANGE, AnnotatedFilm, Panel, PanelState, indices_to_show
from paac.video.film import Film

ATARI = [
    a + b + c for c in ("", "FIRE") for a in ("", "UP", "DOWN") for b in ("", "LEFT", "RIGHT")
]  # the longest names


def decision_of(action, choice, actions=3, choices=3, score=0.0):
    policy, repetition = np.full(actions, 1 / actions, np.float32), np.full(choices, 1 / choices, np.float32)
    return Decision(action, choice, policy, repetition, 0.5, score)


def film_of(screens, film, decisions=()):
    """Add `screens` to `film`; `decisions` are made before the screens with these indices."""
    for number, screen in enumerate(screens):
        if number in decisions:
            film.on_decision(decisions[number])
        film.add(screen)
    return film


def read(film, file, scale=1):
    film.save(file, scale)
    with Image.open(file) as gif:
        frames = [(np.array(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(gif)]
    pictures, durations = zip(*frames, strict=True)
    return list(pictures), sum(durations)


def noise(count, colours, height=420, width=40):
    random = np.random.default_rng(3)
    palette = random.integers(0, 256, (colours, 3), np.uint8)
    return [palette[random.integers(0, colours, (height, width))] for _ in range(count)]


@pytest.mark.parametrize("film", [Film(), AnnotatedFilm(["left"], [0], 4)])
def test_a_film_of_a_game_that_starts_again_begins_with_the_last_start(film, tmp_path):
    emulator = SimpleNamespace()
    film.record(emulator)
    for screens in (noise(5, 3), last := noise(9, 4)):
        emulator.on_restart()
        for screen in screens:
            emulator.on_frame(screen)
    expected, expected_duration = read(film_of(last, Film()), tmp_path / "expected.gif")
    pictures, duration = read(film, tmp_path / "film.gif")
    assert duration == expected_duration
    assert all(np.array_equal(one[:, :40], other) for one, other in zip(pictures, expected, strict=True))


def test_the_game_looks_as_in_a_plain_film_with_a_panel_at_its_right(tmp_path):
    screens = noise(24, 200)
    plain, duration = read(film_of(screens, Film(max_pool=False)), tmp_path / "plain.gif")
    film = AnnotatedFilm(["left", "right", "jump"], [0, 1, 4], 4, max_pool=False)
    decisions = {4: decision_of(0, 2), 12: decision_of(2, 1)}
    annotated, annotated_duration = read(film_of(screens, film, decisions), tmp_path / "annotated.gif")
    assert annotated_duration == duration and len(annotated) == len(plain)
    assert annotated[0].shape == (420, 40 + Panel(["left", "right", "jump"], [0, 1, 4]).width, 3)
    for with_panel, without in zip(annotated, plain, strict=True):
        np.testing.assert_array_equal(with_panel[:, :40], without)
        assert (with_panel[:, 40:] == BACKGROUND).all(axis=-1).any()


def test_colours_are_approximated_if_picture_and_panel_have_too_many(tmp_path):
    screens = noise(1, 256)
    film = film_of(screens, AnnotatedFilm(["a"], [0], 1), {0: decision_of(0, 0, 1, 1)})
    ((picture,), _) = read(film, tmp_path / "a.gif")
    assert np.abs(picture[:, :40].astype(int) - screens[0]).mean() < 8
    assert (picture[:, 40:] == ORANGE).all(axis=-1).any()  # the panel's colours are exact


def test_a_low_screen_gets_a_panel_of_the_minimum_height(tmp_path):
    film = film_of(noise(1, 9, height=30), AnnotatedFilm(["a"], [0], 1))
    ((picture,), _) = read(film, tmp_path / "a.gif", scale=2)
    assert picture.shape[0] == MIN_HEIGHT
    assert (picture[60:, :80] == BACKGROUND).all()


@pytest.mark.parametrize(("scale", "zoom"), [(1, 1), (3, 1.5), (4, 2), (8, 4)])
def test_the_panel_grows_with_the_pixels_of_the_game(scale, zoom):
    names = ["left", "right", "jump"]
    film = film_of(noise(1, 9, height=210), AnnotatedFilm(names, [0, 1], 1), {0: decision_of(1, 1, 3, 2)})
    usual, enlarged = (panel_of(next(film.pictures(size)), 40 * size) for size in (2, scale))
    assert enlarged.shape[1] == round(usual.shape[1] * zoom)
    assert enlarged.shape[0] == max(210 * scale, round(MIN_HEIGHT * zoom))
    assert lowest_text(enlarged) == pytest.approx(lowest_text(usual) * zoom, abs=2 * zoom)


def panel_of(picture, left):
    return np.asarray(picture.convert("RGB"))[:, left:]


def lowest_text(panel):
    """Return the last row that is not empty."""
    return np.flatnonzero((panel != BACKGROUND).any(axis=(1, 2)))[-1]


def count_orange(picture, rows=slice(None)):
    return int((np.asarray(picture.convert("RGB"))[rows] == ORANGE).all(axis=-1).sum())


def test_the_bar_of_plays_grows_with_each_play():
    panel = Panel(["left", "right", "jump"], [0, 4, 9])
    lengths = [
        count_orange(panel.draw(PanelState(decision_of(1, 2), play, 0.0), 420), slice(88, 96)) for play in range(1, 11)
    ]
    assert all(later > sooner for sooner, later in zip(lengths, lengths[1:], strict=False))
    full = count_orange(panel.draw(PanelState(decision_of(1, 1), 5, 0.0), 420), slice(88, 96))
    assert full == pytest.approx(lengths[-1], rel=0.1)


def test_each_picture_shows_the_current_play_of_its_decision():
    film = AnnotatedFilm(["a"], [0, 9], 2, frame_rate=20, max_pool=False)  # every screen is a picture, two are a play
    film_of(noise(9, 2, 5, 5), film, {1: decision_of(0, 1, 1, 2), 6: decision_of(0, 0, 1, 2)})
    assert [(state.decision is not None, state.play) for state in film.panel_states] == [
        *[(False, 1), (True, 1), (True, 1), (True, 2), (True, 2), (True, 3)],
        *[(True, 1), (True, 1), (True, 2)],
    ]


def test_the_score_is_that_before_the_decision_and_the_final_one_at_the_end():
    film = AnnotatedFilm(["a"], [0], 1, frame_rate=20)
    film_of(noise(3, 2, 5, 5), film, {1: decision_of(0, 0, score=7.0)})
    film.on_end(9.0)
    assert [state.score for state in film.panel_states] == [0.0, 7.0, 9.0]


def test_a_film_that_ends_before_the_episode_does_not_show_the_final_score():
    film = AnnotatedFilm(["a"], [0], 1, frame_rate=20, max_seconds=0.1)
    film_of(noise(5, 2, 5, 5), film, {0: decision_of(0, 0, score=7.0)})
    film.on_end(9.0)
    assert [state.score for state in film.panel_states] == [7.0, 7.0]


@pytest.mark.parametrize("height", [1, 420, 800])
@pytest.mark.parametrize("chosen", [0, 17])
def test_eighteen_actions_and_eleven_repeats_fit(height, chosen):
    panel = Panel(ATARI, list(range(11)))
    state = PanelState(decision_of(chosen, 10, 18, 11), 1, -123456.0)
    picture = np.asarray(panel.draw(state, height).convert("RGB"))
    drawn = (picture != BACKGROUND).any(axis=-1)
    assert not drawn[-2:].any() and not drawn[:, -2:].any() and not drawn[:, :2].any(), "something is cut off"
    bars = drawn[:, panel.policy.start].astype(int)  # the leftmost column of the policy's bars
    assert (np.diff(bars) == 1).sum() >= 18


@pytest.mark.parametrize("score", [12_345_678, -123.4567891, -9999.99])
def test_a_long_score_leaves_room_for_the_value(score):
    panel = Panel(["NOOP"], [0])
    without = np.asarray(panel.draw(PanelState(decision_of(0, 0, 1, 1), 1, 0.0), 420).convert("RGB"))
    drawn = np.asarray(panel.draw(PanelState(decision_of(0, 0, 1, 1), 1, score), 420).convert("RGB"))
    changed = np.flatnonzero((drawn != without).any(axis=(0, 2)))
    assert changed.max() < panel.width // 2


def test_all_panels_use_the_same_palette():
    panel = Panel(ATARI, [0])
    panel_states = [
        PanelState(None, 1, 0.0),
        *(PanelState(decision_of(action, 0, 18, 1), 1, 1.0) for action in range(18)),
    ]
    colours = {pixel for state in panel_states for _, pixel in panel.draw(state, 420).convert("RGB").getcolors()}
    assert len(colours) <= 22


def test_the_choice_and_the_most_probable_others_are_shown():
    probabilities = np.array([0.1, 0.4, 0.05, 0.3, 0.15])
    assert indices_to_show(probabilities, 1, 9) == [0, 1, 2, 3, 4]
    assert indices_to_show(probabilities, 1, 3) == [1, 3, 4]
    assert indices_to_show(probabilities, 2, 3) == [1, 2, 3]
    assert indices_to_show(probabilities, 2, 1) == [2]


@pytest.mark.slow
def test_an_agent_plays_the_same_with_and_without_annotations(tmp_path, monkeypatch):
    monkeypatch.setattr("paac.training.agent.start_tensorflow", lambda _: "/cpu:0")  # TensorFlow is running already
    argv = ["-g", "Catcher-v0", "-df", str(tmp_path / "run"), "--max_global_steps", "60", "-ec", "4", "-ew", "1"]
    argv += ["--seed", "3", "--max_repetition", "4", "--nb_choices", "3", "--max_episode_frames", "90"]
    options, _ = resolve_run_options(typed_options(Options, argv, ""))
    train(options, find_game(options.game), SimpleNamespace(requested=False))

    def film(name, **more):
        settings = {"folder": str(tmp_path / "run"), "gif_folder": str(tmp_path), "seed": 5, "test_count": 2}
        evaluation = evaluate_agent(FilmOptions(gif_name=name, **settings, **more))
        evaluation.save_films(scale=None)
        with Image.open(tmp_path / f"{name}_2.gif") as gif:
            return evaluation.results, gif.size, sum(frame.info["duration"] for frame in ImageSequence.Iterator(gif))

    plain, annotated = film("plain"), film("annotated", annotate=True)
    assert annotated[0] == plain[0]
    assert annotated[1][0] > plain[1][0] + 200 and annotated[1][1] == plain[1][1]
    assert annotated[2] == plain[2]
