"""Films that a training makes of its agent, which do not affect the training."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageSequence

from emulators import find_game
from networks.registry import make_network
from paac.cli.command_line import typed_options
from paac.cli.options import Options
from paac.training import recorder
from paac.training.find_runs import resolve_run_options
from paac.training.loop import train
from paac.video import episode as video

ALGORITHM = ["--arch", "LSTM", "--max_repetition", "4", "--nb_choices", "3"]  # a network with an observation history
SHORT = ["-g", "Catcher-v0", "--seed", "3", "--max_episode_frames", "60", "-ec", "4", "-ew", "1"]


def run(folder, steps, *arguments, stop=False):
    """Train as train.py does, in this process, with a checkpoint every 60 decisions."""
    argv = ["-df", str(folder), "--max_global_steps", str(steps), "--checkpoint_interval", "60", *SHORT, *arguments]
    options, _ = resolve_run_options(typed_options(Options, argv, ""))
    train(options, find_game(options.game), SimpleNamespace(requested=stop))


def results_of(run):
    """Return weights, emulator states and episodes, without the column of seconds."""
    newest = run / "checkpoints/120"
    rows = [line.split(",") for line in (run / "episodes.csv").read_text().splitlines()]
    (weights,) = newest.glob("weights.data*")
    with np.load(newest / "emulators.npz") as states:
        emulators = {name: states[name].tobytes() for name in states.files}
    return weights.read_bytes(), emulators, [[step, *others] for step, _, *others in rows]


def films(run):
    """Return (step, gif) of each film in all event files."""
    return [
        (event.step, tf.make_ndarray(value.tensor)[2])
        for file in sorted((run / "tf").iterdir(), key=lambda file: file.stat().st_mtime)
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
        if value.tag == "agent_plays"
    ]


@pytest.mark.slow
def test_films_do_not_affect_the_training_nor_a_resume(tmp_path):
    run(tmp_path / "without", 120, *ALGORITHM)
    run(tmp_path / "whole", 120, "--log_video", *ALGORITHM)
    run(tmp_path / "parts", 60, "--log_video", *ALGORITHM)
    run(tmp_path / "parts", 120)  # the option was saved
    assert results_of(tmp_path / "without") == results_of(tmp_path / "whole") == results_of(tmp_path / "parts")
    assert films(tmp_path / "without") == []
    shown = films(tmp_path / "whole")
    assert [step for step, _ in shown] == [60, 120]
    assert all(gif.startswith(b"GIF89a") for _, gif in shown)
    assert films(tmp_path / "parts") == shown, "a film shows the agent of its checkpoint"


@pytest.mark.slow
def test_a_training_that_is_stopped_does_not_film_first(tmp_path):
    run(tmp_path, 60, "--log_video", stop=True)
    assert (tmp_path / "checkpoints/0").is_dir() and films(tmp_path) == []


def test_a_film_has_a_maximum_duration(monkeypatch):
    network = make_network("NIPS", num_actions=6, nb_choices=1, rgb=False, seed=1)
    pong = find_game("pong")  # a game lasts at least a minute
    for seconds in (2, 5):
        monkeypatch.setattr(video, "MAX_SECONDS", seconds)
        with Image.open(io.BytesIO(video.film_episode(network, pong, {}, [0], seed=3))) as gif:
            duration = sum(frame.info["duration"] for frame in ImageSequence.Iterator(gif))
        assert duration == pytest.approx(1000 * seconds, rel=0.1)


@pytest.mark.slow
def test_a_film_that_fails_does_not_end_the_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recorder, "film_episode", lambda *_, **__: 1 / 0)
    run(tmp_path, 60, "--log_video")
    assert (tmp_path / "checkpoints/60").is_dir() and films(tmp_path) == []
    assert "--log_video: no film at 60 decisions (division by zero)" in "".join(capsys.readouterr())
