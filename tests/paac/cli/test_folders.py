"""Walking through folders, some of which are behind links."""

import pytest

from paac.cli.folders import unique_names, walk


@pytest.fixture
def folders(tmp_path):
    """A folder `inside` with a folder and links, and a folder `outside` that only a link leads to."""
    for name in ("inside/z/run", "outside/deep"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def found(folder):
    return sorted(path.removeprefix(f"{folder}/") for path, _, _ in walk(folder / "inside"))


def test_folders_behind_links_are_found(folders):
    (folders / "inside/link").symlink_to(folders / "outside")
    (folders / "inside/z/broken").symlink_to("nowhere")
    assert found(folders) == ["inside", "inside/link", "inside/link/deep", "inside/z", "inside/z/run"]


def test_a_loop_of_links_ends(folders):
    (folders / "inside/loop").symlink_to(".")
    (folders / "inside/z/loop").symlink_to("..")
    (folders / "inside/link").symlink_to(folders / "outside")
    (folders / "outside/back").symlink_to(folders / "inside")
    assert found(folders) == ["inside", "inside/link", "inside/link/deep", "inside/z", "inside/z/run"]


def test_a_folder_has_its_own_path_and_not_that_of_a_link(folders):
    (folders / "inside/best").symlink_to("z/run")
    assert found(folders) == ["inside", "inside/z", "inside/z/run"]


def test_the_folder_itself_may_be_a_link(folders):
    (folders / "link").symlink_to("inside")
    assert sorted(path for path, _, _ in walk(folders / "link"))[0] == str(folders / "link")


def test_equal_names_get_numbers_that_no_other_name_has():
    assert unique_names(["a", "b", "a-2", "a", "a"]) == ["a", "b", "a-2", "a-3", "a-4"]


def test_a_caller_can_leave_out_folders(folders):
    walked = []
    for path, below, _ in walk(folders):
        walked.append(path)
        below[:] = [name for name in below if name != "inside"]
    assert not any("inside" in path for path in walked)
