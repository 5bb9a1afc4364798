"""Tests of kept checkpoints, and of the scripts that test and film them."""

import csv
import json
import os
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace

import createTrainingVideo
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from agents.kept_checkpoints import keep_newest, parse_keep_options
from agents.training_video import Video, with_band
from paac.cli.errors import UserError
from paac.cli.safe_files import copy_file
from paac.evaluation import Decision
from paac.training import checkpoint_folder
from paac.training.find_runs import find_run
from paac.training.run_folder import RunFolder
from paac.video.film import Film
from tests.helpers.commands import TIMEOUT_S, Commands, assert_one_line, interrupt, wait_for
from tests.helpers.runs import episodes
from tests.script.test_batch import write

CATCHER = ["-g", "Catcher-v0", "-ec", "4", "-ew", "1", "--seed", "5", "--max_episode_frames", "60"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run with two checkpoints, both kept."""
    commands = Commands(tmp_path_factory.mktemp("trained"))
    for steps in ("200", "400"):
        commands.run("train.py", "-df", "run", "--max_global_steps", steps, *CATCHER)
        assert keep_newest(RunFolder(commands.folder / "run")).name == steps
    return commands.folder / "run"


@pytest.fixture
def run(commands, trained):
    """A copy of the trained run that a test may change."""
    return shutil.copytree(trained, commands.folder / "logs/run")


def kept(run) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints_saved").iterdir())


@pytest.mark.slow
def test_a_kept_checkpoint_can_be_tested_like_a_run(commands, run):
    assert keep_newest(RunFolder(run)) is None and kept(run) == ["200", "400"]
    copy = run / "checkpoints_saved/200"
    assert sorted(path.name for path in copy.iterdir()) == [
        "args.json",
        "checkpoints",
        "episodes.csv",
        "sessions.jsonl",
    ]
    ended = [step for step, *_ in episodes(copy)]
    assert ended == [step for step, *_ in episodes(run) if int(step) <= 200] and len(ended) < len(episodes(run))
    report = commands.run("test.py", "-f", str(copy), "--seed", "1", "--json", "report.json")
    assert json.loads((commands.folder / "report.json").read_text())["step"] == 200, report
    from tensorflow.train import latest_checkpoint

    assert latest_checkpoint(str(copy / "checkpoints")) == str(copy / "checkpoints/200/weights")


@pytest.mark.slow
def test_if_a_checkpoint_is_deleted_during_the_copy_the_newest_one_is_copied(run, monkeypatch):
    shutil.rmtree(run / "checkpoints_saved")

    def delete_and_copy(source, to):
        monkeypatch.undo()
        shutil.rmtree(source.parent)
        copy_file(source, to)

    monkeypatch.setattr(checkpoint_folder, "copy_file", delete_and_copy)
    assert keep_newest(RunFolder(run)).name == "200" and kept(run) == ["200"]


@pytest.mark.slow
def test_a_failed_copy_gives_a_one_line_error_and_leaves_no_files(run, monkeypatch):
    shutil.rmtree(run / "checkpoints_saved")

    def fail_with_a_full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_folder, "copy_file", fail_with_a_full_disk)
    with pytest.raises(OSError, match=r"checkpoints_saved/400 cannot be written \(No space left on device\)$"):
        keep_newest(RunFolder(run))
    assert kept(run) == []


@pytest.mark.slow
def test_resuming_uses_an_edited_args_json_and_keeps_the_last_checkpoint(commands, run):
    edited = json.loads((run / "args.json").read_text()) | {
        "max_global_steps": 600,
        "entropy_regularisation_strength": 0.5,
    }
    (run / "args.json").write_text(json.dumps(edited))
    resumed = commands.run_alone("script/resumeTraining.py", "-df", "logs/run", "-t", "3600")
    assert "Resuming at 400 decisions" in resumed.stdout and kept(run) == ["200", "400", "600"]
    assert json.loads((run / "args.json").read_text())["entropy_regularisation_strength"] == 0.5
    (run / "args.json").write_text(json.dumps(edited | {"arch": "NATURE", "max_global_steps": 800}))
    refused = commands.run_alone("script/resumeTraining.py", "-df", "logs/run", code=2)
    assert "arch is NATURE" in refused.stderr and refused.stderr.count("\n") == 1
    assert "no such folder" in commands.run("script/resumeTraining.py", "-df", "nowhere", code=2).stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_resuming_passes_a_signal_on_once(commands, run, number):
    args = run / "args.json"
    args.write_text(args.read_text().replace('"max_global_steps": 400', '"max_global_steps": 1000000000'))
    before = (run / "episodes.csv").stat().st_size
    resuming = commands.start("script/resumeTraining.py", "-df", "logs/run")
    wait_for(lambda: (run / "episodes.csv").stat().st_size > before)
    os.killpg(resuming.pid, number)
    out, err = resuming.communicate(timeout=TIMEOUT_S)
    assert resuming.returncode == 0 and "Saved at" in out, err
    assert err.count("Finishing the update") == 1 and len(kept(run)) == 3


@pytest.mark.slow
def test_checkpoints_py_keeps_checkpoints_while_a_training_runs(commands, run):
    commands.run("train.py", "-df", "logs/run", "--max_global_steps", "600")
    beside = commands.run("script/checkpoints.py", "-df", "logs/run", "-t", "1")
    assert "checkpoints_saved/600" in beside.stdout and "is finished" in beside.stdout
    args = run / "args.json"
    args.write_text(args.read_text().replace('"max_global_steps": 600', '"max_global_steps": 800'))
    beside = commands.start("script/checkpoints.py", "-df", "logs/run", "-t", "0.2")
    commands.run("train.py", "-df", "logs/run")
    beside.communicate(timeout=TIMEOUT_S)
    assert beside.returncode == 0 and kept(run) == ["200", "400", "600", "800"]
    args.write_text(args.read_text().replace('"max_global_steps": 800', '"max_global_steps": 900'))
    shutil.rmtree(run / "checkpoints_saved/800")
    beside = commands.start("script/checkpoints.py", "-df", "logs/run", "-t", "3600")
    assert "Ctrl+C or " in beside.stdout.readline() and "checkpoints_saved/800" in beside.stdout.readline()
    interrupt(beside)
    assert beside.wait(timeout=TIMEOUT_S) == 130


@pytest.mark.parametrize("script", ["resumeTraining.py", "checkpoints.py"])
def test_a_published_agent_is_neither_trained_on_nor_copied(commands, script):
    write(commands.folder, {"pretrained/pong/args.json": {}, "pretrained/pong/RESULT.json": {}})
    before = sorted(commands.folder.rglob("*"))
    refused = commands.run(f"script/{script}", "-df", "pretrained/pong", code=2)
    assert_one_line(refused.stderr, "-df pretrained/pong: has a RESULT.json", "cp -r pretrained/pong logs/more && rm ")
    assert sorted(commands.folder.rglob("*")) == before


def test_without_df_the_run_in_logs_itself_or_that_with_the_latest_checkpoint_is_resumed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, seconds in (("new", 2000), ("old", 1000)):
        write(tmp_path, {f"logs/{name}/args.json": {}})
        (tmp_path / f"logs/{name}/checkpoints/100").mkdir(parents=True)
        os.utime(tmp_path / f"logs/{name}/checkpoints/100", (seconds, seconds))
    assert str(parse_keep_options([], "")[1]) == "logs/new"
    assert capsys.readouterr().out == "Using the latest checkpoint of 2 runs in logs/, that of logs/new\n"
    write(tmp_path, {"logs/args.json": {}})
    assert str(parse_keep_options([], "")[1]) == "logs" and capsys.readouterr().out == ""
    with pytest.raises(UserError, match="-df nowhere: no such folder"):
        parse_keep_options(["-df", "nowhere"], "")


def test_checkpoints_py_ends_when_the_file_stop_appears(commands, monkeypatch):
    """A STOP that is there at the start is deleted; one that appears while checkpoints.py waits ends it."""
    copies = commands.folder / "run/checkpoints_saved"
    copies.mkdir(parents=True)
    (commands.folder / "run/args.json").write_text("{}")
    (copies / "STOP").touch()

    def create_stop(seconds: float) -> None:
        assert seconds <= 1 and not (copies / "STOP").exists()
        (copies / "STOP").touch()

    monkeypatch.setattr(time, "sleep", create_stop)
    shown = commands.run("script/checkpoints.py", "-df", "run").stdout.splitlines()
    assert len(shown) == 3 and "Deleted run/checkpoints_saved/STOP, " in shown[0]
    assert "every 1800 seconds" in shown[1] and "run/checkpoints_saved/STOP exists; no more copies" in shown[2]
    (copies / "STOP").unlink()
    copies.rmdir()
    assert len(commands.run("script/checkpoints.py", "-df", "run").stdout.splitlines()) == 2


@pytest.mark.slow
def test_checkpoints_py_copies_the_newest_checkpoint_before_stop_ends_it(commands, run, monkeypatch):
    args = run / "args.json"
    args.write_text(args.read_text().replace('"max_global_steps": 400', '"max_global_steps": 800'))
    shutil.rmtree(run / "checkpoints_saved/400")

    def create_stop(_: float) -> None:
        shutil.rmtree(run / "checkpoints_saved/400")  # as if the checkpoint were written after the first copy
        (run / "checkpoints_saved/STOP").touch()

    monkeypatch.setattr(time, "sleep", create_stop)
    shown = commands.run("script/checkpoints.py", "-df", "logs/run").stdout
    assert shown.count("Saved the copy") == 2 and kept(run) == ["200", "400", "STOP"]


@pytest.mark.slow
def test_every_agent_is_tested_and_listed_in_a_table(commands, run):
    commands.run("train.py", "-df", "logs/other", "--max_global_steps", "200", *CATCHER)
    (commands.folder / "logs/broken").mkdir()
    (commands.folder / "logs/broken/args.json").write_text("{}")
    shown = commands.run(
        "script/testAll.py", "-f", "logs", "-tc", "2", "-np", "0", "--seed", "1", "--to", "out", code=1
    )
    assert "no intact checkpoint" in shown.stdout and "1 of 3 agents could not be tested" in shown.stderr
    rows = list(csv.DictReader((commands.folder / "out/tests.csv").open()))
    reports = json.loads((commands.folder / "out/tests.json").read_text())
    assert [row["run"] for row in rows] == ["logs/other", "logs/run"] == [report["run"] for report in reports]
    for row, report in zip(rows, reports, strict=True):
        assert len(report["scores"]) == 2 and report["noops"] == 0
        assert float(row["mean"]) == report["mean"] == np.mean(report["scores"])
        assert f"{report['mean']:.2f}" in shown.stdout
    assert "no such folder" in commands.run("script/testAll.py", "-f", "nowhere", code=2).stderr


@pytest.mark.slow
def test_every_agent_is_filmed(commands, run):
    commands.run("script/genGifs.py", "-f", "logs", "-cp", "--gif_seconds", "1")
    films = sorted(path.name for path in (commands.folder / "logs/gifs").iterdir())
    assert films == ["run-200_1.gif", "run-400_1.gif", "run_1.gif"]
    assert Image.open(commands.folder / "logs/gifs/run_1.gif").n_frames > 1


@pytest.mark.slow
def test_a_video_shows_every_kept_checkpoint(commands, run):
    shown = commands.run("script/createTrainingVideo.py", "-f", "logs", "--seconds", "1").stdout
    assert "200 decisions: score" in shown and "400 decisions: score" in shown
    assert "left out" not in shown
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(run / "Training.mp4"))
    assert seconds == pytest.approx(2, abs=0.3) and frames > 20
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([ffmpeg, "-loglevel", "error", "-i", run / "Training.mp4", commands.folder / "%03d.png"], check=True)
    first = np.asarray(Image.open(commands.folder / "001.png").convert("L"))
    assert first[: first.shape[0] // 20].max() > 200  # the white letters above the picture
    (commands.folder / "untrained").mkdir()
    (commands.folder / "untrained/args.json").write_text("{}")
    refused = commands.run("script/createTrainingVideo.py", "-f", "untrained", code=2)
    assert "no checkpoint there" in refused.stderr
    assert (
        "must end with .mp4" in commands.run("script/createTrainingVideo.py", "-f", "logs", "--to", "x", code=2).stderr
    )
    weights = next((run / "checkpoints_saved/200/checkpoints/200").glob("weights.data*"))
    weights.write_bytes(b"")
    partial = commands.run("script/createTrainingVideo.py", "-f", "logs", "--seconds", "1", "--to", "other.mp4", code=1)
    assert "is damaged" in partial.stdout and "left out" in partial.stdout and (commands.folder / "other.mp4").exists()


@pytest.mark.parametrize(("typed", "seconds"), [([], 300.0), (["--seconds", "20"], 20.0)])
def test_a_video_shows_the_checkpoints_in_order_with_at_most_five_minutes_of_each(
    tmp_path, monkeypatch, typed, seconds
):
    for step in (5000, 10_000, 800):
        write(tmp_path, {f"checkpoints_saved/{step}/args.json": "{}"})
    write(tmp_path, {"args.json": "{}"})
    filmed = []

    def film(settings):
        filmed.append((find_run(settings.folder)[0].path.name, settings.gif_seconds))
        raise UserError("not filmed")

    monkeypatch.setattr("paac.training.agent.evaluate_agent", film)
    for folder in ("", "checkpoints/", "checkpoints_saved/"):
        filmed.clear()
        with pytest.raises(UserError, match="no checkpoint there could be filmed"):
            createTrainingVideo.main(["-f", f"{tmp_path}/{folder}", *typed])
        assert filmed == [(step, seconds) for step in ("800", "5000", "10000")]


def test_a_video_has_the_runs_own_checkpoint_once_and_in_order(tmp_path, monkeypatch):
    """The newest checkpoint that can be read may be older than a kept one."""
    for step in (800, 5000):
        write(tmp_path, {f"run/checkpoints_saved/{step}/args.json": "{}"})
    write(tmp_path, {"run/args.json": "{}"})
    filmed = []

    def film_agents(agents, options, file):
        filmed.append([agent.path.name for agent in agents])
        return len(agents)

    monkeypatch.setattr(createTrainingVideo, "film_agents", film_agents)
    monkeypatch.setattr(createTrainingVideo, "find_run", lambda folder: (RunFolder(str(folder)), 0, ""))
    for step, shown in ((6000, ["800", "5000", "run"]), (900, ["800", "run", "5000"]), (5000, ["800", "5000"])):
        monkeypatch.setattr(RunFolder, "newest_checkpoint", lambda self, step=step: (SimpleNamespace(step=step), ""))
        createTrainingVideo.main(["-f", f"{tmp_path}/run"])
        assert filmed.pop() == shown


@pytest.mark.parametrize("frame_rate", [30, 60])
def test_each_part_of_a_video_is_as_long_as_its_play_even_where_the_game_stands_still(frame_rate, tmp_path):
    still, moving = np.zeros((4 * frame_rate, 84, 84, 3), np.uint8), np.zeros((frame_rate, 84, 84, 3), np.uint8)
    moving[np.arange(frame_rate), 40, np.arange(frame_rate)] = 255
    seconds = []
    for parts in ([still, moving], [moving, still], [still, moving, still, moving]):
        film = Film(frame_rate=frame_rate)
        for screen in np.concatenate(parts):
            film.add(screen)
        with Video(tmp_path / "a.mp4") as video:
            video.add(film, "0 decisions")
            video.add(film, "1 decision")
        seconds.append(imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "a.mp4"))[1])
    assert seconds == pytest.approx([10, 10, 20], abs=0.1)


def test_a_video_counts_the_score_along_in_letters_of_one_size(tmp_path, monkeypatch):
    bands = []
    monkeypatch.setattr("agents.training_video.with_band", lambda *texts: bands.append(texts[1:]) or with_band(*texts))
    film = Film(frame_rate=20, max_pool=False)  # every screen is a picture
    for score in (0.0, 9.0, 10.5):
        film.on_decision(decision_of(score))
        film.add(np.zeros((84, 84, 3), np.uint8))
    film.on_end(12345.0)
    with Video(tmp_path / "a.mp4") as video:
        video.add(film, "5 decisions")
    scores = ["score 0", "score 9", "score 12345"]
    assert bands == [("5 decisions", score, "score 12345") for score in scores]
    left = [np.asarray(with_band(Image.new("RGB", (84, 84)), *texts))[:16, :30] for texts in bands]
    assert left[0].max() > 128 and all((part == left[0]).all() for part in left), "the left text does not flicker"


def decision_of(score):
    return Decision(0, 0, np.ones(1, np.float32), np.ones(1, np.float32), 0.0, score)


@pytest.mark.parametrize("size", [(288, 512), (84, 84), (161, 211)])
def test_the_band_is_above_the_picture(size):
    picture = Image.new("RGB", size, (10, 200, 30))
    framed = with_band(picture, "80,000,000 decisions", "score 12345")
    assert framed.width == size[0]
    pixels = np.asarray(framed)
    assert ((pixels == (10, 200, 30)).all(axis=2).sum(axis=0) == size[1]).all()
    letters = pixels[: framed.height - size[1] - 1].max(axis=(0, 2)) > 128
    assert letters.any() and not letters[[0, -1]].any()
