"""Trainings that a notebook or a script starts with `paac.training.train`."""

import random
import signal
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from networks.registry import make_network
from paac.cli.errors import UserError
from paac.training import load_agent, train
from paac.training.session import run_session
from paac.training.stop_signal import Interrupt
from paac.training.tensorflow_setup import exactness_notes, start_tensorflow
from tests.helpers.messages import message_of
from tests.helpers.runs import assert_same_weights, episodes, points

# An update is 2 emulators x 1 decision, so a summary comes every 100 decisions. Episodes are short, so that many end.
TINY = {
    "game": "Catcher-v0",
    "emulator_counts": 2,
    "emulator_workers": 1,
    "max_local_steps": 1,
    "max_episode_frames": 60,
    "seed": 5,
}
NETWORK = {"num_actions": 2, "nb_choices": 1, "rgb": False, "seed": 1}
ARGUMENTS = [word for name, value in TINY.items() for word in (f"--{name}", str(value))]


@pytest.fixture(autouse=True)
def other_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_a_callback_that_does_what_it_likes_changes_nothing_that_is_learned(commands):
    def meddle(summary):
        random.seed(1)
        np.random.seed(1)
        tf.random.set_seed(1)
        tf.random.normal([3])
        load_agent("called").play(seed=3)  # the agent of the run's first checkpoint

    commands.run("train.py", *ARGUMENTS, "-df", "typed", "--max_global_steps", "240")
    run = train(**TINY, debugging_folder="called", max_global_steps=240, callback=meddle)
    assert (run.folder, run.step, run.finished) == (Path("called"), 240, True)
    assert_same_weights(Path("typed"), run.folder)
    assert episodes(Path("typed")) == episodes(run.folder)


def test_a_callback_gets_what_the_curves_show():
    summaries = []
    run = train(**TINY, df="run", max_global_steps=220, callback=summaries.append)
    assert [summary.step for summary in summaries] == [100, 200]
    for tag in ("rewards_per_episode/mean", "loss/critic_loss_mean", "stats/steps_per_s"):
        assert points(run.folder, tag) == [(summary.step, np.float32(summary.curves[tag])) for summary in summaries]
    (_, last) = summaries
    assert last.mean_score == pytest.approx(last.curves["rewards_per_episode/mean"])
    assert 0 < summaries[0].seconds < last.seconds and run.mean_score is not None
    with pytest.raises(AttributeError):
        last.step = 0
    with pytest.raises(TypeError):
        last.curves["loss/critic_loss_mean"] = 0


@pytest.mark.slow
def test_a_callback_that_returns_false_stops_the_training_which_can_be_resumed():
    stopped = train(**TINY, df="parts", max_global_steps=240, callback=lambda summary: np.False_)
    assert (stopped.step, stopped.finished) == (100, False)
    train(**TINY, df="parts", max_global_steps=240, callback=lambda summary: 0)
    train(**TINY, df="whole", max_global_steps=240)
    assert_same_weights(Path("parts"), Path("whole"))


@pytest.mark.slow
def test_an_error_in_a_callback_is_raised_after_the_training_has_saved(capsys):
    with pytest.raises(ZeroDivisionError):
        train(**TINY, df="run", max_global_steps=240, callback=lambda summary: 1 / 0)
    assert "Saved at 100 decisions in run" in capsys.readouterr().out
    assert load_agent("run").step == 100


def test_the_end_of_the_program_in_a_callback_comes_after_the_training_has_saved():
    with pytest.raises(SystemExit, match="enough"):
        train(**TINY, df="run", max_global_steps=240, callback=lambda summary: sys.exit("enough"))
    assert load_agent("run").step == 100


def test_an_error_in_a_callback_is_the_cause_if_the_training_then_fails_to_save():
    def fail(summary):
        Path("run/episodes.csv").unlink()
        raise ZeroDivisionError

    with pytest.raises(OSError, match="episodes.csv") as raised:
        train(**TINY, df="run", max_global_steps=240, callback=fail)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_ctrl_c_saves_and_returns_and_leaves_the_signals_as_they_were():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    run = train(**TINY, df="run", max_global_steps=240, callback=lambda _: signal.raise_signal(signal.SIGINT))
    assert (run.step, run.finished) == (100, False)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


