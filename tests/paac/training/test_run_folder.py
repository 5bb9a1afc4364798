"""The options of new and existing runs, and truncating their logs."""

import errno
import inspect

import pytest

from emulators import Emulator, make_emulator
from networks.registry import make_network
from networks.torso import TorsoSettings
from paac.cli.args_json import load_options, save_options
from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.training.find_runs import find_run, resolve_run_options
from paac.training.run_folder import RunFolder
from tests.helpers.messages import message_of


def new_run(folder, **settings):
    """Make a run's folder with its args.json, as a training does."""
    options = resolve(dict(debugging_folder=str(folder), random_seed=3, **settings))
    RunFolder(folder).save_options(options)
    return folder


def contents(folder):
    return {file: file.read_bytes() if file.is_file() else None for file in folder.rglob("*")}


def test_resolving_the_options_of_a_new_run_writes_nothing(tmp_path):
    options, lines = resolve_run_options(
        {"debugging_folder": str(tmp_path / "new"), "game": "breakout", "protocol": "machado"}
    )
    assert lines == []
    assert options.game == "breakout"
    assert options.sticky_actions == 0.25  # set by the protocol
    assert options.random_seed is not None
    assert contents(tmp_path) == {}


def test_an_existing_run_keeps_its_options_and_nothing_is_written(tmp_path):
    new_run(tmp_path / "run", game="breakout", gamma=0.9)
    before = contents(tmp_path)
    options, lines = resolve_run_options({"debugging_folder": str(tmp_path / "run"), "initial_lr": 0.5})
    assert (options.game, options.gamma, options.random_seed, options.initial_lr) == ("breakout", 0.9, 3, 0.5)
    assert len(lines) == 1
    assert "--initial_lr" in lines[0]
    assert contents(tmp_path) == before


def test_a_run_that_was_moved_resumes_in_its_new_folder(tmp_path):
    new_run(tmp_path / "old").rename(tmp_path / "moved")
    options, lines = resolve_run_options({"debugging_folder": str(tmp_path / "moved")})
    assert options.debugging_folder == str(tmp_path / "moved")
    assert lines == []


def test_changing_a_fixed_option_of_an_existing_run_is_refused_and_nothing_is_written(tmp_path):
    new_run(tmp_path / "run")
    (tmp_path / "run/checkpoints/1000").mkdir(parents=True)
    before = contents(tmp_path)
    with pytest.raises(UserError, match="--gamma 0.5"):
        resolve_run_options({"debugging_folder": str(tmp_path / "run"), "gamma": 0.5})
    assert contents(tmp_path) == before


def test_a_game_typed_by_its_long_name_is_the_same_game(tmp_path):
    new_run(tmp_path / "run", game="Snake-v0")
    (tmp_path / "run/checkpoints/1000").mkdir(parents=True)
    options, lines = resolve_run_options({"debugging_folder": str(tmp_path / "run"), "game": "gym:Snake-v0"})
    assert (options.game, lines) == ("Snake-v0", [])
    assert resolve_run_options({"debugging_folder": str(tmp_path / "new"), "game": "atari:pong"})[0].game == "pong"


def test_nothing_is_fixed_while_there_is_no_checkpoint(tmp_path):
    new_run(tmp_path / "run")
    options, lines = resolve_run_options({"debugging_folder": str(tmp_path / "run"), "gamma": 0.5})
    assert options.gamma == 0.5
    assert lines == ["--gamma is now 0.5; it was 0.99"]


def test_a_new_run_with_a_value_out_of_its_limits_is_refused(tmp_path):
    with pytest.raises(UserError, match="--gamma"):
        resolve_run_options({"debugging_folder": str(tmp_path / "new"), "gamma": 1.5})


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="-df .*file: that is a file"):
        resolve_run_options({"debugging_folder": str(tmp_path / "file")})


def test_a_typed_rom_path_must_exist(tmp_path):
    missing = str(tmp_path / "roms")
    with pytest.raises(UserError, match="--rom_path .*roms: no such folder"):
        resolve_run_options({"debugging_folder": str(tmp_path / "new"), "rom_path": missing})
    new_run(tmp_path / "run")
    with pytest.raises(UserError, match="--rom_path"):
        resolve_run_options({"debugging_folder": str(tmp_path / "run"), "rom_path": missing})


def test_the_default_rom_path_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve_run_options({"debugging_folder": "new"})[0].rom_path == "./atari_roms"


def test_a_saved_rom_path_may_be_missing(tmp_path):
    # The run was trained on another machine.
    new_run(tmp_path / "run", rom_path=str(tmp_path / "gone"))
    assert resolve_run_options({"debugging_folder": str(tmp_path / "run")})[0].rom_path == str(tmp_path / "gone")


def test_saving_the_options_creates_the_folder_and_args_json(tmp_path):
    options = resolve(dict(debugging_folder=str(tmp_path / "a" / "b")))
    RunFolder(tmp_path / "a" / "b").save_options(options)
    assert load_options(tmp_path / "a" / "b" / "args.json") == options
    RunFolder(tmp_path / "a" / "b").save_options(options)  # again, as a resume does


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="-df .*run: cannot be written") as error:
        RunFolder(tmp_path / "file" / "run").save_options(resolve({}))
    assert "\n" not in str(error.value)


