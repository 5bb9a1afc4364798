"""What train.py and test.py say and refuse before they load TensorFlow, and the lines at the start of a training."""

import dataclasses
import hashlib
import json
import shutil
from types import SimpleNamespace

import pytest
from ale_py import roms

import test as test_script
import train
from emulators import GameError, find_game
from paac.cli.errors import UserError
from paac.cli.options import resolve
from paac.processes import Processes
from paac.summaries.address import pinned_address
from paac.training import loop, recorder
from paac.training.description import describe_curves, describe_learning_rate, describe_training
from paac.training.episodes import EpisodeTracker
from paac.training.recorder import Recorder
from paac.training.resume import check_start, tunable_options
from paac.training.run_folder import RunFolder
from paac.training.start import complete_start, prepare
from paac.training.state import TrainingState
from tests.helpers.options import parse_options


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run in the folder "run" with a checkpoint of 1000 decisions, which holds no weights."""
    monkeypatch.chdir(tmp_path)
    options = resolve({"debugging_folder": "run", "random_seed": 3, "emulator_counts": 2})
    made = RunFolder("run")
    made.save_options(options)
    write_checkpoint(made, TrainingState(EpisodeTracker(2), options.fixed, tunable_options(options), global_step=1000))
    return made


def write_checkpoint(run, state):
    folder = run.checkpoints.folder / str(state.global_step)
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(state.to_json()).encode()
    (folder / "state.json").write_bytes(content)
    entry = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps({"files": {"state.json": entry}}))


def edit(run, **changes):
    run.args.write_text(json.dumps(json.loads(run.args.read_text()) | changes))


@pytest.fixture
def started(monkeypatch):
    """Return a list of the options of each training that starts; nothing is trained."""
    trained = []
    monkeypatch.setattr("paac.training.session.start_tensorflow", lambda *_: "/cpu:0")
    monkeypatch.setattr("paac.training.loop.train", lambda options, *_: trained.append(options))
    return trained


@pytest.fixture
def no_tensorflow(monkeypatch):
    for place in ("session", "agent"):
        monkeypatch.setattr(f"paac.training.{place}.start_tensorflow", lambda *_: pytest.fail("TensorFlow was loaded"))


def test_the_users_own_rom_is_found_from_other_folders_too(tmp_path, monkeypatch):
    (tmp_path / "atari_roms").mkdir()
    shutil.copy(roms.get_rom_path("pong"), tmp_path / "atari_roms/pong.bin")
    monkeypatch.chdir(tmp_path)
    assert prepare({"game": "pong"}).options.rom_path == str(tmp_path / "atari_roms")
    assert prepare({"game": "breakout"}).options.rom_path == "./atari_roms"


@pytest.mark.parametrize(
    ("typed", "note"),
    [
        ({"game": "CartPole-v1", "random_start": True}, "--random_start has no effect: CartPole-v1 has no action that"),
        ({"game": "pong", "single_life_episodes": True}, "--single_life_episodes has no effect: pong has no lives"),
        ({"game": "breakout", "single_life_episodes": True, "random_start": True}, ""),
        ({"game": "Catcher-v0", "single_life_episodes": True}, ""),
        ({"game": "amidar", "single_life_episodes": True}, ""),  # which has no lives before its first episode
    ],
)
def test_an_option_without_effect_in_the_game_is_named(typed, note, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = [line for line in prepare(typed).notes if "has no effect" in line]
    assert len(named) == bool(note) and all(line.startswith(note) for line in named)


def test_a_new_run_is_named_in_the_first_line(tmp_path, monkeypatch, capsys, started):
    monkeypatch.chdir(tmp_path)
    train.main(["-df", "lgos/pong", "-lra", "10"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pong: new run in lgos/pong" and lines[1].startswith("--lr_annealing_steps 10 is less than")
    assert len(started) == 1


def test_a_preset_is_saved_with_the_run_and_read_by_the_first_process_only(tmp_path, monkeypatch, started):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text('{"options": {"gamma": 0.9, "emulator_counts": 4}}')
    train.main(["--preset", "mine.json", "-df", "run", "--alpha", "0.5"])
    (options,) = started
    assert (options.gamma, options.emulator_counts, options.alpha) == (0.9, 4, 0.5)
    RunFolder("run").save_options(options)
    assert "preset" not in json.loads((tmp_path / "run/args.json").read_text())
    (tmp_path / "mine.json").unlink()
    other = prepare({"preset": "mine.json", "debugging_folder": "new", "alpha": 0.5}, rank=1)
    assert complete_start(other, dataclasses.asdict(options), "new").options.gamma == 0.9


@pytest.mark.parametrize(("preset", "name"), [("fast", "fast"), ("", "breakout")])
def test_the_first_line_of_a_new_run_names_its_preset(preset, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = prepare({"game": "breakout", "preset": preset})
    assert start.notes[0] == f"breakout: new run in logs/breakout, with the preset {name}"


def test_a_run_that_goes_on_is_no_new_one(run, capsys, started):
    train.main(["-df", "run", "--entropy", "0.05"])
    assert capsys.readouterr().out.splitlines()[0] == "--entropy is now 0.05; it was 0.02"


def test_what_was_edited_in_args_json_since_the_last_checkpoint_is_said_in_one_line(run, capsys, started):
    edit(run, entropy_regularisation_strength=0.5, alpha=0.9, e=0.01)
    train.main(["-df", "run", "--e", "1e-5"])
    assert capsys.readouterr().out.splitlines()[:2] == [
        "--e is now 1e-05; it was 0.01",
        "run/args.json has changed since the last checkpoint: --entropy is now 0.5 (it was 0.02), --alpha is now 0.9 "
        "(it was 0.99)",
    ]


def test_a_checkpoint_of_an_earlier_version_does_not_know_what_was_edited(run):
    options = run.load_options()
    write_checkpoint(run, TrainingState(EpisodeTracker(2), options.fixed, global_step=1000))
    edit(run, alpha=0.9)
    assert check_start(run.load_options(), {}) == []


def test_a_session_that_cannot_start_is_refused_before_tensorflow_is_loaded(run, capsys, no_tensorflow):
    edit(run, gamma=0.5)
    with pytest.raises(UserError, match=r"^run/args.json: gamma is 0.5, but the run was trained with 0.99"):
        train.main(["-df", "run", "--entropy", "0.05"])
    saved = run.args.read_text()
    run.args.unlink()
    message = r"^run has no args.json, and its run had other options: type .*--seed \d+"
    with pytest.raises(UserError, match=message):
        train.main(["-df", "run"])
    run.args.write_text(saved)
    edit(run, gamma=0.99)
    with run.lock(), pytest.raises(UserError, match="is training there"):
        train.main(["-df", "run", "--entropy", "0.05"])
    (run.checkpoints.folder / "1000/state.json").write_text("{}")
    with pytest.raises(UserError, match="state.json is damaged; no other checkpoint"):
        train.main(["-df", "run", "--entropy", "0.05"])
    assert capsys.readouterr().out == "", "nothing is announced"


def test_an_impossible_value_of_a_fixed_option_is_named_as_such(run, no_tensorflow):
    with pytest.raises(UserError, match="^--gamma 5.0: must be from 0 to 1$"):
        train.main(["-df", "run", "--gamma", "5"])
    with pytest.raises(ValueError, match="^-g Pong: there is no game of that name; did you mean pong"):
        train.main(["-df", "run", "-g", "Pong"])
    with pytest.raises(UserError, match="^-g breakout: the run in run has pong, and that cannot change"):
        train.main(["-df", "run", "-g", "breakout"])


def test_an_agent_without_a_checkpoint_is_refused_before_tensorflow_is_loaded(run, no_tensorflow):
    (run.checkpoints.folder / "1000/state.json").write_text("{}")
    with pytest.raises(UserError, match=r"^run: no intact checkpoint there"):
        test_script.main(["-f", "run"])


def test_of_changes_that_are_typed_on_a_finished_run_only_the_end_is_saved(run, capsys):
    saved = run.load_options()
    options = parse_options(["-df", "run", "-ec", "2", "--seed", "3", "--max_global_steps", "1000"])
    loop.train(options, find_game("pong"), SimpleNamespace(requested=False))
    finished = "run is finished at 1,000 decisions; a larger --max_global_steps continues it\n"
    assert capsys.readouterr().out == finished
    assert run.load_options() == dataclasses.replace(saved, max_global_steps=1000)
    before = run.args.stat().st_mtime_ns
    changed = dataclasses.replace(options, alpha=0.5, initial_lr=0.1)
    loop.train(changed, find_game("pong"), SimpleNamespace(requested=False))
    shown = capsys.readouterr().out
    assert shown.startswith(f"{finished}Not saved, because the run is finished: --initial_lr, --alpha; to train ")
    assert run.args.stat().st_mtime_ns == before, "args.json still has what the agent was trained with"


@pytest.mark.parametrize(
    ("typed", "step", "line"),
    [
        (
            "--max_global_steps 8M",
            0,
            "from 0.0224 to 0.02016 in this training (it is annealed over 80,000,000 decisions)",
        ),
        (
            "--max_global_steps 8M -lra 8M",
            4_000_000,
            "from 0.0112 to 0 in this training (it is annealed over 8,000,000 decisions)",
        ),
        ("--scale_lr", 0, "from 0.0056 to 0 in this training"),
        ("--scale_lr", 0, "; --scale_lr starts it at 0.0007 x 8 emulators"),
        ("--scale_lr -lr 0.5", 0, "; --scale_lr starts it at 0.0007 x 8 emulators, in place of --initial_lr 0.5"),
    ],
)
def test_a_line_says_from_what_to_what_the_learning_rate_goes(typed, step, line):
    said = describe_learning_rate(parse_options(typed.split()), 8, step)
    assert said.startswith("The learning rate goes from ") and line in said
    assert "in place of" not in said or "in place of" in line


def test_a_line_says_that_the_learning_rate_hardly_changes():
    said = describe_learning_rate(parse_options(["--max_global_steps", "1000"]), 8, 0)
    assert said.startswith("The learning rate stays near 0.0224 in this training (it is annealed over 80,000,000 dec")


@pytest.mark.parametrize(
    ("count", "numbers"), [(1, "1 emulator in 1 worker and 1 shard,"), (2, "2 emulators in 2 workers")]
)
def test_the_first_lines_count_in_good_english(count, numbers):
    options = parse_options(["-ec", str(count), "--max_repetition", "2", "-df", "run"])
    pool = SimpleNamespace(count=count, worker_pids=[7] * count, shards=[0] * count, game="pong")
    network = SimpleNamespace(count_params=lambda: 1234)
    figar, setup, rate, curves = describe_training(options, pool, network, Processes(), 0)
    assert figar == "FiGAR: the number of repeats of each action is one of [0, 1, 2]"
    assert numbers in setup and "with 1,234 parameters" in setup and rate.startswith("The learning rate")
    assert curves == f"Curves: tensorboard --logdir run --host 127.0.0.1, then {pinned_address()}"
    assert len(describe_training(options, pool, network, SimpleNamespace(rank=1, count=2), 0)) == 3


def test_the_command_for_the_curves_can_be_typed_as_it_is():
    line = describe_curves(resolve({"debugging_folder": "logs/my run"}))
    assert line.startswith("Curves: tensorboard --logdir 'logs/my run' --host 127.0.0.1, then http://")


def test_few_active_units_are_reported_once_in_a_run_and_not_again_after_a_resume(monkeypatch):
    monkeypatch.setattr(recorder, "active_units", lambda *_: {"dense": 0.05})
    said = []
    state = TrainingState(EpisodeTracker(2), {}, global_step=100)

    def session(state):
        progress, pool = SimpleNamespace(print_line=said.append), SimpleNamespace(observations=None)
        return SimpleNamespace(_state=state, _options=resolve({}), _network=None, _pool=pool, _progress=progress)

    assert Recorder._active_units(session(state)) == {"active_units/dense": 0.05}
    resumed = TrainingState.from_checkpoint(SimpleNamespace(state=json.loads(json.dumps(state.to_json())), step=100))
    Recorder._active_units(session(resumed))
    assert len(said) == 1 and said[0].startswith("Fewer than 10% of the units of dense are active")


def test_a_line_says_where_cores_lie_idle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for cores, idle in ((8, False), (9, False), (10, True)):
        monkeypatch.setenv("PYTHON_CPU_COUNT", str(cores))
        notes = prepare({"game": "Catcher-v0"}).notes
        line = f"8 workers on {cores} cores: python3 script/benchmark.py --tune finds the fastest -ew, "
        assert any(note.startswith(line) for note in notes) == idle, notes
    chosen = prepare({"game": "Catcher-v0", "emulator_workers": 8}).notes
    assert not any("--tune" in note for note in chosen), "the user has chosen"


@pytest.mark.parametrize(
    ("preset", "typed", "message"),
    [
        ({"game": "pongg"}, {}, "--preset mine.json: -g pongg: there is no game of that name"),
        ({"game": "pongg"}, {"game": "pongh"}, "-g pongh: there is no game of that name"),
        ({"protocol": "machado"}, {"game": "Catcher-v0"}, "--preset mine.json: -g Catcher-v0: --sticky_actions"),
        ({"protocol": "machado"}, {"game": "Catcher-v0", "protocol": "machado"}, "-g Catcher-v0: --sticky_actions"),
    ],
)
def test_an_error_about_the_game_names_the_preset_that_it_comes_from(preset, typed, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text(json.dumps({"options": preset}))
    with pytest.raises(GameError) as error:
        prepare({"preset": "mine.json", **typed})
    assert str(error.value).startswith(message)


def test_an_error_about_the_game_names_the_file_of_the_run(run):
    edit(run, game="pongg")
    with pytest.raises(GameError, match="^run/args.json: -g pongg: there is no game of that name"):
        prepare({"debugging_folder": "run"})


def test_shards_that_were_chosen_for_more_emulators_are_chosen_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text(json.dumps({"options": {"emulator_counts": 16, "shards": 8}}))
    assert prepare({"preset": "mine.json"}).options.shards == 8
    assert prepare({"preset": "mine.json", "emulator_counts": 1}).options.shards == 1
