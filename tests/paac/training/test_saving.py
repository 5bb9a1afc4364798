"""A run saves before it trains, by the clock too, and never deletes what is there."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import tensorflow as tf

from emulators import find_game
from emulators.seeds import NEW_EPISODES
from paac.cli.args_json import replace_file
from paac.cli.options import resolve
from paac.processes import Processes
from paac.training import loop
from paac.training.checkpoint_folder import CheckpointFolder
from paac.training.episodes import EpisodeTracker
from paac.training.run_folder import RunFolder
from paac.training.state import TrainingState
from tests.helpers import ROOT
from tests.helpers.commands import assert_one_line, files_limited_to
from tests.helpers.runs import assert_same_weights, episodes

# An update is 4 emulators x 5 decisions = 20 decisions. Episodes are short, so that many end.
CATCHER = ["-g", "Catcher-v0", "--max_episode_frames", "60", "-ec", "4", "-ew", "1", "--seed", "5"]
KILLED = """
import os, runpy, sys
from paac.training import checkpoint_folder, episodes, run_folder

def killed_in(cls, name, after=True):
    original = getattr(cls, name)
    def call(*arguments, **keywords):
        result = original(*arguments, **keywords) if after else None
        if name != "add" or arguments[1]:  # `add` is killed when it has written an episode
            os.kill(os.getpid(), 9)
        return result
    setattr(cls, name, call)

point, sys.argv = sys.argv[1], sys.argv[2:]
if point == "after args.json": killed_in(run_folder, "save_options")
if point == "inside checkpoint 0": killed_in(checkpoint_folder.CheckpointFolder, "_write_files")
if point == "after checkpoint 0": killed_in(run_folder.RunFolder, "truncate_logs", after=False)
if point == "after the first episode": killed_in(episodes.EpisodeLog, "add")
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def checkpoints(run):
    return CheckpointFolder(run / "checkpoints").steps()


@pytest.fixture
def train(commands):
    """A function that trains in a folder of the test until `steps` decisions."""

    def train(run, steps, *arguments, code=0):
        return commands.run("train.py", "-df", run, "--max_global_steps", str(steps), *CATCHER, *arguments, code=code)

    train.folder = commands.folder
    return train


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("inside checkpoint 0", marks=pytest.mark.slow),
        *(
            pytest.param(point, marks=pytest.mark.slow)
            for point in ("after args.json", "after checkpoint 0", "after the first episode")
        ),
    ],
)
def test_a_start_that_is_killed_goes_on_by_the_same_command(train, point):
    train("whole", 200)
    arguments = ["-df", "killed", "--max_global_steps", "200", *CATCHER]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, point, str(ROOT / "train.py"), *arguments],
        cwd=train.folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    assert (train.folder / "killed/args.json").exists()
    assert checkpoints(train.folder / "killed") == ([0] if point.startswith("after ") and "json" not in point else [])
    train("killed", 200)
    assert_same_weights(train.folder / "whole", train.folder / "killed")
    assert episodes(train.folder / "whole") == episodes(train.folder / "killed") != []
    assert not list((train.folder / "killed").rglob("*.new"))


@pytest.mark.slow
def test_a_resume_at_step_0_of_a_game_that_cannot_be_saved_starts_as_a_new_run(train, monkeypatch):
    monkeypatch.setattr(loop.Training, "gather_emulator_states", lambda _: None)
    train("whole", 100)
    with monkeypatch.context() as broken:
        broken.setattr(loop.Training, "loop", lambda *_: None)
        train("parts", 100)
    assert checkpoints(train.folder / "parts") == [0]
    train("parts", 100)
    assert_same_weights(train.folder / "whole", train.folder / "parts")
    assert episodes(train.folder / "whole") == episodes(train.folder / "parts") != []