def test_a_broken_args_json_is_named(tmp_path):
    run = new_run(tmp_path / "run")
    (run / "args.json").write_text("{")
    for call in (lambda: find_run(str(run)), lambda: resolve_run_options({"debugging_folder": str(run)})):
        with pytest.raises(UserError, match="args.json cannot be read"):
            call()


def test_the_options_for_emulators_and_networks_have_their_parameters_names(tmp_path):
    options = resolve(
        dict(protocol="machado", single_life_episodes=True, random_seed=8, nb_choices=3, max_repetition=4)
    )
    for_emulator, for_network = options.emulator_settings, options.network_settings
    of_every_emulator = inspect.signature(Emulator).parameters.keys()
    assert for_emulator.keys() <= inspect.signature(make_emulator).parameters.keys() | of_every_emulator
    torso = for_network.keys() - inspect.signature(make_network).parameters.keys()
    assert torso <= set(TorsoSettings._fields)
    assert for_emulator["sticky_actions"] == 0.25
    assert for_emulator["single_life_episodes"] is True
    assert "seed" not in for_emulator
    assert (for_network["seed"], for_network["nb_choices"]) == (8, 3)


def test_an_unfinished_args_json_does_not_replace_the_complete_one(tmp_path):
    run = new_run(tmp_path / "run")
    (run / ".args.json.new").write_text("{")  # as a killed process leaves it
    assert find_run(str(run))[1].random_seed == 3
    save_options(find_run(str(run))[1], run / "args.json")
    assert not (run / ".args.json.new").exists()


def test_an_error_of_writing_the_options_is_not_hidden_by_a_second_one(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run")
    before = (run / "args.json").read_bytes()

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("paac.cli.safe_files.replace_file", fail)
    monkeypatch.setattr("paac.cli.args_json.replace_file", fail)
    with (
        pytest.raises(UserError, match=r"cannot be written \(No space left") as error,
        RunFolder(run).options_saved(RunFolder(run).load_options()),
    ):
        pass
    message_of(error)
    assert (run / "args.json").read_bytes() == before


def test_the_logs_are_flushed_to_disk(tmp_path, monkeypatch):
    first = write_logs(tmp_path)
    flushed = []
    monkeypatch.setattr("paac.cli.safe_files.sync", flushed.append)
    RunFolder(tmp_path).sync_logs()
    assert flushed == [first, tmp_path / "episodes.csv"]


# Logs are truncated on a resume.


def write_logs(folder):
    """Write an event file and an episodes.csv of ten bytes each; return the event file."""
    (folder / "tf").mkdir()
    first = folder / "tf" / "events.out.tfevents.1.here"
    first.write_bytes(b"0123456789")
    (folder / "episodes.csv").write_bytes(b"abcdefghij")
    return first


def test_the_logs_are_event_files_and_episodes_csv(tmp_path):
    assert RunFolder(tmp_path).log_lengths() == {}
    write_logs(tmp_path)
    (tmp_path / "args.json").write_text("{}")
    (tmp_path / "tf" / "notes.txt").write_text("mine")
    assert RunFolder(tmp_path).log_lengths() == {"tf/events.out.tfevents.1.here": 10, "episodes.csv": 10}


def test_logs_are_truncated_to_their_lengths_and_later_ones_deleted(tmp_path):
    first = write_logs(tmp_path)
    lengths = RunFolder(tmp_path).log_lengths()
    first.write_bytes(b"0123456789 and more")
    (tmp_path / "episodes.csv").write_bytes(b"abcdefghij and more")
    later = tmp_path / "tf" / "events.out.tfevents.2.here"
    later.write_bytes(b"of a session after the checkpoint")
    (tmp_path / "tf" / "notes.txt").write_text("mine")
    lines = RunFolder(tmp_path).truncate_logs(lengths)
    assert lines == ["Deleted the curves and episodes of later decisions: the training goes on from here"]
    assert first.read_bytes() == b"0123456789"
    assert (tmp_path / "episodes.csv").read_bytes() == b"abcdefghij"
    assert not later.exists()
    assert (tmp_path / "tf" / "notes.txt").read_text() == "mine"


def test_a_new_run_deletes_existing_logs(tmp_path):
    write_logs(tmp_path)
    RunFolder(tmp_path).truncate_logs({})
    assert RunFolder(tmp_path).log_lengths() == {}


def test_missing_and_shorter_logs_are_left_unchanged(tmp_path):
    first = write_logs(tmp_path)
    lines = RunFolder(tmp_path).truncate_logs(
        {"tf/events.out.tfevents.1.here": 99, "episodes.csv": 10, "tf/events.out.tfevents.0.missing": 5}
    )
    assert lines == [
        f"{first}: the last 89 of 99 bytes at the checkpoint are missing",
        f"{tmp_path}/tf/events.out.tfevents.0.missing: the last 5 of 5 bytes at the checkpoint are missing",
    ]
    assert first.read_bytes() == b"0123456789"  # no zeros were appended
    assert RunFolder(tmp_path).log_lengths() == {"tf/events.out.tfevents.1.here": 10, "episodes.csv": 10}
