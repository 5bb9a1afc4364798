"""Tests the lookup of the game that a user names, and the errors that suggest other names."""

import importlib
import json
import os
import pickle
import shutil
import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from ale_py import roms

from emulators import Game, GameError, find_game, list_games, make_emulator, short_name
from emulators.atari import game_names
from emulators.registry import choose_frame_skip, frame_skip_by_name

MANY_PLAYERS = ["combat", "joust", "maze_craze", "warlords"]


def bundled(name: str) -> Path:
    return Path(roms.get_rom_path(name))


def test_there_are_104_games_and_each_can_be_found(tmp_path):
    names = game_names()
    assert len(names) == 104
    assert sorted([*names, *MANY_PLAYERS]) == sorted(roms.get_all_rom_ids())
    for name in names:
        game = find_game(f"atari:{name}", str(tmp_path))
        assert (game.platform, game.name, game.notice) == ("atari", name, "")
        assert Path(game.rom) == bundled(name)


@pytest.mark.parametrize("name", MANY_PLAYERS)
def test_games_for_two_players_are_refused_by_name(name, tmp_path):
    with pytest.raises(GameError, match=f"-g {name}: .*two players"):
        find_game(name, str(tmp_path))
    with pytest.raises(GameError, match=f"-g {name}: .*two players"):
        make_emulator(name, seed=1, rom_path=str(tmp_path))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("pnog", "pong"),
        ("PONG", "pong"),
        ("brekout", "breakout"),
        ("ms-pacman", "ms_pacman"),
        ("ms pacman", "ms_pacman"),
        ("MsPacman", "ms_pacman"),
        ("SpaceInvaders", "space_invaders"),
        ("../pong", "pong"),
        ("atari:seaqest", "seaquest"),
    ],
)
def test_the_error_for_an_unknown_name_suggests_similar_names(typed, meant, tmp_path):
    with pytest.raises(GameError, match=rf"-g {typed}: .*did you mean .*\b{meant}\b"):
        find_game(typed, str(tmp_path))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ALE/Pong-v5", "pong"),
        ("Pong-v0", "pong"),
        ("PongNoFrameskip-v4", "pong"),
        ("BreakoutDeterministic-v4", "breakout"),
        ("MsPacman-ramNoFrameskip-v4", "ms_pacman"),
        ("ALE/Tetris-v5", "atari:tetris"),
    ],
)
def test_gymnasiums_names_of_atari_games_are_answered_with_ours(typed, meant, tmp_path):
    with pytest.raises(GameError, match=rf"^-g {typed}: .*; did you mean {meant}\? It is the same game, but not with"):
        find_game(typed, str(tmp_path))


def test_a_name_in_other_letters_is_the_only_one_suggested(tmp_path):
    with pytest.raises(GameError, match=r"did you mean pong\?"):
        find_game("Pong", str(tmp_path))


def test_suggestions_include_the_users_own_roms(tmp_path):
    shutil.copy(find_game("pong").rom, tmp_path / "zzyzx_road.bin")
    (tmp_path / "zzyzx_roads.bin").write_bytes(b"x")
    with pytest.raises(GameError, match=r"did you mean zzyzx_road\?"):
        find_game("zzyzxroad", str(tmp_path))
    assert list_games(str(tmp_path))["atari"][0] == "zzyzx_road"
    assert "zzyzx_roads" not in list_games(str(tmp_path))["atari"], "it cannot be played"


def test_the_error_for_a_name_without_similar_names_gives_examples(tmp_path):
    with pytest.raises(GameError, match=r"examples are (\w+, )+\w+") as error:
        find_game("qqqqqqqqq", str(tmp_path))
    assert "did you mean" not in str(error.value)
    assert "\n" not in str(error.value)


def test_tetris_is_our_own_game_and_the_atari_game_needs_its_platform(tmp_path):
    assert find_game("tetris", str(tmp_path)).platform == "tetris"
    game = find_game("atari:tetris", str(tmp_path))
    assert (game.platform, game.name) == ("atari", "tetris")
    assert Path(game.rom) == bundled("tetris")


@pytest.mark.parametrize("name", ["pong", "atari:tetris"])
def test_a_games_own_name_finds_it_again(name, tmp_path):
    # So the name in args.json can be typed again.
    game = find_game(name, str(tmp_path))
    assert str(game) == short_name(name) == name
    assert find_game(str(game), str(tmp_path)) == game


def test_the_platform_atari_may_be_left_out(tmp_path):
    assert short_name("atari:pong") == "pong"
    assert find_game("atari:pong", str(tmp_path)) == find_game("pong", str(tmp_path))


