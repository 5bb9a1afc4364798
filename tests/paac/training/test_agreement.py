"""Several processes agree on the options and the game before they train."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ale_py import roms

from emulators import find_game, make_emulator
from emulators.fingerprint import fingerprint
from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.training.distributed import SeveralProcesses
from paac.training.run_folder import RunFolder
from paac.training.start import check_equal, prepare
from tests.helpers.commands import TIMEOUT_S


class Threads(SeveralProcesses):
    """A process of two that is only a thread."""

    contents: list = [b"", b""]
    barrier = threading.Barrier(2, timeout=TIMEOUT_S)

    def all_gather_bytes(self, parts):
        self.contents[self.rank] = list(parts)
        self.barrier.wait()
        gathered = [*self.contents[0], *self.contents[1]]
        self.barrier.wait()
        return gathered


def in_both(call):
    """Return what `call(process)` returns in two processes, or the error that it raises."""

    def attempt(rank):
        try:
            return call(Threads(rank, ["a:1", "b:1"]))
        except Exception as error:
            return error

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(attempt, (0, 1)))


def agreed(*typed):
    return in_both(lambda process: process.agree(prepare(typed[process.rank], process.rank)))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(folder, **options):
    """Write the args.json of a run that has not trained yet."""
    RunFolder(folder).save_options(resolve(options))


def test_the_others_take_the_options_of_the_first_and_keep_local_ones(folder):
    save(folder / "run", game="qbert", gamma=0.5, emulator_counts=6)
    first, other = agreed({"debugging_folder": "run"}, {"debugging_folder": "elsewhere", "emulator_workers": 3})
    assert str(first.game) == str(other.game) == "qbert" and other.options.gamma == 0.5
    assert (first.options.emulator_workers, other.options.emulator_workers) == (None, 3)
    assert first.options.fixed == other.options.fixed
    assert not (folder / "elsewhere").exists() and other.options.debugging_folder != "run"


@pytest.mark.parametrize(
    ("first", "other", "message"),
    [
        ({"game": "space_invaders"}, {"game": "qbert"}, "-g is qbert here, but space_invaders in the first process"),
        ({}, {"gamma": 0.5}, "--gamma is 0.5 here, but 0.99 in the first"),
        ({"op_threads": 2}, {}, "--op_threads is 1 here, but 2 in the first"),
        ({"emulator_counts": 2}, {"emulator_workers": 3}, "--emulator_workers 3: must be at most 2"),
    ],
)
def test_an_option_that_differs_is_named_in_all_processes(first, other, message):
    errors = agreed(first, other)
    assert all(isinstance(error, UserError) and message in str(error) for error in errors)
    assert str(errors[0]).startswith("process 1: ")


def test_a_rom_that_differs_is_named_in_all_processes(folder, monkeypatch):
    monkeypatch.setattr("emulators.fingerprint._sha256", str)  # ale-py knows only one ROM of pong
    (folder / "roms").mkdir()
    shutil.copy(roms.get_rom_path("pong"), folder / "roms/pong.bin")
    errors = agreed({}, {"rom_path": str(folder / "roms")})
    assert all("-g pong: the SHA-256 of the ROM is " in str(error) for error in errors)


def test_an_environment_is_compared_by_its_source(folder, monkeypatch):
    found = []
    for name in ("CartPole-v0", "MountainCar-v0", "Catcher-v0"):
        game = find_game(name)
        found.append(fingerprint(game, make_emulator(game, seed=0)))
    sources = [one.get("SHA-256 of the environment's source") for one in found]
    assert all(sources) and len(set(sources)) == 3
    check_equal([found[0], dict(found[0])])
    with pytest.raises(UserError, match="the SHA-256 of the environment's source is .* but 0 in process 1"):
        check_equal([found[0], found[0] | {"SHA-256 of the environment's source": "0"}])


def test_an_environment_without_a_source_file_can_be_played(folder, monkeypatch):
    game = find_game("tests.helpers.environments:Fake-v0")
    monkeypatch.setattr("tests.helpers.environments.__file__", str(folder / "zipped.zip/environments.py"))
    assert "SHA-256 of the environment's source" not in fingerprint(game, make_emulator(game, seed=0))


def test_an_error_in_one_process_ends_all():
    def fail_in_the_second(process):
        with process.together():
            if process.rank:
                raise OSError(28, "No space left on device")
        return "goes on"

    first, second = in_both(fail_in_the_second)
    assert isinstance(first, UserError) and str(first) == "process 1: [Errno 28] No space left on device"
    assert isinstance(second, OSError)
    assert in_both(lambda process: process.together().__enter__()) == [None, None]


def test_only_the_first_process_has_notes_and_a_window(folder):
    Path("roms").mkdir()
    Path("roms/pong.bin").write_bytes(b"no game")
    typed = {"rom_path": "roms", "visualize": 1, "lr_annealing_steps": 5}
    first, other = prepare(typed), prepare(typed, rank=1)
    assert len(first.notes) >= 3 and first.options.visualize == 1
    assert not other.notes and other.options.visualize == 0


def test_a_device_saved_in_a_shared_folder_is_used_by_the_others(folder):
    save(folder / "run", device="/cpu:0")
    assert prepare({"debugging_folder": "run"}, rank=1).options.device == "/cpu:0"
