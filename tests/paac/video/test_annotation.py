"""What an annotated film shows, and that it changes nothing that is played."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageSequence

from emulators import find_game
from paac.cli.command_line import typed_options
from paac.cli.options import FilmOptions, Options
from paac.evaluation import Decision
from paac.training.agent import play_agent
from paac.training.loop import train
from paac.training.run_folder import open_run
from paac.video.annotation import LEAST_HEIGHT, ORANGE, PAPER, AnnotatedFilm, Moment, Panel, most_probable
from paac.video.film import Film

ATARI = [
    a + b + c for c in ("", "FIRE") for a in ("", "UP", "DOWN") for b in ("", "LEFT", "RIGHT")
]  # the longest names


def decision_of(action, choice, actions=3, choices=3, score=0.0):
    policy, repetition = np.full(actions, 1 / actions, np.float32), np.full(choices, 1 / choices, np.float32)
    return Decision(action, choice, policy, repetition, 0.5, score)


def film_of(screens, film, decisions=()):
    """`decisions` by the number of the screen that comes after."""
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


def test_the_game_is_as_in_a_plain_film_with_a_panel_at_its_right(tmp_path):
    screens = noise(24, 200)
    plain, duration = read(film_of(screens, Film(join=False)), tmp_path / "plain.gif")
    film = AnnotatedFilm(["left", "right", "jump"], [0, 1, 4], 4, join=False)
    decisions = {4: decision_of(0, 2), 12: decision_of(2, 1)}
    annotated, as_long = read(film_of(screens, film, decisions), tmp_path / "annotated.gif")
    assert as_long == duration and len(annotated) == len(plain)
    assert annotated[0].shape == (420, 40 + Panel(["left", "right", "jump"], [0, 1, 4]).width, 3)
    for with_panel, without in zip(annotated, plain, strict=True):
        np.testing.assert_array_equal(with_panel[:, :40], without)
        assert (with_panel[:, 40:] == PAPER).all(axis=-1).any()


def test_colours_come_close_where_there_are_more_than_both_have_room_for(tmp_path):
    screens = noise(1, 256)
    film = film_of(screens, AnnotatedFilm(["a"], [0], 1), {0: decision_of(0, 0, 1, 1)})
    ((picture,), _) = read(film, tmp_path / "a.gif")
    assert np.abs(picture[:, :40].astype(int) - screens[0]).mean() < 8
    assert (picture[:, 40:] == ORANGE).all(axis=-1).any()  # the panel's are exact


def test_a_low_screen_gets_a_panel_that_can_be_read(tmp_path):
    film = film_of(noise(1, 9, height=30), AnnotatedFilm(["a"], [0], 1))
    ((picture,), _) = read(film, tmp_path / "a.gif", scale=2)
    assert picture.shape[0] == LEAST_HEIGHT
    assert (picture[60:, :80] == PAPER).all()


def orange(picture, rows=slice(None)):
    return int((np.asarray(picture.convert("RGB"))[rows] == ORANGE).all(axis=-1).sum())


def test_the_bar_of_plays_grows_from_play_to_play():
    panel = Panel(["left", "right", "jump"], [0, 4, 9])
    lengths = [orange(panel.draw(Moment(decision_of(1, 2), play, 0.0), 420), slice(88, 96)) for play in range(1, 11)]
    assert all(later > sooner for sooner, later in zip(lengths, lengths[1:], strict=False))
    full = orange(panel.draw(Moment(decision_of(1, 1), 5, 0.0), 420), slice(88, 96))
    assert full == pytest.approx(lengths[-1], rel=0.1)


def test_screens_are_counted_as_plays_of_their_decision():
    film = AnnotatedFilm(["a"], [0, 9], 2, frame_rate=20, join=False)  # every screen is a picture, two are a play
    film_of(noise(9, 2, 5, 5), film, {1: decision_of(0, 1, 1, 2), 6: decision_of(0, 0, 1, 2)})
    assert [(moment.decision is not None, moment.play) for moment in film.moments] == [
        *[(False, 1), (True, 1), (True, 1), (True, 2), (True, 2), (True, 3)],
        *[(True, 1), (True, 1), (True, 2)],
    ]


def test_the_score_is_that_of_before_the_decision_and_the_last_one_at_the_end():
    film = AnnotatedFilm(["a"], [0], 1, frame_rate=20)
    film_of(noise(3, 2, 5, 5), film, {1: decision_of(0, 0, score=7.0)})
    film.on_end(9.0)
    assert [moment.score for moment in film.moments] == [0.0, 7.0, 9.0]


def test_a_film_that_was_cut_does_not_show_the_score_of_the_end():
    film = AnnotatedFilm(["a"], [0], 1, frame_rate=20, most_seconds=0.1)
    film_of(noise(5, 2, 5, 5), film, {0: decision_of(0, 0, score=7.0)})
    film.on_end(9.0)
    assert [moment.score for moment in film.moments] == [7.0, 7.0]


@pytest.mark.parametrize("height", [1, 420, 800])
@pytest.mark.parametrize("chosen", [0, 17])
def test_eighteen_actions_and_eleven_repeats_have_room(height, chosen):
    panel = Panel(ATARI, list(range(11)))
    moment = Moment(decision_of(chosen, 10, 18, 11), 1, -123456.0)
    picture = np.asarray(panel.draw(moment, height).convert("RGB"))
    inked = (picture != PAPER).any(axis=-1)
    assert not inked[-2:].any() and not inked[:, -2:].any() and not inked[:, :2].any(), "something is cut"
    bars = inked[:, panel.policy.start].astype(int)  # the column in which the bars of the policy begin
    assert (np.diff(bars) == 1).sum() >= 18


def test_all_panels_have_the_same_few_colours():
    panel = Panel(ATARI, [0])
    moments = [Moment(None, 1, 0.0), *(Moment(decision_of(action, 0, 18, 1), 1, 1.0) for action in range(18))]
    colours = {pixel for moment in moments for _, pixel in panel.draw(moment, 420).convert("RGB").getcolors()}
    assert len(colours) <= 22


def test_the_most_probable_are_shown_and_always_the_one_that_was_chosen():
    shares = np.array([0.1, 0.4, 0.05, 0.3, 0.15])
    assert most_probable(shares, 1, 9) == [0, 1, 2, 3, 4]
    assert most_probable(shares, 1, 3) == [1, 3, 4]
    assert most_probable(shares, 2, 3) == [1, 2, 3]
    assert most_probable(shares, 2, 1) == [2]


def test_an_agent_plays_the_same_with_annotations_and_without(tmp_path, monkeypatch):
    monkeypatch.setattr("paac.training.agent.start_tensorflow", lambda _: "/cpu:0")  # it runs already
    argv = ["-g", "Catcher-v0", "-df", str(tmp_path / "run"), "--max_global_steps", "60", "-ec", "4", "-ew", "1"]
    argv += ["--seed", "3", "--max_repetition", "4", "--nb_choices", "3", "--max_episode_frames", "90"]
    options, _ = open_run(typed_options(Options, argv, ""))
    train(options, find_game(options.game), SimpleNamespace(requested=False))

    def filmed(name, **more):
        asked = {"folder": str(tmp_path / "run"), "gif_folder": str(tmp_path), "seed": 5, "test_count": 2}
        shown = play_agent(FilmOptions(gif_name=name, **asked, **more))
        with Image.open(shown.gifs[1]) as gif:
            return shown.results, gif.size, sum(frame.info["duration"] for frame in ImageSequence.Iterator(gif))

    plain, annotated = filmed("plain"), filmed("annotated", annotate=True)
    assert annotated[0] == plain[0]
    assert annotated[1][0] > plain[1][0] + 200 and annotated[1][1] == plain[1][1]
    assert annotated[2] == plain[2]
