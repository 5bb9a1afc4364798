"""Fixtures of the tests of tune.py."""

import json
from pathlib import Path

import pytest

from tests.helpers.search import SPACE, Player


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with the file space.json."""
    monkeypatch.chdir(tmp_path)
    Path("space.json").write_text(json.dumps(SPACE))
    return tmp_path


@pytest.fixture
def player(folder, monkeypatch):
    """The score rises with the learning rate, and with the decisions. No pictures are drawn."""
    from experiments import trainings

    monkeypatch.setattr("figures.study.draw_study", lambda *_: [])
    made = Player(lambda options, step: options.initial_lr * step)
    monkeypatch.setattr(
        trainings.Trainings,
        "train",
        lambda self, arguments, print_line, stop_when: made.train(self, arguments, print_line, stop_when),
    )
    return made
