"""The commands end to end, on a real game with tiny numbers."""

import json
import os
import re
import signal
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from paac.training.stop_signal import SAME_SIGNAL_S
from tests.helpers import ROOT
from tests.helpers.commands import TIMEOUT_S, TINY, group_members, interrupt, wait_for
from tests.helpers.runs import assert_same_weights, episodes, newest_step, points, wait_for_checkpoint

# An update is 4 emulators x 5 decisions = 20 decisions. Episodes are short, so that many end.
SHORT = ["--max_episode_frames", "120", *TINY]
FIGAR = ["--max_repetition", "4", "--nb_choices", "3"]
SWALLOWING = """
import time
try:
    print("loading", flush=True)
    time.sleep(60)
except BaseException:
    pass
"""


def test_a_stopped_and_resumed_training_equals_an_uninterrupted_one(commands):
    """Two halves with a stop between them are, to the last bit, the training that was not stopped."""
    folder = commands.folder
    commands.run("train.py", "-df", "whole", "--max_global_steps", "1000", *SHORT, *FIGAR)
    commands.run("train.py", "-df", "parts", "--max_global_steps", "500", *SHORT, *FIGAR)
    resumed = commands.run("train.py", "-df", "parts", "--max_global_steps", "1000", "-ew", "3")
    assert "--max_global_steps is now 1000; it was 500" in resumed.stdout
    assert "Resuming at 500 decisions" in resumed.stdout
    assert_same_weights(folder / "whole", folder / "parts")
    assert episodes(folder / "whole") == episodes(folder / "parts") != []
    for tag in ("rl/reward", "rl/episode_length", "parameters/lr", "loss/loss", "rewards_per_episode/mean"):
        assert points(folder / "whole", tag) == points(folder / "parts", tag) != []

    finished = commands.run("train.py", "-df", "parts")
    assert "is finished at 1,000 decisions" in finished.stdout
    refused = commands.run("train.py", "-df", "parts", "--gamma", "0.5", code=2)
    assert "--gamma 0.5" in refused.stderr and "0.99" in refused.stderr
    assert json.loads((folder / "parts/args.json").read_text())["max_global_steps"] == 1000


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_leaves_no_process(commands, number):
    process = commands.start("train.py", "-df", "run", "--checkpoint_interval", "200", *SHORT)
    wait_for_checkpoint(process, commands.folder / "run", 200)
    os.killpg(process.pid, number)  # as a terminal does: the workers get it too
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    assert "Finishing the update and saving." in err and "Saved at" in out
    assert ("Press Ctrl+C again to quit at once." in err) is (number != signal.SIGHUP)  # its terminal is closed
    assert "Traceback" not in err
    wait_for(lambda: group_members(process) == [])
    newest = tf.train.latest_checkpoint(commands.folder / "run/checkpoints")
    steps = int(Path(newest).parent.name)
    assert f"Saved at {steps:,} decisions" in out
    again = commands.run("train.py", "-df", "run", "--max_global_steps", str(steps + 100))
    assert f"Resuming at {steps:,} decisions" in again.stdout