@pytest.mark.slow
def test_emulator_states_that_do_not_load_can_be_deleted(train, monkeypatch):
    """Another version of a game may not read them; the weights are worth keeping."""
    train("run", 40)
    with monkeypatch.context() as newer:
        newer.setattr("paac.training.checkpoint.read_states", lambda _, count: [b"of another version"] * count)
        refused = train("run", 60, code=1)
    assert_one_line(refused.stderr)
    assert "delete emulators.npz in the folder of the checkpoint to start new episodes" in refused.stderr
    (train.folder / "run/checkpoints/40/emulators.npz").unlink()
    resumed = train("run", 60)
    assert "Resuming at 40 decisions\nThe emulators' states are not in the checkpoint: all emulators" in resumed.stdout


@pytest.mark.parametrize("lost", ["moved", pytest.param("link", marks=pytest.mark.slow), "other project"])
def test_logs_without_a_checkpoint_are_never_deleted(train, lost):
    run = train.folder / "run"
    if lost == "other project":
        (run / "tf").mkdir(parents=True)
        (run / "tf/events.out.tfevents.1").write_bytes(b"curves")
        (run / "episodes.csv").write_text("data\n")
    else:
        train("run", 100)
        (run / "checkpoints").rename(train.folder / "elsewhere")
        if lost == "link":
            (run / "checkpoints").symlink_to("not mounted")
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    refused = train("run", 200, code=2)
    assert_one_line(refused.stderr, "-df run: has episodes.csv and tf but no checkpoint", "mkdir run.old; mv run/")
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before
    if lost == "moved":
        (train.folder / "elsewhere").rename(run / "checkpoints")
        assert "Resuming at 100 decisions" in train("run", 200).stdout


@pytest.mark.slow
def test_a_fall_back_to_step_0_is_refused(train):
    train("run", 100)
    (train.folder / "run/checkpoints/100/state.json").write_text("{}")
    rows = episodes(train.folder / "run")
    assert_one_line(train("run", 200, code=2).stderr, "checkpoints/100", "move run away to start over")
    assert episodes(train.folder / "run") == rows != []


