"""What the scripts write into the folder of a run follows no link there."""

import createTrainingVideo
import genGifs
import numpy as np
import pytest
import report
import testAll

from agents import publishing
from experiments.folder import Experiment, create_experiment
from experiments.plan import PlannedRun
from figures.style import new_figure, save_figure
from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.cli.output_paths import writable_file
from paac.training.run_folder import RunFolder
from paac.video.film import Film
from tests.helpers.made_runs import scored

SECRET = "a private key"


@pytest.fixture
def secret(tmp_path):
    """A file outside the run, which must stay as it is."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    yield file
    assert file.read_text() == SECRET


@pytest.fixture
def run(tmp_path):
    """A run with a few episodes, and the folder of its checkpoint, which cannot be loaded."""
    run = scored(tmp_path / "run", 1.0, 2.0)
    (run.folder / "checkpoints/20").mkdir(parents=True)
    return run


def link_all(folder, secret, *names):
    for name in names:
        (folder / name).symlink_to(secret)


def test_tables_replace_links(run, secret, monkeypatch):
    link_all(run.folder, secret, "tests.csv", "tests.json", ".tests.csv.new", ".tests.json.new")
    monkeypatch.setattr(testAll, "test_agent", lambda *_: dict.fromkeys(testAll.COLUMNS, 1))
    testAll.main(["-f", str(run.folder)])
    for name in ("tests.csv", "tests.json"):
        assert (run.folder / name).is_file() and not (run.folder / name).is_symlink()
        assert (run.folder / name.replace(".", "-2.")).is_symlink(), "kept as it was"
    assert not list(run.folder.glob(".*.new"))


def test_films_and_pictures_replace_links(run, secret):
    link_all(run.folder, secret, "a_1.gif", ".a_1.gif.new", "curves.png", ".curves.svg.new")
    film = Film(frame_rate=30)
    film.add(np.zeros((8, 8, 3), np.uint8))
    film.save(run.folder / "a_1.gif")
    assert (run.folder / "a_1.gif").read_bytes()[:3] == b"GIF"
    png, svg = save_figure(new_figure(1, 1), run.folder, "curves")
    assert png.read_bytes()[1:4] == b"PNG" and "<svg" in svg.read_text()


def test_a_folder_of_films_that_is_a_link_is_refused(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (run.folder / "gifs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="run/gifs is a symbolic link"):
        genGifs.main(["-f", str(run.folder)])


@pytest.mark.parametrize(
    ("main", "name"), [(report.main, "report.html"), (createTrainingVideo.main, "Training.mp4")], ids=["page", "video"]
)
@pytest.mark.parametrize("typed", [True, False])
def test_a_page_and_a_video_are_not_written_through_a_link(run, secret, main, name, typed):
    link_all(run.folder, secret, name)
    file = run.folder / name
    arguments = ["--to", str(file)] if typed else []
    with pytest.raises(UserError, match=f"--to .*run/{name}: is a symbolic link"):
        main([*(["-f"] if name == "Training.mp4" else []), str(run.folder), *arguments])


def test_the_terminal_may_be_named_as_a_file(tmp_path):
    (tmp_path / "stdout").symlink_to("/dev/stdout")
    with pytest.raises(UserError, match="--json .*stdout: is a symbolic link"):
        writable_file("--json", tmp_path / "stdout")
    try:
        assert str(writable_file("--json", "/dev/stdout")) == "/dev/stdout"
    except UserError as error:  # a user who may not write into /dev
        assert "symbolic link" not in str(error)


def test_a_link_is_not_published(run, secret, tmp_path, monkeypatch):
    run.folder.joinpath("episodes.csv").unlink()
    link_all(run.folder, secret, "episodes.csv")
    monkeypatch.setattr(publishing, "export_agent", lambda source, options, to: to.path.mkdir())
    with pytest.raises(UserError, match="episodes.csv is a symbolic link"):
        publishing.publish(run, tmp_path / "agents/a", episodes=1, seed=1, machine="")
    assert list((tmp_path / "agents").iterdir()) == []


def test_the_files_of_a_batch_follow_no_link(tmp_path, secret):
    run = tmp_path / "logs/experiment/a"
    run.mkdir(parents=True)
    link_all(run.parent, secret, ".experiment.json.new")
    link_all(run, secret, ".args.json.new")
    planned = PlannedRun("experiment", "a", {}, resolve({}))
    create_experiment(Experiment(run.parent, [planned]))
    assert RunFolder(run).exists() and (run.parent / "experiment.json").is_file()
    link_all(run, secret, "train.log")
    with pytest.raises(UserError, match="a/train.log is a symbolic link"):
        create_experiment(Experiment(run.parent, [planned]))
