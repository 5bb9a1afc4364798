"""The options that set the hyperparameters, and the schedules of learning rate and epsilon."""

from types import SimpleNamespace

import pytest

from paac.cli.options import resolve
from paac.learner import Hyperparameters
from paac.training import loop
from paac.training.hyperparameters import epsilon, learner_hyperparameters


def test_every_option_of_the_algorithm_reaches_the_learner():
    options = resolve(
        {
            **dict(random_seed=1, max_repetition=4, nb_choices=3, max_local_steps=7, reward_clip=2.0, gamma=0.5),
            **dict(figar_discount="play", entropy_regularisation_strength=0.03, egreedy=True, alpha=0.9, e=0.01),
            **dict(clip_norm=7.0, clip_norm_type="local"),
        }
    )
    assert learner_hyperparameters(options) == Hyperparameters(
        repetition_table=[0, 2, 4],
        max_local_steps=7,
        reward_clip=2.0,
        gamma=0.5,
        discount_per_play=True,
        entropy_coef=0.03,
        egreedy=True,
        rmsprop_decay=0.9,
        rmsprop_epsilon=0.01,
        clip_norm=7.0,
        clip_norm_type="local",
    )
    assert not learner_hyperparameters(resolve({"random_seed": 1})).discount_per_play


def test_epsilon_falls_over_its_own_steps_and_only_if_it_is_annealed():
    schedule = {"egreedy": True, "epsilon": 0.4, "annealed_steps": 100, "lr_annealing_steps": 1000, "random_seed": 1}
    annealed = resolve({**schedule, "annealed": True})
    assert [epsilon(annealed, step) for step in (0, 50, 100, 200)] == [0.4, 0.2, 0, 0]
    assert epsilon(resolve(schedule), 50) == 0.4


def test_the_learning_rate_of_an_update_is_that_of_its_end_and_of_all_emulators():
    def update(lr, epsilon, summarize_gradients):
        rates.append(lr)
        raise KeyboardInterrupt

    rates = []
    training = SimpleNamespace(
        options=resolve({"scale_lr": True, "lr_annealing_steps": 1000, "random_seed": 1}),
        pool=SimpleNamespace(count=4),
        total_emulators=8,
        state=SimpleNamespace(global_step=100),
        learner=SimpleNamespace(decisions_per_update=40, update=update),
        recorder=SimpleNamespace(wants_gradients=False),
    )
    with pytest.raises(KeyboardInterrupt):
        loop.Training.update(training)
    assert rates == [pytest.approx(0.0007 * 8 * (1 - 140 / 1000))]
