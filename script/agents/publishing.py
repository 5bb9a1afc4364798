"""Published agents: one folder per agent, with a record of its training and scores, and a table of all agents.

NAME/
    args.json, episodes.csv     as in the folder of a run
    checkpoints/STEP/           the newest checkpoint, of which only the weights and counters: a few MB
    RESULT.json                 the agent's training, its test scores, and the scores of the baselines
"""

import dataclasses
import json
import re
import shlex
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.commands import test_agent
from agents.players import baseline_scores
from emulators import find_game, short_name
from experiments.train_command import train_command
from figures.published_scores import ORIGINAL_SCORES
from figures.runs import Run
from paac.cli.args_json import read_json
from paac.cli.errors import UserError
from paac.cli.folders import valid_utf8
from paac.cli.safe_files import read_unlinked_file
from paac.training.provenance import read_sessions
from paac.training.run_folder import RESULT, RunFolder
from paac.training.saved_network import export_agent

COLUMNS = ("agent", "score", "random", "rule", "original", "decisions", "frames", "hours", "`python3 train.py`")


def publish(run: Run, to: Path, *, episodes: int, seed: int, machine: str) -> dict[str, Any]:
    """Write the run's agent to the folder `to`, and replace an agent there; returns the content of RESULT.json.

    `machine` describes the machine that trained the agent. Raises UserError if the run has no checkpoint, CommandError
    if test.py fails, and OSError if the folder cannot be written.
    """
    source = RunFolder(run.folder)
    if not source.has_checkpoint():
        raise UserError(f"--run {run.folder}: no checkpoint there; train it first, or name another run")
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent, ignore_cleanup_errors=True) as folder:
        unfinished = Path(folder) / to.name
        options = dataclasses.replace(run.options, debugging_folder=f"logs/{to.name}", emulator_workers=None)
        export_agent(source, options, RunFolder(unfinished))
        lines = read_unlinked_file(source.episodes_csv).splitlines(keepends=True)
        run = _until(run, RunFolder(unfinished).checkpoints.steps()[-1])
        (unfinished / source.episodes_csv.name).write_bytes(b"".join(lines[: 1 + len(run.steps)]))
        report = test_agent(unfinished, "-tc", str(episodes), "--seed", str(seed))
        content = result(run, report, to.name, machine)
        (unfinished / RESULT).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        replaced = Path(folder) / "replaced"
        if to.exists():
            to.rename(replaced)
        try:
            unfinished.rename(to)
        except OSError:
            if replaced.exists():
                replaced.rename(to)
            raise
    return content


def _until(run: Run, step: int) -> Run:
    """Return the run with its episodes up to `step`, that of its checkpoint: the training may have gone on."""
    count = int(np.searchsorted(run.steps, step, side="right"))
    if not count:
        raise UserError(f"--run {run.folder}: no episode had ended at its newest checkpoint; train it longer")
    fields = ("steps", "seconds", "emulators", "scores", "lengths")
    return dataclasses.replace(run, **{name: getattr(run, name)[:count] for name in fields})


def result(run: Run, tests: dict[str, Any], name: str, machine: str) -> dict[str, Any]:
    """Play the episodes of the baselines; returns the content of RESULT.json.

    `tests` is the report of test.py on the agent of `run`.
    """
    options = run.options
    settings = options.emulator_settings | {"single_life_episodes": False}  # as in test.py
    game = find_game(options.game, options.rom_path, options.env_kwargs)
    baselines = baseline_scores(game, len(tests["scores"]), tests["seed"], **settings)
    # A run may have been stopped before its last step: the command ends where the agent did.
    trained = dataclasses.replace(options, max_global_steps=min(options.max_global_steps, tests["step"]))
    # Frames and hours are only known up to the last finished episode: scale them to all decisions.
    scale = tests["step"] / int(run.steps[-1])
    return {
        "game": run.game,
        "training": {
            "command": train_command(trained, name, run.num_processes),
            "decisions": tests["step"],
            "frames": round(float(run.positions("frames")[-1]) * scale),
            "hours": round(float(run.positions("hours")[-1]) * scale, 2),
            "machine": machine,
            "versions": sessions[-1].versions if (sessions := read_sessions(RunFolder(run.folder).sessions)) else {},
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
        **{player: summary(scores) for player, scores in baselines.items()},
    }


def summary(scores: Sequence[float]) -> dict[str, Any]:
    """Mean, standard deviation, minimum and maximum of raw scores, and the scores themselves."""
    return {
        "mean": round(statistics.fmean(scores), 2),
        "std": round(statistics.pstdev(scores), 2),
        "min": min(scores),
        "max": max(scores),
        "scores": list(scores),
    }


def table(folder: Path) -> list[str]:
    """The lines of a Markdown table of all agents in `folder`. Raises UserError if there is no agent."""
    files = sorted(folder.glob(f"*/{RESULT}"))
    if not files:
        raise UserError(f"-f {folder}: no agent with a {RESULT} there; write one with publish.py")
    rows = [COLUMNS, ["---"] * len(COLUMNS), *(_row(file) for file in files)]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _row(file: Path) -> list[str]:
    try:
        return _cells(file.parent.name, read_json(file))
    except UserError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{file}: not in the format of publish.py ({str(error)[:200]}); publish the agent again"
        ) from None


def _cells(name: str, content: dict[str, Any]) -> list[str]:
    training = content["training"]
    original = ORIGINAL_SCORES.get(short_name(content["game"]))
    return [
        _code(name),
        f"**{format_score(content['agent']['mean'])}** ± {format_score(content['agent']['std'])}",
        format_score(content["random"]["mean"]),
        format_score(content["rule"]["mean"]) if "rule" in content else "",
        " / ".join(map(format_score, original)) if original else "",
        f"{training['decisions'] / 1e6:.2f} M",
        f"{training['frames'] / 1e6:.1f} M",
        f"{training['hours']:.1f}",
        _shown_command(training["command"]),
    ]


def _shown_command(command: str) -> str:
    """The options in a command for training, without -df FOLDER; with several processes, the number of them."""
    words = shlex.split(command)
    folder = words.index("-df")
    processes = f" in {int(words[words.index('--') - 1])} processes" if "--" in words[:folder] else ""
    return _code(shlex.join(words[folder + 2 :])) + processes


def _code(text: str) -> str:
    """The text as code in a cell of a Markdown table, whatever its characters are."""
    text = " ".join(valid_utf8(text).split()).replace("|", "\\|")
    if "`" not in text:
        return f"`{text}`"
    fence = "`" * (1 + max(map(len, re.findall("`+", text))))  # longer than any within
    return f"{fence} {text} {fence}"


def format_score(value: float) -> str:
    """The score as tables show it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}"
