"""A training notices when another program changes the files that it writes."""

import os
from types import SimpleNamespace

import pytest
import tensorflow as tf

from emulators import WorkerError
from paac.cli.errors import UserError
from paac.cli.safe_files import replace_file
from paac.training import loop
from paac.training.checkpoint_folder import CheckpointFolder
from paac.training.distributed import SeveralProcesses
from paac.training.episodes import Episode, EpisodeLog
from paac.training.run_folder import RunFolder
from tests.helpers.commands import Commands
from tests.helpers.runs import assert_same_weights, episodes

# An update is 4 emulators x 5 decisions = 20 decisions. Episodes are short, so that many end.
CATCHER = ["-g", "Catcher-v0", "--max_episode_frames", "60", "-ec", "4", "-ew", "1", "--seed", "5"]
REGULAR = ["--checkpoint_interval", "100"]
HEADER = b"step,seconds,emulator,reward,length\n"


@pytest.fixture
def train(commands):
    """A function that trains in a folder of the test until `steps` decisions."""

    def train(run, steps, *arguments, code=0):
        return commands.run("train.py", "-df", run, "--max_global_steps", str(steps), *CATCHER, *arguments, code=code)

    train.folder = commands.folder
    return train


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a training of 200 decisions in which nothing was changed."""
    commands = Commands(tmp_path_factory.mktemp("whole"))
    commands.run("train.py", "-df", "run", "--max_global_steps", "200", *CATCHER, *REGULAR)
    return commands.folder / "run"


def at_step(monkeypatch, step, change):
    """Call `change` with the run's folder after the update that ends at `step`."""
    update = loop.Training.update

    def update_and_change(self):
        update(self)
        if self.state.global_step == step:
            change(self.run.path)

    monkeypatch.setattr(loop.Training, "update", update_and_change)


def delete_lock(run):
    (run / ".lock").unlink()


def lock_anew(run):
    replace_file(run / ".lock", (run / ".lock").read_bytes())


def save_episodes_in_an_editor(run):
    replace_file(run / "episodes.csv", (run / "episodes.csv").read_bytes())


def delete_events(run):
    for file in (run / "tf").iterdir():
        file.unlink()


def truncate_episodes(run):
    os.truncate(run / "episodes.csv", 5)


def end_by(change, train, monkeypatch):
    """Train, and call `change` at step 140; return the last line that the training prints to stderr."""
    with monkeypatch.context() as changed:
        at_step(changed, 140, change)
        ended = train("run", 200, *REGULAR, code=1)
    assert "Saved at" not in ended.stdout
    assert CheckpointFolder(train.folder / "run/checkpoints").steps() == [0, 100]
    return ended.stderr.splitlines()[-1]


def test_a_folder_that_is_moved_ends_the_training_and_is_not_made_anew(train, monkeypatch):
    moved = train.folder / "moved"
    with monkeypatch.context() as changed:
        at_step(changed, 140, lambda run: run.rename(moved))
        ended = train("run", 200, *REGULAR, code=1)
    assert ended.stderr.splitlines()[-1] == (
        "train.py: run was moved or deleted during the training, which ends here; if you moved it, run the same "
        "command with its new path"
    )
    assert not (train.folder / "run").exists()
    assert "Resuming at 100 decisions" in train("moved", 200, *REGULAR).stdout


def test_episodes_csv_saved_in_an_editor_ends_the_training(train, monkeypatch):
    line = end_by(save_episodes_in_an_editor, train, monkeypatch)
    assert line.startswith("train.py: run/episodes.csv was replaced by another program") and "same command" in line


@pytest.mark.slow
def test_a_truncated_episodes_csv_ends_the_training_and_gets_a_header_again(train, monkeypatch):
    assert "run/episodes.csv was changed from " in end_by(truncate_episodes, train, monkeypatch)
    assert (train.folder / "run/episodes.csv").read_bytes() == HEADER[:5]
    resumed = train("run", 200, *REGULAR).stdout
    assert "run/episodes.csv: the last " in resumed and " bytes at the checkpoint are missing" in resumed
    assert len(RunFolder(train.folder / "run").read_episodes().steps)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (delete_lock, "run/.lock was deleted"),
        (delete_events, "run/tf/events.out.tfevents"),
    ],
)
def test_after_a_change_the_training_goes_on_from_the_last_checkpoint(train, whole, change, message, monkeypatch):
    assert message in end_by(change, train, monkeypatch)
    assert "Resuming at 100 decisions" in train("run", 200, *REGULAR).stdout
    assert_same_weights(whole, train.folder / "run")
    assert episodes(whole) == episodes(train.folder / "run") != []


