"""The setup of TensorFlow: the device that a training runs on, messages about it, and reproducible sums."""

import os
import platform
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from paac.cli.errors import UserError
from paac.training import tensorflow_setup
from paac.training.tensorflow_setup import device_notes, start_tensorflow, stderr_kept_for_errors
from tests.helpers import ROOT
from tests.helpers.commands import TINY
from tests.helpers.runs import assert_same_weights


@pytest.mark.parametrize(
    ("requested", "gpus", "device", "visible"),
    [
        ("/gpu:0", 0, "/cpu:0", None),
        ("/gpu:1", 1, "/cpu:0", []),
        ("/gpu:1", 3, "/gpu:0", ["GPU 1"]),
        ("/GPU:0", 2, "/gpu:0", ["GPU 0"]),
        ("/cpu:0", 2, "/cpu:0", []),
    ],
)
def test_only_the_chosen_gpu_is_visible_and_the_cpu_is_used_if_it_is_missing(
    requested, gpus, device, visible, monkeypatch
):
    memory_growth, made_visible = [], []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"{kind} {number}" for number in range(gpus)])
    monkeypatch.setattr(
        tf.config.experimental, "set_memory_growth", lambda gpu, grow: memory_growth.append((gpu, grow))
    )
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda devices, _: made_visible.append(devices))
    connected = []
    assert start_tensorflow(requested, connect=lambda: connected.append(True)) == device
    assert made_visible == ([] if visible is None else [visible])
    assert memory_growth == [(gpu, True) for gpu in visible or []] and connected == [True]


@pytest.mark.parametrize(
    ("requested", "visible", "device"),
    [("/gpu:1", ["GPU 0", "GPU 1"], "/gpu:1"), ("/gpu:1", ["GPU 1"], "/gpu:0"), ("/gpu:1", ["GPU 0"], "/cpu:0")],
)
def test_devices_that_a_program_has_used_before_stay_visible(requested, visible, device, monkeypatch):
    def fixed(*_):
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"{kind} {number}" for number in range(2)])
    monkeypatch.setattr(tf.config, "set_visible_devices", fixed)
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda _: visible)
    assert tensorflow_setup._choose_device(requested) == device


def test_a_message_names_the_device():
    assert device_notes("/gpu:0", "/gpu:0", "float32") == ["Running on /gpu:0"]
    assert device_notes("/GPU:1", "/gpu:0", "float32") == ["Running on /GPU:1"]
    assert device_notes("/cpu:0", "/cpu:0", "float32") == ["Running on /cpu:0"]
    (message,) = device_notes("/gpu:1", "/cpu:0", "float32")
    assert message == "Running on /cpu:0: TensorFlow finds no /gpu:1"


def test_a_gpu_that_an_earlier_call_made_invisible_is_not_called_missing(monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: ["GPU 0"])
    (message,) = device_notes("/gpu:0", "/cpu:0", "float32")
    assert message == "Running on /cpu:0: TensorFlow was used on other devices before; restart Python to use /gpu:0"


@pytest.mark.parametrize("has_avx512", [True, False])
def test_a_message_warns_where_bfloat16_is_slow(has_avx512, monkeypatch):
    monkeypatch.setattr(tensorflow_setup, "_has_avx512", lambda: has_avx512)
    notes = device_notes("/cpu:0", "/cpu:0", "bfloat16")
    assert [note.split(":")[0] for note in notes[1:]] == ([] if has_avx512 else ["--precision bfloat16"])
    assert len(device_notes("/gpu:0", "/gpu:0", "bfloat16")) == len(device_notes("/cpu:0", "/cpu:0", "float32")) == 1


def test_output_of_libraries_is_shown_only_if_they_fail(capfd):
    with stderr_kept_for_errors():
        os.write(2, b"a greeting\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(ZeroDivisionError), stderr_kept_for_errors():
        os.write(2, b"the reason\n")
        _ = 1 / 0
    assert capfd.readouterr().err == "the reason\n"


def test_a_device_that_fails_is_one_line_with_the_reason(monkeypatch):
    def fail(_):
        raise tf.errors.InternalError(None, None, "CUDA_ERROR_OUT_OF_MEMORY: out of memory")

    monkeypatch.setattr(tf, "zeros", fail)
    with pytest.raises(UserError, match="^-d /cpu:0: TensorFlow cannot use it .CUDA_ERROR_OUT_OF_MEMORY.*with -d$"):
        start_tensorflow("/cpu:0")


@pytest.mark.slow
def test_the_settings_of_keras_for_the_user_change_nothing(commands, tmp_path):
    (tmp_path / "keras.json").write_text(
        '{"backend": "jax", "image_data_format": "channels_first", "floatx": "float64"}'
    )
    arguments = ["-g", "Catcher-v0", *TINY, "--max_global_steps", "40", "-df"]
    commands.run("train.py", *arguments, "without")
    process = commands.start(
        "train.py", *arguments, "with", environment={"KERAS_HOME": str(tmp_path), "TF_USE_LEGACY_KERAS": "1"}
    )
    assert process.communicate()[1] == ""
    assert_same_weights(tmp_path / "without", tmp_path / "with")


@pytest.mark.slow
@pytest.mark.parametrize("before", ["1", "0"])
@pytest.mark.parametrize("after", ["", "del os.environ['TF_ENABLE_ONEDNN_OPTS']"])
def test_a_line_says_if_tensorflow_runs_without_onednn(before, after):
    """`after` makes the processor look like an AMD one, where oneDNN is off although the variable is not set."""
    program = (
        f"import os, tensorflow; {after}\n"
        "from paac.training.tensorflow_setup import exactness_notes, start_tensorflow\n"
        "start_tensorflow('/cpu:0'); print(*exactness_notes(1))"
    )
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": before}
    notes = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, env=environment, text=True)
    is_said = notes.startswith("TensorFlow runs without oneDNN, which is slower and may change the last bits")
    assert is_said == (before == "0" and platform.machine() == "x86_64")


def test_another_backend_of_keras_in_the_program_is_one_line(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match="^Keras was imported with the backend jax; restart Python"):
        start_tensorflow("/cpu:0")


def test_a_sum_is_added_in_the_order_of_the_code():
    @tf.function(autograph=False)
    def add(values):
        first, second, third = (tf.exp(values[index]) for index in range(3))
        return first + second + third, first, second  # as results, two are kept: one AddN would begin with the third

    values = tf.constant(np.random.default_rng(1).normal(size=[3, 1000]).astype(np.float32))
    total, first, second = add(values)
    assert np.array_equal(total, first + second + tf.exp(values[2]))
