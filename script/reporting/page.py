"""One HTML page about runs: their learning curves and, for each run, its options, command, test scores and a film."""

import base64
import dataclasses
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from matplotlib.figure import Figure

from agents.commands import CommandError, film_agent, test_agent
from experiments.train_command import train_command
from figures.curves import draw_curves
from figures.groups import describe_figar, group_runs
from figures.repetitions import draw_repetitions, read_repetitions, uses_figar
from figures.runs import Run, short_names
from figures.style import styled
from paac.cli.command_line import CHOSEN_AT_START, FIXED, TUNABLE
from paac.cli.folders import free_name
from paac.cli.options import Options
from paac.cli.output_paths import write_output
from paac.cli.words import counted, print_lines
from paac.training.provenance import Session, read_sessions
from paac.training.run_folder import RunFolder

TEMPLATE = Path(__file__).parent / "report.html"


class EpisodeSettings(NamedTuple):
    """The episodes that each agent plays for the page."""

    test_count: int  # 0: neither tests nor a film
    seed: int
    film_seconds: float  # maximum duration of the film


class RunSection(NamedTuple):
    """The content of the page about one run; pictures are data URLs, "" for none."""

    name: str
    game: str
    key_figures: dict[str, str]
    command: str
    options: list[tuple[str, Any, bool]]  # name, value, whether it differs from the default
    tests: dict[str, Any] | None  # report of test.py
    missing: str  # why there are no tests or no film, "" if there are both
    failed: bool  # whether the agent could not be played
    film: str
    repetitions: str
    difference: str  # the options in which the run differs from the other ones
    sessions: list[Session]


def write_page(runs: Sequence[Run], title: str, episodes: EpisodeSettings, file: Path) -> bool:
    """Write one HTML page that contains all its pictures; returns whether all agents could be played.

    Prints a line for each run that is a copy of another one, or whose agent cannot be played. Raises OSError if the file
    cannot be written.
    """
    groups, copies = group_runs(runs)
    print_lines(copies)
    differences = {run.folder: group.label for group in groups for run in group.runs}
    curves = svg_url(draw_curves(groups))
    described = [
        run_section(run, name, differences.get(run.folder, ""))
        for run, name in zip(runs, short_names(runs), strict=True)
    ]
    # Here all files have been read: an error in one of them must not come after hours of test episodes.
    sections = [with_episodes(section, run, episodes) for section, run in zip(described, runs, strict=True)]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        counted=counted,
        title=title,
        differ=len(groups) > 1,
        curves=curves,
        sections=sections,
    )
    write_output(file, page)
    return not any(section.failed for section in sections)


def run_section(run: Run, name: str, difference: str = "") -> RunSection:
    """Return the content of the run's section without tests and film. Raises UserError if a file is malformed."""
    return RunSection(
        name=name,
        game=run.game,
        key_figures=key_figures(run),
        command=train_command(run.options, free_name(f"logs/{name}").removeprefix("logs/"), run.num_processes),
        options=option_rows(run.options),
        tests=None,
        missing="",
        failed=False,
        film="",
        repetitions=repetitions_url(run, name) if uses_figar(run) else "",
        difference=difference,
        sessions=read_sessions(RunFolder(run.folder).sessions),
    )


def with_episodes(section: RunSection, run: Run, episodes: EpisodeSettings) -> RunSection:
    """Test and film the run's agent, if it has a checkpoint; returns its section with the results."""
    if episodes.test_count == 0:
        return section._replace(missing="Not tested: no test episodes were requested.")
    if not RunFolder(run.folder).has_checkpoint():
        return section._replace(missing="Not tested: the run has no checkpoint yet.")
    try:
        section = section._replace(
            tests=test_agent(run.folder, "-tc", str(episodes.test_count), "--seed", str(episodes.seed))
        )
        return section._replace(film=film_url(run, episodes))
    except CommandError as error:  # the page must still show the other runs
        print(f"{run.folder}: {error}", flush=True)
        return section._replace(missing=f"The agent could not be played: {error}", failed=True)


def key_figures(run: Run) -> dict[str, str]:
    """The most important numbers of the run, by their names on the page."""
    last, last_step = run.last_scores, run.steps[-1]
    decisions = max([last_step, *RunFolder(run.folder).checkpoints.steps()])
    since_last_episode = decisions / last_step
    speed = decisions_per_second(run)
    return {
        "decisions": f"{decisions:,}",
        "frames": f"{run.positions('frames')[-1] * since_last_episode:,.0f}",
        "hours of training": f"{run.positions('hours')[-1] * since_last_episode:.2f}",
        "decisions per second": "-" if speed is None else f"{speed:,.0f}",
        "episodes": f"{len(run.scores):,}",
        f"mean of the last {counted(len(last), 'episode')}": f"{last.mean():.2f}",
        "seed": str(run.options.random_seed),
    }


def decisions_per_second(run: Run) -> float | None:
    """The rate between the ends of the first and the last episode; None if they ended together.

    The steps of a run of the original Manette begin at its last step, while its seconds begin at 0.
    """
    seconds = run.seconds[-1] - run.seconds[0]
    return (run.steps[-1] - run.steps[0]) / seconds if seconds else None


def option_rows(options: Options) -> list[tuple[str, Any, bool]]:
    """The fixed and tunable options: name, value, and whether the value differs from the default."""
    return [
        (
            field.name,
            getattr(options, field.name),
            field.default not in (getattr(options, field.name), None, CHOSEN_AT_START),
        )
        for field in dataclasses.fields(Options)
        if field.metadata["kind"] in (FIXED, TUNABLE)
    ]


def film_url(run: Run, episodes: EpisodeSettings) -> str:
    """Film one episode of the run's agent; returns the gif as a data URL."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--seed", str(episodes.seed), "--gif_seconds", str(episodes.film_seconds), "--annotate"]
        film_agent(run.folder, "-gf", folder, "-gn", "film", *arguments)
        return data_url("image/gif", (Path(folder) / "film_1.gif").read_bytes())


def repetitions_url(run: Run, name: str) -> str:
    """The heat map of FiGAR's repetitions as a data URL, "" if none are recorded yet."""
    repetitions = read_repetitions(run)
    if not len(repetitions.steps):
        return ""
    return svg_url(draw_repetitions(repetitions, f"{name}: {describe_figar(run.options)}"))


def svg_url(figure: Figure) -> str:
    """The figure as a data URL with an SVG image."""
    file = io.BytesIO()
    with styled():
        figure.savefig(file, format="svg", metadata={"Date": None})
    return data_url("image/svg+xml", file.getvalue())


def data_url(media_type: str, content: bytes) -> str:
    """A URL that contains the file itself, so that the page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