@pytest.fixture
def python_handler():
    """Python's own handler of SIGINT, which a program in the background does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("python_handler")
def test_ctrl_c_raises_keyboard_interrupt_before_there_is_something_to_save_and_the_second_time():
    with Interrupt() as stop:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert not stop.requested
        stop.training_began = True
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("python_handler")
def test_the_first_ctrl_c_after_a_callback_stopped_the_training_lets_it_save():
    with Interrupt() as stop:
        stop.training_began = stop.requested = True
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_default_handler_that_ends_the_program_is_put_back():
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with Interrupt() as stop:
            stop.training_began = True
            signal.raise_signal(signal.SIGINT)
        assert stop.requested and signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_another_thread_can_train_while_an_agent_plays():
    handler = signal.getsignal(signal.SIGINT)
    train(**TINY, df="first", max_global_steps=20)
    runs = []
    thread = threading.Thread(target=lambda: runs.append(train(**TINY, df="run", max_global_steps=240)))
    thread.start()
    played = [load_agent("first").play(seed=1).scores.tolist() for _ in range(3)]
    thread.join()
    assert runs[0].finished and played[0] == played[1] == played[2]
    assert signal.getsignal(signal.SIGINT) == handler
    train(**TINY, df="alone", max_global_steps=240)
    assert_same_weights(Path("run"), Path("alone"))


def draws():
    """Draw from all global generators."""
    return random.random(), np.random.random(), float(tf.random.uniform([]))


def test_the_random_generators_of_the_program_stay_as_they_are():
    def seed():
        random.seed(1)
        np.random.seed(2)
        tf.random.set_seed(3)
        return draws()

    expected = seed(), draws(), draws()
    drawn = [seed()]
    train(**TINY, df="run", max_global_steps=120)
    drawn.append(draws())
    agent = load_agent("run")
    agent.play(2)
    agent.film("film.gif")
    agent.act(agent.make_emulator().reset())
    drawn.append(draws())
    assert tuple(drawn) == expected


@pytest.mark.parametrize("before", [0, pytest.param(100, marks=pytest.mark.slow)])
def test_a_session_without_an_update_leaves_nothing_that_the_next_one_deletes(before, capsys):
    if before:
        train(**TINY, df="run", max_global_steps=before)
    typed = {name: value for name, value in TINY.items() if name != "seed"} | {"random_seed": TINY["seed"]}
    for _ in range(3):
        stop = Interrupt()
        stop.requested = True
        run_session(typed | {"debugging_folder": "run", "max_global_steps": 240}, stop)
    assert f"Resuming at {before} decisions" in capsys.readouterr().out
    train(df="run", max_global_steps=240)
    assert "Deleted" not in capsys.readouterr().out
    train(**TINY, df="whole", max_global_steps=240)
    assert_same_weights(Path("whole"), Path("run"))
    assert episodes(Path("whole")) == episodes(Path("run")) != []


def test_keras_keeps_the_names_and_the_policy_of_the_program_in_all_threads():
    keras.utils.clear_session()
    assert keras.layers.Dense(1).name == "dense"
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = make_network("NIPS", **NETWORK)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.layers.Dense(1).name == "dense_1"
    assert network.policy.dtype_policy.name == "float32" and network.policy.name == "dense_1"
    with keras.name_scope("training"):  # as while a training in this thread traces its graph
        thread = threading.Thread(target=make_network, args=["NIPS"], kwargs=NETWORK)
        thread.start()
        thread.join()


def test_networks_that_are_made_in_two_threads_leave_keras_s_settings_as_they_were():
    made = []
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float64")
    try:
        threads = [threading.Thread(target=lambda: made.append(make_network("NIPS", **NETWORK))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (keras.config.image_data_format(), keras.config.floatx()) == ("channels_first", "float64")
    finally:
        keras.config.set_image_data_format("channels_last")
        keras.config.set_floatx("float32")
    assert len(made) == 2


def test_options_are_checked_like_those_of_json_files():
    for options, message in (
        ({"gme": "pong"}, "train(): unknown key 'gme'; did you mean game?"),
        ({"gamma": 5}, "train(): --gamma 5.0: must be from 0 to 1"),
        ({"gamma": "high"}, 'train(): gamma must be a number, not "high"'),
        ({"preset": "brekout"}, "no such preset or file"),
        ({"list_games": False}, "train(): list_games only prints the games"),
        ({"callback": 3}, "train(): callback is 3; it must be a function that takes a Summary"),
        ({"rgb": {1}}, 'train(): rgb must be true or false, not "{1}"'),
        ({"entropy": 0.1, "entropy_regularisation_strength": 0.1}, "set the same option"),
    ):
        with pytest.raises(UserError) as error:
            train(**options)
        assert message in message_of(error)
    assert not list(Path().iterdir()), "nothing is written"


@pytest.mark.slow
def test_options_may_be_paths_and_numbers_of_numpy():
    run = train(**TINY | {"seed": np.int64(3)}, df=Path("a/run"), max_global_steps=20.0, gamma=np.float64(0.9))
    options = load_agent(run.folder).options
    assert (options.random_seed, options.gamma, options.max_global_steps) == (3, 0.9, 20)


def test_a_line_names_the_threads_of_a_tensorflow_that_was_used_before():
    assert start_tensorflow("/cpu:0", op_threads=7) == "/cpu:0"  # the tests have used it with one thread
    (note,) = exactness_notes(7)
    assert note.startswith("--op_threads 7: TensorFlow was used before in this process, and keeps 1 instead")
    assert exactness_notes(1) == []