@pytest.mark.parametrize("typed", ["nintendo:pong", "atari2600:pong", "atari:atari:pong", "../atari:pong"])
def test_an_unknown_platform_is_refused(typed, tmp_path):
    with pytest.raises(GameError, match="no platform"):
        find_game(typed, str(tmp_path))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../mine", "./mine", "sub/mine", ".hidden", "mine\n", "mi\0ne", "mine*", "atari:", "~"]
)
def test_names_that_are_paths_are_refused(name, tmp_path):
    # There is a real ROM at every path that such a name could lead to.
    inside = tmp_path / "roms"
    (inside / "sub").mkdir(parents=True)
    for place in (tmp_path, inside, inside / "sub"):
        for file in ("mine.bin", ".hidden.bin", ".bin", "..bin", "...bin"):
            shutil.copy(bundled("pong"), place / file)
    with pytest.raises(GameError, match="no game of that name"):
        find_game(name, str(inside))


def test_an_absolute_path_is_refused(tmp_path):
    shutil.copy(bundled("pong"), tmp_path / "mine.bin")
    with pytest.raises(GameError, match="no game of that name"):
        find_game(str(tmp_path / "mine"), str(tmp_path))


def test_the_users_own_rom_is_found_by_its_file_name(tmp_path):
    shutil.copy(bundled("breakout"), tmp_path / "my_game-2.bin")
    game = find_game("my_game-2", str(tmp_path))
    assert Path(game.rom) == tmp_path / "my_game-2.bin"
    assert (game.name, game.notice) == ("my_game-2", "")
    mine = make_emulator("my_game-2", seed=4, rom_path=str(tmp_path))
    theirs = make_emulator("breakout", seed=4, rom_path=str(tmp_path))
    np.testing.assert_array_equal(mine.reset(), theirs.reset())
    assert mine.num_actions == 4


@pytest.mark.parametrize(
    "name", ["My Game", "Pong (1977) [a1]", "v1.2", "it's", 'the "best"', "a*?", "mine.bin", "Élan é"]
)
def test_every_name_that_is_listed_can_be_played(name, tmp_path):
    shutil.copy(bundled("pong"), tmp_path / f"{name}.bin")
    assert list_games(str(tmp_path))["atari"][0] == name
    for typed in (name, f"atari:{name}"):
        game = find_game(typed, str(tmp_path))
        assert (game.platform, game.name, game.notice) == ("atari", name, "")
        assert Path(game.rom) == tmp_path / f"{name}.bin"
        assert find_game(str(game), str(tmp_path)) == game, "the name in args.json can be typed again"
    assert make_emulator(name, seed=1, rom_path=str(tmp_path)).num_actions == 6


def test_files_whose_names_cannot_be_typed_are_not_listed(tmp_path):
    for name in (".hidden", "atari: mine"):
        shutil.copy(bundled("pong"), tmp_path / f"{name}.bin")
    assert not {".hidden", "atari: mine"} & set(list_games(str(tmp_path))["atari"])


def test_the_users_own_rom_takes_precedence_over_the_librarys(tmp_path):
    shutil.copy(bundled("breakout"), tmp_path / "pong.bin")
    game = find_game("pong", str(tmp_path))
    assert Path(game.rom) == tmp_path / "pong.bin"
    assert game.notice == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make_emulator("pong", seed=1, rom_path=str(tmp_path)).num_actions == 4  # Pong has 6


def test_a_link_to_a_rom_is_accepted(tmp_path):
    (tmp_path / "linked.bin").symlink_to(bundled("pong"))
    assert Path(find_game("linked", str(tmp_path)).rom) == tmp_path / "linked.bin"


def garbage(file: Path) -> None:
    file.write_bytes(np.random.default_rng(0).bytes(4096))


def truncated(file: Path) -> None:
    file.write_bytes(bundled("pong").read_bytes()[:-1])


def huge(file: Path) -> None:
    # Reading all of it would take minutes.
    shutil.copy(bundled("pong"), file)
    os.truncate(file, 1 << 36)


BAD_FILES = {
    "empty": Path.touch,
    "garbage": garbage,
    "truncated": truncated,
    "folder": Path.mkdir,
    "link to itself": lambda file: file.symlink_to(file),
    "link to nothing": lambda file: file.symlink_to("nothing"),
    "huge": huge,
    "pipe": os.mkfifo,
    "game for two players": lambda file: shutil.copy(bundled("combat"), file),
}


@pytest.mark.parametrize("make", BAD_FILES.values(), ids=BAD_FILES)
def test_the_librarys_own_rom_replaces_a_bad_file_with_a_notice(make, tmp_path):
    make(tmp_path / "pong.bin")
    game = find_game("pong", str(tmp_path))
    assert Path(game.rom) == bundled("pong")
    assert str(tmp_path / "pong.bin") in game.notice
    assert "\n" not in game.notice


@pytest.mark.parametrize("make", BAD_FILES.values(), ids=BAD_FILES)
def test_the_error_for_a_bad_file_without_a_replacement_names_it(make, tmp_path):
    make(tmp_path / "mine.bin")
    with pytest.raises(GameError, match=r"mine\.bin"):
        find_game("mine", str(tmp_path))