@pytest.fixture
def run(tmp_path):
    """A run in whose folder this process trains: it has a lock and a table of evaluations."""
    run = RunFolder(tmp_path / "run")
    with run.lock():
        run.events.mkdir()
        run.evaluations_csv.write_text("step\n")
        run.watch(run.evaluations_csv)
        run.check_unchanged()
        yield run


def test_a_watched_file_may_grow_but_not_shrink(run):
    run.evaluations_csv.write_text("step\n100\n")
    run.check_unchanged()
    with pytest.raises(OSError, match=r"evaluations.csv was changed from 5 to 0 bytes"):
        os.truncate(run.evaluations_csv, 0)
        run.check_unchanged()


def delete_evaluations(run):
    (run / "evaluations.csv").unlink()


@pytest.mark.parametrize("change", [delete_lock, lock_anew, delete_evaluations])
def test_changes_are_noticed_at_a_checkpoint(run, change):
    change(run.path)
    with pytest.raises(OSError, match=r"run/.* by another program during the training"):
        run.check_unchanged()


@pytest.mark.parametrize("name", ["checkpoints", "checkpoints_saved", "tf", "tf/events.out.tfevents.2", "episodes.csv"])
def test_links_are_noticed_at_a_checkpoint(run, name):
    if name == "tf":
        run.events.rename(run.path / "elsewhere")
    (run.path / name).symlink_to("elsewhere")
    with pytest.raises(UserError, match=f"run/{name} is a symbolic link"):
        run.check_unchanged()


def test_a_second_training_cannot_write_into_the_logs_of_the_first(tmp_path):
    first, second = RunFolder(tmp_path), RunFolder(tmp_path)
    with first.lock():
        first_log = EpisodeLog(first.episodes_csv)
        first_log.add([Episode(1, 0, 1.0, 5)], 1.0)
        (tmp_path / ".lock").unlink()
        with second.lock():
            second.truncate_logs({"episodes.csv": len(HEADER)})
            EpisodeLog(second.episodes_csv).add([Episode(20, 0, 1.0, 5)], 1.0)
            for check in (first.check_lock, first.check_unchanged, lambda: first_log.add([], 2.0)):
                with pytest.raises(OSError, match="by another program"):
                    check()
            second.check_unchanged()
    assert (tmp_path / "episodes.csv").read_bytes() == HEADER + b"20,1.0,0,1,5\n"


def test_episodes_csv_without_a_header_is_refused_and_an_incomplete_line_removed(tmp_path):
    file = tmp_path / "episodes.csv"
    file.write_bytes(b"160,12.3,3,-21,824\n")
    with pytest.raises(UserError, match="episodes.csv has no line with the names of the columns"):
        EpisodeLog(file)
    for content in (HEADER + b"160,12.3,3,-2", HEADER[:5], b""):
        file.write_bytes(content)
        EpisodeLog(file).close()
        assert file.read_bytes() == HEADER
    lines = HEADER + b"160,12.3,3,-21,824\n" * 1000
    file.write_bytes(lines + b"161,12")
    EpisodeLog(file).close()
    assert file.read_bytes() == lines
    file.write_bytes(lines + b"x" * 2000)
    with pytest.raises(UserError, match="episodes.csv has a line that is too long"):
        EpisodeLog(file)


@pytest.mark.parametrize(
    "error",
    [
        OSError("disk full"),
        WorkerError("a worker died"),
        tf.errors.ResourceExhaustedError(None, None, "OOM"),
        SeveralProcesses(0, ["a:1", "b:1"]).error_to_raise(tf.errors.ResourceExhaustedError(None, None, "OOM")),
    ],
)
@pytest.mark.parametrize("saved_step", [20, 40])
@pytest.mark.parametrize("is_recorded", [True, False])
def test_what_is_saved_after_an_error(tmp_path, error, saved_step, is_recorded):
    """A checkpoint with the states of the emulators is not replaced, and none is written without its episodes."""
    saved = []
    training = SimpleNamespace(
        run=RunFolder(tmp_path),
        state=SimpleNamespace(global_step=40),
        saved_step=saved_step,
        save=saved.append,
        is_recorded=is_recorded,
    )
    with pytest.raises(type(error), match=str(error)), loop.Training._save_on_failure(training):
        raise error
    is_saved = saved_step == 20 and is_recorded and type(error) is WorkerError
    assert saved == ([None] if is_saved else [])
