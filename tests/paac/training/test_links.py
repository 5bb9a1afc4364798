"""Nothing outside the folder of a run is written, truncated, deleted or copied, whatever the links in that folder."""

import os
import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from agents.kept_checkpoints import CheckpointKeeper, keep_newest
from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.checkpoint_folder import CheckpointFolder
from paac.training.distributed import _newest_checkpoint
from paac.training.episodes import EpisodeLog
from paac.training.original import OriginalCheckpoint
from paac.training.run_folder import RunFolder
from tests.helpers.commands import assert_one_line

SECRET = "a private key"


def contents(folder):
    return {file: file.read_bytes() if file.is_file() else None for file in folder.rglob("*")}


@pytest.fixture
def outside(tmp_path):
    """A folder outside the run, like the `checkpoints` or `tf` of another run; it must stay as it is."""
    folder = tmp_path / "outside"
    write(folder, 100)
    (folder / "file").write_text(SECRET)
    (folder / "events.out.tfevents.1").write_text("curves")
    before = contents(folder)
    yield folder
    assert contents(folder) == before


@pytest.fixture
def run(tmp_path):
    """A run with its options and the checkpoint of step 20."""
    run = RunFolder(tmp_path / "run")
    run.save_options(resolve({"debugging_folder": str(run), "game": "Catcher-v0"}))
    write(run.checkpoints.folder, 20)
    return run


def write(folder, step, keep=1):
    folder.mkdir(exist_ok=True)
    network = tf.Module()
    network.weights = tf.Variable([1.0])
    CheckpointFolder(folder).write(step, {"network": network}, {"global_step": step}, None, keep)


def replace_with_link(path, target, kind="symbolic"):
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target) if kind == "symbolic" else path.hardlink_to(target)


FILES = [".lock", "episodes.csv", "tf/events.out.tfevents.2"]


@pytest.mark.parametrize(
    ("name", "target", "kind"),
    [
        *((name, "file", kind) for name in FILES for kind in ("symbolic", "hard")),
        *((name, "nowhere", "symbolic") for name in (*FILES, "tf")),
        *((name, ".", "symbolic") for name in ("tf", "checkpoints", "checkpoints_saved")),
    ],
)
def test_a_training_refuses_links_in_the_folder_of_the_run(run, outside, name, target, kind):
    replace_with_link(run.path / name, outside / target, kind)
    with pytest.raises(UserError, match=f"run/{name} is a {kind}") as error, run.lock():
        pytest.fail("the folder was locked")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["best", "best/checkpoints", "best/tf", "best/episodes.csv", "evaluations.csv"])
def test_a_training_refuses_links_in_place_of_the_best_agent(run, outside, name):
    (run.path / name).parent.mkdir(exist_ok=True)
    (run.path / name).symlink_to(outside / "file" if name.endswith(".csv") else outside)
    with pytest.raises(UserError, match=f"run/{name} is a symbolic link"), run.lock():
        pytest.fail("the folder was locked")


def test_the_folder_of_a_run_may_be_a_link(run, tmp_path):
    (tmp_path / "link").symlink_to(run.path)
    with RunFolder(tmp_path / "link").lock():
        assert (run.path / ".lock").read_text() == str(os.getpid())


@pytest.mark.parametrize("name", [".lock", "checkpoints"])
def test_train_py_reports_a_link_in_one_line(commands, run, outside, name):
    replace_with_link(run.path / name, outside if name == "checkpoints" else outside / "file")
    before = contents(run.path)
    refused = commands.run("train.py", "-df", "run", "--max_global_steps", "40", code=2)
    assert_one_line(refused.stderr, f"run/{name} is a symbolic link", "put there what it leads to")
    after = contents(run.path)
    after.pop(run.path / ".lock", None)
    before.pop(run.path / ".lock", None)
    assert after == before


@pytest.mark.parametrize("name", [".args.json.new", "args.json"])
def test_writing_the_options_follows_no_link(run, outside, name):
    options = run.load_options()
    replace_with_link(run.path / name, outside / "file")
    run.save_options(options)
    assert run.load_options() == options and not (run.path / "args.json").is_symlink()


@pytest.mark.parametrize("name", [".40.new", ".checkpoint.new", "checkpoint", "40", "20", "60"])
@pytest.mark.parametrize("target", [".", "100", "file"])
def test_writing_a_checkpoint_follows_no_link(run, outside, name, target):
    checkpoints = run.checkpoints
    replace_with_link(checkpoints.folder / name, outside / target)
    write(checkpoints.folder, 40)
    checkpoints.remove_unfinished()
    assert sorted(path.name for path in checkpoints.folder.iterdir() if path.is_dir()) == ["40"]
    assert checkpoints.newest()[0].step == 40


