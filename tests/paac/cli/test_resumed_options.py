"""The options that are chosen when a run starts, and the options that may change when it is resumed."""

import dataclasses

import pytest

from paac.cli.args_json import resume_options
from paac.cli.errors import UserError
from paac.cli.options import resolve
from tests.helpers.messages import message_of
from tests.helpers.options import parse_options

SAVED = resolve(dict(game="pong", debugging_folder="old", random_seed=3, emulator_workers=4))


def test_the_original_protocol_has_random_starts_and_no_sticky_actions():
    options = resolve({})
    assert (options.random_start, options.sticky_actions, options.full_action_space) == (True, 0.0, False)


def test_the_machado_protocol_has_sticky_actions_and_all_actions_and_no_random_start():
    options = resolve(dict(protocol="machado"))
    assert (options.random_start, options.sticky_actions, options.full_action_space) == (False, 0.25, True)


def test_each_part_of_a_protocol_can_be_overridden():
    options = parse_options(["--protocol", "machado", "--random_start", "--sticky_actions", "0"])
    assert (options.random_start, options.sticky_actions, options.full_action_space) == (True, 0.0, True)
    options = parse_options(["--no-random_start", "--full_action_space"])
    assert (options.random_start, options.sticky_actions, options.full_action_space) == (False, 0.0, True)


def test_the_frame_skip_is_that_of_the_game_unless_it_is_typed():
    assert [resolve(dict(game=game)).frame_skip for game in ("pong", "FrozenLake-v1", "CartPole-v0")] == [4, 1, 2]
    assert parse_options(["-g", "FrozenLake-v1", "--frame_skip", "2"]).frame_skip == 2


@pytest.mark.parametrize(("game", "chosen"), [("FrozenLake-v1", (1, "{}", True)), ("FlappyBird-v0", (2, "{}", False))])
def test_another_game_before_the_first_checkpoint_has_its_own_frame_skip_arguments_and_start(game, chosen):
    saved = {**dataclasses.asdict(SAVED), "env_kwargs": '{"size": 8}', "random_start": not chosen[2]}
    options, _ = resume_options(saved, {"game": game}, started=False)
    assert (options.frame_skip, options.env_kwargs, options.random_start) == chosen


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"max_repetition": 4}, {"nb_choices": 5}),
        ({"max_repetition": 4, "nb_choices": 1}, {"nb_choices": 1}),
        ({"protocol": "machado"}, {"sticky_actions": 0.25, "full_action_space": True, "random_start": False}),
        ({"gamma": 0.5}, {"nb_choices": 1, "sticky_actions": 0.0}),
    ],
)
def test_what_was_chosen_for_another_value_is_chosen_again_before_the_first_checkpoint(typed, expected):
    options, _ = resume_options(dataclasses.asdict(SAVED), typed, started=False)
    assert {name: getattr(options, name) for name in expected} == expected


def test_a_run_keeps_its_choices_of_repeats_when_it_goes_on():
    saved = dataclasses.asdict(resolve(dict(max_repetition=10, nb_choices=1)))
    assert resume_options(saved, {"max_repetition": 10})[0].repetition_table == [10]


def test_a_change_of_a_fixed_option_to_an_impossible_value_is_refused_for_the_value():
    with pytest.raises(UserError, match="^--gamma 5: must be from 0 to 1$"):
        resume_options(dataclasses.asdict(SAVED), {"gamma": 5})


def test_shards_are_two_or_as_many_as_there_are_emulators():
    assert resolve({}).shards == 2
    assert resolve(dict(emulator_counts=1)).shards == 1
    assert resolve(dict(shards=5)).shards == 5


def test_the_seed_is_random_unless_it_is_given():
    seeds = {resolve({}).random_seed for _ in range(5)}
    assert len(seeds) > 1
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert resolve(dict(random_seed=0)).random_seed == 0


def test_resolving_resolved_options_changes_nothing():
    options = resolve(dict(protocol="machado"))
    assert resolve(dataclasses.asdict(options)) == options