@pytest.mark.parametrize("planned", [True, False])
def test_a_start_that_cannot_save_leaves_args_json_as_it_was(train, planned, monkeypatch):
    run = train.folder / "run"
    if planned:
        run.mkdir()
        (run / "args.json").write_text(json.dumps({"game": "Catcher-v0"}))
    monkeypatch.setattr(CheckpointFolder, "_write_files", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full")))
    assert "disk full" in train("run", 100, code=1).stderr
    names = {file.name for file in run.rglob("*") if file.is_file()} - {".lock"}
    assert names == ({"args.json"} if planned else set())
    if planned:
        assert json.loads((run / "args.json").read_text()) == {"game": "Catcher-v0"}


@pytest.mark.slow
def test_the_clock_asks_for_checkpoints_which_do_not_change_the_training(train, monkeypatch):
    regular = ["--checkpoint_interval", "60", "--keep_checkpoints", "2"]
    train("whole", 200, *regular)
    assert checkpoints(train.folder / "whole") == [180, 200]
    monkeypatch.setattr(loop, "MAX_SAVE_INTERVAL_S", 0.0)
    seen = []
    write = CheckpointFolder.write

    def watched(self, step, *arguments, **keywords):
        write(self, step, *arguments, **keywords)
        seen.append(self.steps())

    monkeypatch.setattr(CheckpointFolder, "write", watched)
    train("timed", 200, *regular)
    assert seen[:6] == [[0], [0, 20], [0, 40], [0, 60], [0, 60, 80], [0, 60, 100]]
    assert seen[6:] == [[60, 120], [60, 120, 140], [60, 120, 160], [120, 180], [180, 200]]
    assert_same_weights(train.folder / "whole", train.folder / "timed")
    assert episodes(train.folder / "whole") == episodes(train.folder / "timed") != []
    train("timed", 220, *regular)
    assert checkpoints(train.folder / "timed") == [200, 220]


@pytest.mark.slow
def test_the_first_checkpoint_is_not_copied_to_the_saved_ones(train):
    from agents.kept_checkpoints import keep_newest

    train("run", 20, "--checkpoint_interval", "20")
    run = RunFolder(train.folder / "run")
    (run.checkpoints.folder / "20").rename(train.folder / "away")
    assert run.checkpoints.steps() == [0] and keep_newest(run) is None


@pytest.mark.slow
def test_a_disk_that_fills_up_gives_one_line_and_the_resume_repeats_what_was_not_recorded(train, monkeypatch):
    train("whole", 200)
    write = tf.summary.scalar

    def fill_up(tag, value, step=None):
        if step is not None and step > 60:
            raise tf.errors.ResourceExhaustedError(
                None, None, "events; No space left on device [Op:WriteScalarSummary]"
            )
        return write(tag, value, step)

    with monkeypatch.context() as full:
        full.setattr(tf.summary, "scalar", fill_up)
        stopped = train("run", 200, "--checkpoint_interval", "40", code=1)
    assert_one_line(stopped.stderr, "run/tf/events.", "cannot be written (No space left on device)")
    saved = max(checkpoints(train.folder / "run"))
    assert 40 <= saved < 200 and saved % 40 == 0
    resumed = train("run", 200)
    assert f"Resuming at {saved} decisions" in resumed.stdout and "new episodes" not in resumed.stdout
    assert_same_weights(train.folder / "whole", train.folder / "run")
    assert episodes(train.folder / "whole") == episodes(train.folder / "run") != []


@pytest.mark.parametrize(
    ("size", "message"),
    [(500, "bytes of shared memory cannot be reserved"), (1_000_000, "checkpoints/.0.new: cannot be written")],
)
def test_a_start_that_does_not_fit_gives_one_line_and_leaves_no_file(train, size, message):
    with files_limited_to(size):
        refused = train("run", 100, code=1)
    assert_one_line(refused.stderr, f"{message} (File too large)")
    assert {file.name for file in (train.folder / "run").rglob("*") if file.is_file()} == {".lock"}


def test_what_cannot_be_written_leaves_no_half_file(tmp_path, monkeypatch):
    (tmp_path / "args.json").write_text("old")
    with files_limited_to(2), pytest.raises(OSError, match="File too large"):
        replace_file(tmp_path / "args.json", b"newer")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
    folder, state = CheckpointFolder(tmp_path / "checkpoints"), {"global_step": 0}
    folder.write(20, {}, state, None, keep=2)
    monkeypatch.setattr(CheckpointFolder, "_write_index", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full")))
    first = CheckpointFolder(tmp_path / "first")
    for started, step, left in ((folder, 40, [20, 40]), (first, 0, [])):  # what was trained stays
        with pytest.raises(OSError, match="disk full"):
            started.write(step, {}, state, None, keep=2)
        assert started.steps() == left


@pytest.mark.parametrize(("updates", "states", "seed"), [(0, 0, [3]), (7, 4, [3]), (7, 0, [3, NEW_EPISODES, 7])])
def test_emulators_without_saved_states_play_other_episodes_and_each_process_has_its_own(
    updates, states, seed, monkeypatch
):
    monkeypatch.setattr(loop, "EmulatorPool", lambda game, count, **settings: settings)
    options = resolve({"random_seed": 3, "emulator_counts": 4})
    state = TrainingState(EpisodeTracker(4), {}, updates=updates, emulators=states)
    second = Processes()
    second.rank = 1
    given = loop._make_pool(options, find_game("pong"), state, second, share_screens=False)
    assert (given["seed"], given["first_index"]) == (seed, 4)


def test_every_checkpoint_restarts_the_clock(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    training = object.__new__(loop.Training)
    training.options = resolve({"random_seed": 1})
    training.run = training.best = SimpleNamespace(
        checkpoints=SimpleNamespace(write=lambda *_, **__: None), delete_others=lambda _: None
    )
    training.state, training.processes = TrainingState(EpisodeTracker(2), {}), Processes()
    training.saved_step, training.saved_timed, training.saved_at = None, False, clock[0]
    training._tracked = dict
    clock[0] += loop.MAX_SAVE_INTERVAL_S
    assert training.is_timed_save_due()
    training._write_checkpoint(None)
    assert not training.is_timed_save_due()


def test_a_replaced_checkpoint_is_deleted_and_does_not_count(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for step, replaced in ((20, None), (40, None), (60, 40)):
        folder.write(step, {}, {"global_step": step}, None, keep=2, replaced=replaced)
    assert folder.steps() == [20, 60]