def test_unfinished_files_that_are_links_are_removed(run, outside):
    for number, target in enumerate((".", "file", "nowhere")):
        (run.checkpoints.folder / f".{number}.new").symlink_to(outside / target)
    run.checkpoints.remove_unfinished()
    assert sorted(os.listdir(run.checkpoints.folder)) == ["20", "checkpoint"]


def test_an_old_checkpoint_that_cannot_be_deleted_is_no_error(run, monkeypatch):
    def fail(*_):
        raise OSError("cannot be deleted")

    monkeypatch.setattr(shutil, "rmtree", fail)
    write(run.checkpoints.folder, 40)
    assert run.checkpoints.steps() == [20, 40]
    monkeypatch.undo()
    write(run.checkpoints.folder, 60)
    assert run.checkpoints.steps() == [60]


@pytest.mark.parametrize("function", ["remove", "os.rename"])
def test_a_checkpoint_that_cannot_take_its_place_leaves_no_files(run, monkeypatch, function):
    def fail(path, *_):
        if path.name != ".40.new" or function == "os.rename":
            raise OSError("not possible")

    monkeypatch.setattr(f"paac.training.checkpoint_folder.{function}", fail)
    with pytest.raises(OSError, match="not possible"):
        write(run.checkpoints.folder, 40)
    assert sorted(os.listdir(run.checkpoints.folder)) == ["20", "checkpoint"]


def test_truncating_logs_follows_no_link(run, outside):
    for name in ("episodes.csv", "tf/events.out.tfevents.1"):
        replace_with_link(run.path / name, outside / "file")
        with pytest.raises(UserError, match=name):
            run.truncate_logs({name: 5})
        (run.path / name).unlink()


def test_the_log_of_episodes_follows_no_link(run, outside):
    replace_with_link(run.episodes_csv, outside / "file")
    with pytest.raises(UserError, match="episodes.csv is a symbolic link"):
        EpisodeLog(run.episodes_csv)


def test_a_copied_checkpoint_has_the_files_of_its_manifest_only(run, outside):
    folder = run.checkpoints.folder / "20"
    (folder / "notes").symlink_to(outside / "file")
    (folder / "more").write_text("mine")
    checkpoint = Checkpoint(folder)
    names = [file.name for file in checkpoint.files()]
    assert sorted(set(os.listdir(folder)) - set(names)) == ["more", "notes"]
    kept = keep_newest(run)
    assert sorted(os.listdir(kept / "checkpoints/20")) == names
    assert sorted(os.listdir(kept)) == ["args.json", "checkpoints"]
    assert sorted(_newest_checkpoint(run)) == [f"checkpoints/20/{name}" for name in names]
    assert CheckpointFolder(kept / "checkpoints").newest()[0].step == 20


def to_link(path: Path, target: Path) -> None:
    """Move `path` to `target`, and put a link in its place."""
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize("name", ["weights.index", "state.json", "manifest.json", "."])
def test_a_checkpoint_of_links_is_not_used(run, tmp_path, name):
    to_link(run.checkpoints.folder / "20" / name, tmp_path / "moved")
    with pytest.raises(CheckpointError, match="20 is damaged .* is a symbolic link"):
        Checkpoint(run.checkpoints.folder / "20")
    assert run.checkpoints.newest()[0] is None and _newest_checkpoint(run) == {}
    assert keep_newest(run) is None and not run.kept_checkpoints.folder.exists()


def test_a_copy_of_the_options_follows_no_link(run, tmp_path):
    to_link(run.args, tmp_path / "moved.json")
    with pytest.raises(OSError, match="args.json is a symbolic link"):
        keep_newest(run)


def test_copies_are_not_written_behind_a_link(run, outside, commands):
    run.kept_checkpoints.folder.symlink_to(outside)
    lines = []
    CheckpointKeeper(run, 1.0, lines.append).keep_newest()
    assert len(lines) == 1 and "checkpoints_saved is a symbolic link" in lines[0]
    refused = commands.run("script/checkpoints.py", "-df", "run", code=2)
    assert_one_line(refused.stderr, "run/checkpoints_saved is a symbolic link")


def test_a_checkpoint_of_the_original_has_its_two_files_only(tmp_path, outside):
    for name in ("-600.index", "-600.data-00000-of-00001", "-600.meta", "-6000.index"):
        (tmp_path / name).write_text(name)
    (tmp_path / "-600.notes").symlink_to(outside / "file")
    (checkpoint, _) = OriginalCheckpoint.all_in(tmp_path)
    assert [file.name for file in checkpoint.files()] == ["-600.index", "-600.data-00000-of-00001"]