def test_make_emulator_gives_the_notice_as_a_warning(tmp_path):
    garbage(tmp_path / "pong.bin")
    with pytest.warns(UserWarning, match=r"pong\.bin.*the library's own pong"):
        emulator = make_emulator("pong", seed=1, rom_path=str(tmp_path))
    assert emulator.num_actions == 6


@pytest.mark.parametrize("folder", ["missing", "a_file"])
def test_the_librarys_games_need_no_rom_path(folder, tmp_path):
    (tmp_path / "a_file").touch()
    assert Path(find_game("pong", str(tmp_path / folder)).rom) == bundled("pong")
    with pytest.raises(GameError, match="did you mean pong"):
        find_game("pnog", str(tmp_path / folder))


def test_a_game_that_was_found_can_be_pickled_and_made_elsewhere():
    game = pickle.loads(pickle.dumps(find_game("pong")))
    assert isinstance(game, Game)
    assert make_emulator(game, seed=1, rom_path="is not used").num_actions == 6


FRAME_SKIPS = {  # of new runs and of earlier ones
    "pong": (4, 4),
    "atari:tetris": (4, 4),
    "tetris": (1, 1),
    "Tetris": (1, 1),
    "tetris:tetris": (1, 1),
    "Snake-v0": (2, 2),
    "gym:CartPole-v1": (2, 2),
    "MountainCar-v0": (2, 2),
    "FrozenLake-v1": (1, 2),
    "Taxi-v4": (1, 2),
    "CliffWalking-v1": (1, 2),
}


@pytest.mark.parametrize("game", FRAME_SKIPS)
def test_the_frame_skip_suits_the_game_and_earlier_runs_keep_theirs(game):
    new, earlier = FRAME_SKIPS[game]
    emulator = make_emulator(game, seed=1)
    assert emulator.frame_skip == choose_frame_skip(game) == new
    assert emulator.pooled_frames == min(2, new)
    assert frame_skip_by_name(game) == earlier
    emulator.close()


def test_a_game_that_is_not_on_this_machine_has_a_frame_skip_too():
    assert frame_skip_by_name("a_rom_that_does_not_exist") == choose_frame_skip("a_rom_that_does_not_exist") == 4
    assert frame_skip_by_name("MinAtar/Breakout-v1") == choose_frame_skip("MinAtar/Nothing-v1") == 2
    assert frame_skip_by_name("no_such_module:Fake-v0") == choose_frame_skip("no_such_module:Fake-v0") == 2


@pytest.mark.parametrize(("fps", "skip"), [(1, 1), (10, 1), (10.5, 2), (30, 2), (None, 2), ("4", 2), (0, 2)])
def test_an_environment_of_at_most_ten_steps_a_second_is_played_step_by_step(fps, skip):
    fake, kwargs = "tests.helpers.environments:Fake-v0", json.dumps({"fps": fps})
    assert choose_frame_skip(fake, env_kwargs=kwargs) == skip
    emulator = make_emulator(fake, seed=1, env_kwargs=kwargs, random_start=False)
    emulator.reset()
    assert emulator.step(0)[1] == skip  # each step has a reward of 1


def test_a_registered_environment_may_have_a_name_in_small_letters():
    gymnasium.register("fake-slow-v0", "tests.helpers.environments:Fake", kwargs={"fps": 5})
    try:
        assert choose_frame_skip("fake-slow-v0") == 1
    finally:
        del gymnasium.registry["fake-slow-v0"]


@pytest.mark.parametrize(("game", "skip"), [("FrozenLake-v1", 3), ("CartPole-v1", 1), ("Snake-v0", 1)])
def test_the_frame_skip_of_gymnasiums_games_can_be_chosen(game, skip):
    emulator = make_emulator(game, seed=1, frame_skip=skip)
    assert emulator.frame_skip == skip and emulator.pooled_frames == min(2, skip)
    emulator.reset()
    before = emulator._frames
    emulator.step(0)
    assert emulator._frames == before + skip


@pytest.mark.parametrize(("game", "own"), [("pong", 4), ("atari:tetris", 4), ("tetris", 1)])
def test_the_frame_skip_of_other_platforms_cannot_be_changed(game, own):
    assert make_emulator(game, seed=1, frame_skip=own).frame_skip == own
    with pytest.raises(GameError, match=f"^--frame_skip 2: {game} always has a frame skip of {own}; leave"):
        make_emulator(game, seed=1, frame_skip=2)


def test_arguments_are_refused_for_a_game_that_takes_none():
    with pytest.raises(GameError, match="-g Catcher-v0: --env_kwargs apply only to Gymnasium's environments"):
        make_emulator("Catcher-v0", seed=1, env_kwargs='{"max_episode_steps": 50}')


def test_the_frame_skip_by_name_of_another_packages_game_is_known_without_importing_it(monkeypatch):
    monkeypatch.setattr(importlib, "import_module", lambda name: pytest.fail(f"{name} was imported"))
    assert frame_skip_by_name("not_here:Game-v0") == 2
