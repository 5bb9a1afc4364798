"""Published agents: a folder for each, with how it was trained and how it scores, and a table of all.

NAME/
    args.json, episodes.csv     as in a run
    checkpoints/STEP/           the newest, without the emulators: a few MB
    RESULT.json                 how it was trained, how it was tested, and what others score
"""

import dataclasses
import json
import shlex
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.commands import test
from agents.players import baselines
from emulators import find_game, short_name
from experiments.train_command import train_command
from figures.published_scores import ORIGINAL_SCORES
from figures.runs import Run
from paac.cli.args_json import read_json
from paac.cli.errors import UserError
from paac.cli.options import usable_cores
from paac.training.run_folder import RunFolder

RESULT = "RESULT.json"
COMMAND_START = 4  # words of a command up to the folder, which is of no interest
COLUMNS = ("agent", "score", "random", "rule", "original", "decisions", "frames", "hours", "`python3 train.py`")


def publish(run: Run, to: Path, *, episodes: int, seed: int, machine: str) -> dict[str, Any]:
    """Write the folder `to` of the run's agent, in place of what was there; returns what RESULT.json holds.

    Raises UserError without a checkpoint, CommandError if the agent cannot be played, and OSError.
    """
    source = RunFolder(run.folder)
    steps = source.checkpoints.steps()
    if not steps:
        raise UserError(f"--run {run.folder}: no checkpoint there; train it first, or name another run")
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent, ignore_cleanup_errors=True) as folder:
        aside = Path(folder) / to.name
        source.copy_agent(steps[-1], aside, emulators=False)
        shutil.copy(source.episodes_csv, aside)
        options = dataclasses.replace(run.options, debugging_folder=f"logs/{to.name}", emulator_workers=None)
        RunFolder(aside).save_options(options)
        found = result(run, test(aside, "-tc", str(episodes), "--seed", str(seed)), to.name, machine)
        (aside / RESULT).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        before = Path(folder) / "before"
        if to.exists():
            to.rename(before)
        try:
            aside.rename(to)
        except OSError:
            if before.exists():
                before.rename(to)
            raise
    return found


def result(run: Run, tests: dict[str, Any], name: str, machine: str) -> dict[str, Any]:
    """What RESULT.json holds for the agent of `run` and `tests`, the report of test.py; plays the baselines."""
    options = run.options
    settings = options.emulator_settings | {"single_life_episodes": False}  # as in test.py
    others = baselines(find_game(options.game, options.rom_path), len(tests["scores"]), tests["seed"], **settings)
    return {
        "game": run.game,
        "training": {
            "command": train_command(options, name),
            "decisions": tests["step"],
            # Of the last decisions, whose episodes have not ended, at the pace of all.
            "frames": round(float(run.at("frames")[-1]) * tests["step"] / int(run.steps[-1])),
            "hours": round(float(run.at("hours")[-1]), 2),
            "machine": machine,
            "last_50_episodes": round(float(run.last_scores.mean()), 2),
        },
        "protocol": {
            "protocol": options.protocol,
            "noops": tests["noops"],
            "sticky_actions": options.sticky_actions,
            "max_episode_frames": options.max_episode_frames,
            "greedy": tests["greedy"],
            "seed": tests["seed"],
            "episodes": len(tests["scores"]),
        },
        "agent": summary(tests["scores"]),
        **{player: summary(scores) for player, scores in others.items()},
    }


def summary(scores: Sequence[float]) -> dict[str, Any]:
    """Of the raw scores of some episodes."""
    return {
        "mean": round(statistics.fmean(scores), 2),
        "std": round(statistics.pstdev(scores), 2),
        "min": min(scores),
        "max": max(scores),
        "scores": list(scores),
    }


def table(folder: Path) -> list[str]:
    """The lines of a Markdown table of all agents in `folder`. Raises UserError if there is none."""
    files = sorted(folder.glob(f"*/{RESULT}"))
    if not files:
        raise UserError(f"-f {folder}: no agent with a {RESULT} there; write one with publish.py")
    rows = [COLUMNS, ["---"] * len(COLUMNS), *(_row(file) for file in files)]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _row(file: Path) -> list[str]:
    try:
        return _cells(file.parent.name, read_json(file))
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file}: not as publish.py writes it ({error}); publish the agent again") from None


def _cells(name: str, found: dict[str, Any]) -> list[str]:
    training = found["training"]
    original = ORIGINAL_SCORES.get(short_name(found["game"]))
    return [
        f"`{name}`",
        f"**{_number(found['agent']['mean'])}** ± {_number(found['agent']['std'])}",
        _number(found["random"]["mean"]),
        _number(found["rule"]["mean"]) if "rule" in found else "",
        " / ".join(map(_number, original)) if original else "",
        f"{training['decisions'] / 1e6:.2f} M",
        f"{training['frames'] / 1e6:.1f} M",
        f"{training['hours']:.1f}",
        f"`{shlex.join(shlex.split(training['command'])[COMMAND_START:])}`",
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}"


def this_machine() -> str:
    """In words: cores and their name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # macOS
        lines = []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "a processor")
    return f"{usable_cores()} cores of {name}"
