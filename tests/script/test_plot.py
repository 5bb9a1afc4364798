"""Tests of the command script/plot.py on short training runs."""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree
from types import SimpleNamespace

import numpy as np
import plot
import pytest
import tensorflow as tf
from PIL import Image

from figures.groups import group_runs
from figures.repetitions import read_repetitions
from figures.runs import load_run
from paac.cli.errors import UserError
from paac.training.run_folder import RunFolder
from tests.helpers import ROOT
from tests.helpers.commands import TINY, Commands
from tests.helpers.made_runs import make_run
from tests.helpers.messages import message_of

SHORT = ["--max_episode_frames", "120", *TINY[:4]]
FIGAR = ["--max_repetition", "4", "--nb_choices", "3"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Runs of two seeds with FiGAR, the first resumed; a histogram is recorded every 1000 decisions."""
    commands = Commands(tmp_path_factory.mktemp("trained"))
    for seed in ("5", "6"):
        folder = f"runs/seed{seed}"
        commands.run("train.py", "-df", folder, "--seed", seed, "--max_global_steps", "2000", *SHORT, *FIGAR)
    commands.run("train.py", "-df", "runs/seed5", "--max_global_steps", "3000")
    return commands


@pytest.mark.slow
def test_repetitions_are_read_from_all_event_files_in_the_order_of_steps(trained):
    run = load_run(RunFolder(trained.folder / "runs/seed5"))
    files = list((run.folder / "tf").iterdir())
    assert len(files) == 2
    repetitions = read_repetitions(run)
    assert repetitions.steps.tolist() == [1000, 2000, 3000]
    assert repetitions.plays.tolist() == [1, 3, 5]
    assert repetitions.counts.sum(axis=1).tolist() == [1000, 1000, 1000]
    written = {
        (event.step, value.tag): float(tf.make_ndarray(value.tensor))
        for file in files
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
        if value.tag.startswith("repetition_shares/")
    }
    for step, counts in zip(repetitions.steps, repetitions.counts, strict=True):
        fractions = [written[step, f"repetition_shares/{plays}_plays"] for plays in repetitions.plays]
        np.testing.assert_allclose(counts / 1000, fractions, atol=1e-6)


def test_a_malformed_event_file_is_named_in_one_line(tmp_path):
    run = make_run(tmp_path / "run", game="Catcher-v0", max_repetition=4, nb_choices=3)
    (run.folder / "tf").mkdir()
    os.mkfifo(run.folder / "tf/events.out.tfevents.1.pipe")
    assert len(read_repetitions(run).steps) == 0
    tensor = tf.make_tensor_proto([[0.0, 1.0]])
    value = tf.compat.v1.Summary.Value(tag="repetitions", tensor=tensor)
    event = tf.compat.v1.Event(step=1, summary=tf.compat.v1.Summary(value=[value]))
    for number, record in enumerate([b"\xff", event.SerializeToString()]):
        file = run.folder / f"tf/events.out.tfevents.2.{number}"
        with tf.io.TFRecordWriter(str(file)) as writer:
            writer.write(record)
        with pytest.raises(UserError, match=f"{file} cannot be read .*: move it away") as error:
            read_repetitions(run)
        assert message_of(error)
        file.unlink()


def texts(file):
    """All texts in an SVG picture."""
    return [element.text for element in xml.etree.ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.slow
def test_curves_and_repetitions_are_drawn(trained):
    folder = trained.folder
    shutil.copytree(folder / "runs/seed6", folder / "more/nature")
    saved = folder / "more/nature/args.json"
    saved.write_text(json.dumps(json.loads(saved.read_text()) | {"arch": "NATURE"}))
    shown = trained.run("script/plot.py", "runs", "more", "--folder", "new/pictures", "--x", "frames", "--bins", "7")
    assert shown.stderr == ""
    names = ["curves", "repetitions_seed5", "repetitions_seed6", "repetitions_nature"]
    files = [f"new/pictures/{name}.{suffix}" for name in names for suffix in ("png", "svg")]
    shorter, *written = shown.stdout.splitlines()
    assert shorter.startswith("pong: the mean of 2 seeds ends with the shortest run, runs/seed6, at ")
    assert written == [f"Wrote {file}" for file in files]
    for file in files[::2]:
        with Image.open(folder / file) as picture:
            assert picture.format == "PNG" and min(picture.size) > 500
    curves = texts(folder / "new/pictures/curves.svg")
    for text in ("pong", "arch NIPS (2 seeds)", "arch NATURE", "mean score", "frames of all emulators"):
        assert text in curves
    repetitions = texts(folder / "new/pictures/repetitions_seed5.svg")
    for text in ("seed5: pong, FiGAR 4 with 3 choices", "1", "3", "5", "fraction of decisions"):
        assert text in repetitions


@pytest.mark.slow
def test_a_comparison_is_drawn_and_printed(trained):
    shown = trained.run("script/plot.py", "runs", "--compare")
    assert shown.stderr == ""
    assert "| runs | 2 |" in shown.stdout and "Games: pong." in shown.stdout
    assert shown.stdout.endswith("Wrote figures/comparison.png\nWrote figures/comparison.svg\n")
    assert sorted(file.name for file in (trained.folder / "figures").iterdir()) == ["comparison.png", "comparison.svg"]
    compared = texts(trained.folder / "figures/comparison.svg")
    assert {"interquartile mean", "median", "mean", "runs"} <= set(compared)


def test_a_figures_folder_in_the_root_does_not_hide_the_figures_package(tmp_path):
    (tmp_path / "figures").mkdir()
    path = [str(tmp_path), str(ROOT), str(ROOT / "script")]
    subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path}; import figures.groups"], check=True)


def test_runs_whose_names_would_be_equal_have_different_pictures(tmp_path, monkeypatch):
    runs = [make_run(tmp_path / name, random_seed=seed) for seed, name in enumerate(("a/x", "b/x", "a_x"))]
    pictures = []
    monkeypatch.setattr("figures.repetitions.uses_figar", lambda _: True)
    monkeypatch.setattr("figures.repetitions.read_repetitions", lambda _: SimpleNamespace(steps=[1]))
    for function in ("figures.repetitions.draw_repetitions", "figures.curves.draw_curves"):
        monkeypatch.setattr(function, lambda *_: None)
    monkeypatch.setattr("paac.training.tensorflow_setup.start_tensorflow", lambda _: None)
    monkeypatch.setattr("figures.style.save_figure", lambda figure, folder, name: pictures.append(name) or [])
    plot.draw_training(group_runs(runs)[0], plot.PlotOptions(runs=[], folder=str(tmp_path / "figures")))
    assert pictures == ["curves", "repetitions_a_x", "repetitions_b_x", "repetitions_a_x-2"]


BAD_INPUT = {
    "": "RUN",
    "nowhere": "plot.py: nowhere: no such folder",
    "empty": "plot.py: empty: no run there",
    "untrained": "no episode has ended there",
    "untrained --x days": "--x days: must be one of decisions, frames, hours",
    "untrained --bins 0": "--bins 0: must be from 1",
    "untrained --compare --x frames": "--x frames: has no effect with --compare",
    "untrained --compare --bins 7": "--bins 7: has no effect with --compare",
    "untrained --references scores.json": "--references scores.json: has no effect without --compare",
}


@pytest.mark.parametrize("arguments", BAD_INPUT)
def test_bad_input_gives_a_one_line_error_and_no_picture(commands, arguments):
    (commands.folder / "empty").mkdir()
    (commands.folder / "untrained").mkdir()
    (commands.folder / "untrained/args.json").write_text("{}")
    refused = commands.run("script/plot.py", *arguments.split(), code=2)
    assert refused.stderr.startswith("plot.py: ") and refused.stderr.count("\n") == 1
    assert BAD_INPUT[arguments] in refused.stderr
    assert sorted(path.name for path in commands.folder.iterdir()) == ["empty", "untrained"]


def test_the_help_names_the_arguments(commands):
    shown = commands.run("script/plot.py", "--help").stdout
    assert "RUN [RUN ...]" in shown and "--compare" in shown and str(ROOT) not in shown