@pytest.mark.slow
def test_a_second_ctrl_c_quits_at_once(commands):
    # A decision holds its action for up to 9001 plays, so that an update takes seconds.
    figar = ["--max_repetition", "9000", "--nb_choices", "1"]
    process = commands.start("train.py", "-df", "run", *figar, "--checkpoint_interval", "1", *TINY)
    wait_for_checkpoint(process, commands.folder / "run", 1)
    interrupt(process)
    assert process.stderr.readline() == "\n" and process.stderr.readline().startswith("Finishing the update")
    while process.poll() is None:  # on a slow machine, two signals may still count as one
        time.sleep(2 * SAME_SIGNAL_S)
        os.kill(process.pid, signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM
    process.communicate()
    wait_for(lambda: group_members(process) == [])


def test_ctrl_c_ends_the_start_even_while_a_module_that_loads_swallows_exceptions(commands):
    (commands.folder / "minigrid.py").write_text(SWALLOWING)
    process = commands.start("train.py", "-df", "run", "-g", "MiniGrid-Empty-8x8-v0", environment={"PYTHONPATH": "."})
    assert process.stdout.readline() == "loading\n"
    interrupt(process)
    assert process.wait(timeout=TIMEOUT_S) == -signal.SIGINT
    assert process.communicate() == ("", "") and not (commands.folder / "run").exists()


def test_a_killed_training_leaves_no_worker_and_resumes_from_the_last_checkpoint(commands):
    process = commands.start("train.py", "-df", "run", "--checkpoint_interval", "200", *SHORT)
    wait_for_checkpoint(process, commands.folder / "run", 400)
    process.kill()
    process.communicate()
    wait_for(lambda: group_members(process) == [])
    last = newest_step(commands.folder / "run") + 200
    resumed = commands.run("train.py", "-df", "run", "--max_global_steps", str(last))
    assert f"Resuming at {last - 200:,} decisions" in resumed.stdout
    steps = [int(step) for step, *_ in episodes(commands.folder / "run")]
    assert steps == sorted(steps) and steps[-1] <= last
    rewards = points(commands.folder / "run", "rl/reward")
    assert [step for step, _ in rewards] == steps, "the curve has a gap or an overlap"


@pytest.mark.slow
def test_a_dead_worker_is_reported_and_the_run_saved(commands):
    process = commands.start("train.py", "-df", "run", "--checkpoint_interval", "200", *SHORT)
    wait_for_checkpoint(process, commands.folder / "run", 200)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    worker = next(pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text())
    os.kill(int(worker), signal.SIGKILL)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert "pong" in err and "emulators" in err and "died" in err and "Traceback" not in err
    wait_for(lambda: group_members(process) == [])
    newest = Path(tf.train.latest_checkpoint(commands.folder / "run/checkpoints")).parent
    # If it died in the update after a regular checkpoint, that checkpoint is the newest, and has emulator states.
    has_emulators = (newest / "emulators.npz").exists()
    assert not has_emulators or int(newest.name) % 200 == 0
    again = commands.run("train.py", "-df", "run", "--max_global_steps", str(int(newest.name) + 100))
    assert ("all emulators start new episodes" in again.stdout) == (not has_emulators)


@pytest.mark.slow
def test_an_annotated_film_prints_nothing_of_tensorflow(commands):
    agent = str(ROOT / "pretrained/catcher")
    filmed = commands.run_alone("gif.py", "-f", agent, "--annotate", "--gif_seconds", "1", "--seed", "1")
    assert filmed.stderr == "" and (commands.folder / "gifs/agent_1.gif").exists()


def test_an_agent_is_tested_and_filmed(commands):
    commands.run("train.py", "-df", "logs/pong", "--max_global_steps", "100", *SHORT, *FIGAR)
    tested = commands.run("test.py", "-tc", "3", "--seed", "2", "--json", "scores.json")
    lines = tested.stdout.splitlines()
    assert lines[:2] == ["Using the only run in logs/: logs/pong", "Performed 3 tests for pong."]
    report = json.loads((commands.folder / "scores.json").read_text())
    scores = report["scores"]
    assert lines[2:6] == [
        f"Mean: {np.mean(scores):.2f}",
        f"Min: {min(scores):.2f}",
        f"Max: {max(scores):.2f}",
        f"Std: {np.std(scores):.2f}",
    ]
    assert lines[6] == "Truncated by a limit on its length: episode 1, 2, 3"
    assert len(report["lengths"]) == 3 and report["median"] == np.median(scores)
    again = commands.run("test.py", "-tc", "3", "--seed", "2", "-gn", "tested", "--gif_speed", "2", "--gif_scale", "1")
    assert again.stdout.splitlines()[:7] == lines[:7], "filming changed the episodes"
    assert sorted(path.name for path in (commands.folder / "gifs").iterdir()) == [
        "tested_1.gif",
        "tested_2.gif",
        "tested_3.gif",
    ]

    filmed = commands.run("gif.py", "-f", "logs/pong", "-gn", "film", "-gf", "films", "-np", "0")
    assert "films/film_1.gif" in filmed.stdout
    with Image.open(commands.folder / "films/film_1.gif") as gif:
        assert gif.size == (320, 420)
        duration = 0
        for frame in range(gif.n_frames):
            gif.seek(frame)
            duration += gif.info["duration"]
    assert duration == 2000, "120 frames at 60 Hz are two seconds"

    filmed = commands.run("gif.py", "-f", "logs/pong", "-gn", "film.mp4", "-gf", "videos", "--mp4", "-np", "0")
    assert "Wrote videos/film_1.mp4: pong, " in filmed.stdout
    assert [path.name for path in (commands.folder / "videos").iterdir()] == ["film_1.mp4"]
    about = next(imageio_ffmpeg.read_frames(str(commands.folder / "videos/film_1.mp4")))
    assert about["size"] == (320, 420) and about["duration"] == pytest.approx(2, abs=0.1)


@pytest.mark.slow
def test_the_learning_rate_can_grow_with_the_emulators(commands):
    """0.0007 for each of four emulators is a learning rate of 0.0028."""
    for name, rate in (("scaled", ["--scale_lr"]), ("typed", ["-lr", "0.0028"])):
        trained = commands.run("train.py", "-df", name, "--max_global_steps", "40", "-lra", "30", *rate, *SHORT)
        first, second, *_ = trained.stdout.splitlines()
        assert first == f"pong: new run in {name}"
        assert second.startswith("--lr_annealing_steps 30 is less than --max_global_steps 40: ")
    assert_same_weights(commands.folder / "scaled", commands.folder / "typed")


def test_a_training_that_diverges_stops_and_can_be_resumed_from_its_last_checkpoint(commands):
    commands.run("train.py", "-df", "run", "--max_global_steps", "40", *SHORT)
    checkpoints = commands.folder / "run/checkpoints"
    before = sorted(path.name for path in checkpoints.iterdir())
    for _ in range(2):
        stopped = commands.run("train.py", "-df", "run", "--max_global_steps", "100", "-lr", "1e30", *SHORT, code=2)
        assert "--initial_lr 1e+30: loss or gradient became NaN or infinite" in stopped.stderr
        assert "Resume from the last checkpoint, of 40 decisions, with a lower --initial_lr" in stopped.stderr
        assert stopped.stderr.count("\n") == 1 and sorted(path.name for path in checkpoints.iterdir()) == before
    again = commands.run("train.py", "-df", "run", "-lr", "0.01", *SHORT)
    assert "Resuming at 40 decisions" in again.stdout and "Saved at 100 decisions in run" in again.stdout


@pytest.mark.slow
def test_inactive_units_are_reported_once(commands):
    learn = "-ec", "4", "--seed", "1", "--max_global_steps", "2000"  # 100 updates, two points of each curve
    dies = commands.run("train.py", "-g", "pong", "-df", "dies", *learn, "-lr", "3")
    assert dies.stdout.count("of the units of") == 1
    lives = commands.run("train.py", "-g", "pong", "-df", "lives", *learn)
    assert "of the units of" not in lives.stdout


@pytest.mark.slow
def test_an_invalid_rom_is_reported_and_the_librarys_rom_used(commands):
    (commands.folder / "roms").mkdir()
    (commands.folder / "roms/pong.bin").write_bytes(b"no game")
    trained = commands.run("train.py", "--rom_path", "roms", "--max_global_steps", "20", *TINY)
    notices = [line for line in trained.stdout.splitlines() if "roms/pong.bin is not a ROM" in line]
    assert len(notices) == 1
    saved = json.loads((commands.folder / "logs/pong/args.json").read_text())
    assert saved["rom_path"] == str(commands.folder / "roms"), "test.py finds it from any folder"


@pytest.mark.slow
def test_dropout_samples_measure_uncertainty_and_need_dropout(commands):
    short = ["--max_global_steps", "40", "--max_episode_frames", "200", *TINY]
    commands.run("train.py", "--arch", "BAYESIAN", "--visualize_convs", "-df", "bayes", *short)
    tested = commands.run("test.py", "-f", "bayes", "--dropout_samples", "3", "--json", "result.json")
    assert re.search(
        r"^Uncertainty: the policy's entropy is 1\.\d+ nats, of which 0\.\d+ come from disagreement between the 3 ",
        tested.stdout,
        re.M,
    )
    uncertainty = json.loads((commands.folder / "result.json").read_text())["uncertainty"]
    assert 0 < uncertainty["mutual_information"] < uncertainty["entropy"]
    commands.run("train.py", "-df", "plain", *short)
    refused = commands.run("test.py", "-f", "plain", "--dropout_samples", "3", code=2)
    assert "--dropout_samples 3: NIPS has no dropout" in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_network_with_an_observation_history_resumes_exactly(commands):
    """40 decisions, and 20 before and 20 after a stop, give the same weights."""
    short = ["--arch", "LSTM", "--max_episode_frames", "120", *TINY]
    commands.run("train.py", "-df", "whole", "--max_global_steps", "40", *short)
    commands.run("train.py", "-df", "parts", "--max_global_steps", "20", *short)
    commands.run("train.py", "-df", "parts", "--max_global_steps", "40")
    weights = [commands.folder / run / "checkpoints/40/weights.data-00000-of-00001" for run in ("whole", "parts")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--arch", "NATURE", "--rgb"], ["--arch", "PWYX", "--activation", "leaky_relu"]])
def test_other_networks_and_protocols_train(commands, arguments):
    short = ["--max_global_steps", "40", "--max_episode_frames", "200", *TINY]
    commands.run("train.py", "-g", "breakout", "-df", "run", "--protocol", "machado", *arguments, *short)
    saved = json.loads((commands.folder / "run/args.json").read_text())
    assert (saved["random_start"], saved["sticky_actions"], saved["full_action_space"]) == (False, 0.25, True)
    tested = commands.run("test.py", "-f", "run", "--greedy", "--seed", "1")
    assert "Performed 1 test for breakout." in tested.stdout


@pytest.mark.slow
def test_an_agent_trained_with_egreedy_is_tested_so_with_the_epsilon_of_its_start(commands):
    catcher = ["-g", "Catcher-v0", "--max_global_steps", "20", "-ec", "4", "-ew", "1"]
    egreedy = ["--egreedy", "--epsilon", "1", "--annealed", "--annealed_steps", "1"]  # uniform, whatever the weights

    def test(run, *arguments):
        commands.run("test.py", "-f", run, "-tc", "3", "--seed", "1", "--json", "report.json", *arguments)
        report = json.loads((commands.folder / "report.json").read_text())
        return report["scores"], report["lengths"]

    for seed in "12":
        commands.run("train.py", "-df", f"egreedy{seed}", "--seed", seed, *catcher, *egreedy)
        commands.run("train.py", "-df", f"sampled{seed}", "--seed", seed, *catcher)
    assert test("egreedy1") == test("egreedy2")
    assert test("egreedy1") != test("egreedy1", "--greedy") == test("sampled1", "--greedy")


@pytest.mark.slow
def test_a_window_needs_a_display_and_shows_the_workers_screens(commands, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    refused = commands.run("train.py", "-v", "1", code=2)
    assert "leave -v out" in refused.stderr and refused.stderr.count("\n") == 1
    assert list(commands.folder.iterdir()) == []
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    commands.run("train.py", "-v", "2", "--max_global_steps", "40", *TINY)


@pytest.mark.slow
def test_libraries_print_nothing(commands, monkeypatch):
    """ALE would print a line for each emulator, and TensorFlow one more, and an error with leaky_relu."""
    for name in ("TF_CPP_MIN_LOG_LEVEL", "PYGAME_HIDE_SUPPORT_PROMPT"):
        monkeypatch.delenv(name, raising=False)
    trained = commands.run_alone(
        "train.py", "--activation", "leaky_relu", "--max_global_steps", "20", "-d", "/cpu:0", *TINY
    )
    assert trained.stderr == ""
    lines = [line for line in trained.stdout.splitlines() if "--tune" not in line]  # a line where cores lie idle
    assert [" ".join(line.split()[:3]) for line in lines] == [
        "pong: new run",
        "Running on /cpu:0",
        "pong: NIPS with",
        "The learning rate",
        "Curves: tensorboard --logdir",
        "Saved at 20",
    ]
