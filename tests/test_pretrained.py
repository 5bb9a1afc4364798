"""The trained agents of the project play as well as measured, and the READMEs have their results."""

import json
import re

import pytest

from agents.publishing import format_score
from tests.helpers import ROOT

AGENTS = sorted(path.parent for path in (ROOT / "pretrained").glob("*/args.json"))


@pytest.mark.parametrize(
    "agent",
    [pytest.param(agent, id=agent.name, marks=[] if agent.name == "snake" else [pytest.mark.slow]) for agent in AGENTS],
)
def test_an_agent_plays_far_better_than_at_random(commands, agent):
    commands.run("test.py", "-f", str(agent), "-tc", "4", "--seed", "2", "--json", "tests.json")
    mean = json.loads((commands.folder / "tests.json").read_text())["mean"]
    result = json.loads((agent / "RESULT.json").read_text())
    assert mean > result["random"]["mean"] + 2 * result["random"]["std"]
    assert len(result["agent"]["scores"]) >= 50


def test_each_agent_is_small():
    for agent in AGENTS:
        assert sum(file.stat().st_size for file in agent.rglob("*")) < 30e6


def test_the_scores_in_the_readme_are_those_of_the_results():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d,.-]+) \| ([\d.-]+) \| .* \| ([\d.]+) M \|$", text, re.M)
    assert len(rows) >= 8
    for name, *shown in rows:
        result = json.loads((ROOT / "pretrained" / name / "RESULT.json").read_text())
        scores = [format_score(result[player]["mean"]) for player in ("agent", "random")]
        assert shown == [*scores, f"{result['training']['decisions'] / 1e6:.1f}"]