@pytest.mark.parametrize(
    ("typed", "flag"),
    [
        ({"game": "breakout"}, "-g"),
        ({"arch": "PWYX"}, "--arch"),
        ({"rgb": True}, "--rgb"),
        ({"frame_skip": 1}, "--frame_skip"),
        ({"env_kwargs": '{"size": 8}'}, "--env_kwargs"),
        ({"max_repetition": 10}, "--max_repetition"),
        ({"activation": "leaky_relu"}, "--activation"),
        ({"keep_percentage": 0.5}, "--keep_percentage"),
        ({"gamma": 0.9}, "--gamma"),
        ({"emulator_counts": 64}, "--emulator_counts"),
        ({"max_local_steps": 6}, "--max_local_steps"),
        ({"random_seed": 4}, "--seed"),
        ({"protocol": "machado"}, "--protocol"),
        ({"random_start": False}, "--random_start"),
        ({"shards": 4}, "--shards"),
    ],
)
def test_a_change_of_a_fixed_option_is_refused_with_its_flag(typed, flag):
    with pytest.raises(UserError) as error:
        resume_options(dataclasses.asdict(SAVED), {"debugging_folder": "new", **typed})
    message = message_of(error)
    ((name, value),) = typed.items()
    assert message.startswith(flag)
    for part in (str(value), str(getattr(SAVED, name)), "new"):
        assert part in message


@pytest.mark.parametrize(
    ("typed", "flag"),
    [
        ({"initial_lr": 0.01}, "--initial_lr"),
        ({"lr_annealing_steps": 5}, "--lr_annealing_steps"),
        ({"entropy_regularisation_strength": 0.05}, "--entropy"),
        ({"epsilon": 0.5}, "--epsilon"),
        ({"egreedy": True}, "--egreedy"),
        ({"annealed": True}, "--annealed"),
        ({"annealed_steps": 5}, "--annealed_steps"),
        ({"softmax_temp": 2.0}, "--softmax_temp"),
        ({"clip_norm": 1.0}, "--clip_norm"),
        ({"clip_norm_type": "local"}, "--clip_norm_type"),
        ({"max_global_steps": 5}, "--max_global_steps"),
        ({"checkpoint_interval": 5}, "--checkpoint_interval"),
    ],
)
def test_a_change_of_a_tunable_option_is_accepted_and_reported(typed, flag):
    options, changes = resume_options(dataclasses.asdict(SAVED), {"debugging_folder": "new", **typed})
    ((name, value),) = typed.items()
    assert getattr(options, name) == value
    assert len(changes) == 1
    for part in (flag, str(value), str(getattr(SAVED, name))):
        assert part in changes[0]
    assert dataclasses.replace(options, **{name: getattr(SAVED, name)}, debugging_folder="old") == SAVED


def test_changes_of_local_options_are_accepted_silently():
    typed = {
        "device": "/cpu:0",
        "emulator_workers": 2,
        "rom_path": "r",
        "visualize": 1,
        "debugging_folder": "new",
    }
    options, changes = resume_options(dataclasses.asdict(SAVED), typed)
    assert changes == []
    assert {name: getattr(options, name) for name in typed} == typed


def test_the_given_folder_replaces_the_saved_one():
    assert resume_options(dataclasses.asdict(SAVED), {"debugging_folder": "new"})[0].debugging_folder == "new"
    # If none is typed, it is the default folder, in which the run was found.
    assert resume_options(dataclasses.asdict(SAVED), {})[0].debugging_folder == "logs/"


def test_typing_the_saved_value_is_not_a_change():
    typed = {"game": "pong", "random_seed": 3, "shards": 2, "random_start": True, "initial_lr": 0.0224}
    options, changes = resume_options(dataclasses.asdict(SAVED), {**typed, "debugging_folder": "old"})
    assert changes == []
    assert options == SAVED


def test_options_that_are_not_typed_keep_their_saved_values():
    # This holds even if the default has changed since.
    saved = dataclasses.replace(SAVED, gamma=0.5, initial_lr=0.5, keep_checkpoints=9)
    options, changes = resume_options(dataclasses.asdict(saved), {"debugging_folder": "old"})
    assert changes == []
    assert options == saved


def test_a_changed_value_out_of_its_limits_is_refused():
    with pytest.raises(UserError, match="--emulator_workers"):
        resume_options(dataclasses.asdict(SAVED), {"emulator_workers": 33})
    with pytest.raises(UserError, match="--clip_norm"):
        resume_options(dataclasses.asdict(SAVED), {"clip_norm": 0.0})
