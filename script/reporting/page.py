"""One HTML page about runs: learning curves, and of each run its options, command, test scores and a film."""

import base64
import dataclasses
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from matplotlib.figure import Figure

from agents.commands import call, test
from experiments.train_command import train_command
from figures.curves import draw_curves
from figures.groups import figar_words, group_runs
from figures.repetitions import draw_repetitions, is_figar, read_repetitions
from figures.runs import Run, short_names
from figures.style import styled
from paac.cli.command_line import CHOSEN_AT_START, FIXED, TUNABLE
from paac.cli.options import Options
from paac.training.run_folder import RunFolder

TEMPLATE = Path(__file__).parent / "report.html"


class Episodes(NamedTuple):
    """What is played for a page."""

    tests: int  # 0 for neither tests nor a film
    seed: int
    film_seconds: float


class RunSection(NamedTuple):
    """One run on the page."""

    name: str
    game: str
    facts: dict[str, str]
    command: str
    options: list[tuple[str, Any, bool]]  # name, value, whether it is another than the default
    tests: dict[str, Any] | None  # test.py's report
    film: str  # as a data URL, "" for none
    repetitions: str


def write_page(runs: Sequence[Run], title: str, episodes: Episodes, file: Path) -> None:
    """Write one HTML page with all its pictures inside. Raises OSError, and CommandError if an agent cannot be played."""
    groups, _ = group_runs(runs)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=title,
        curves=picture(draw_curves(groups)),
        sections=[run_section(run, name, episodes) for run, name in zip(runs, short_names(runs), strict=True)],
    )
    file.write_text(page, encoding="utf-8")


def run_section(run: Run, name: str, episodes: Episodes) -> RunSection:
    """Everything about one run."""
    steps = RunFolder(run.folder).checkpoints.steps()
    played = bool(steps and episodes.tests)
    return RunSection(
        name=name,
        game=run.game,
        facts=facts(run),
        command=train_command(run.options, name),
        options=option_rows(run.options),
        tests=test(run.folder, "-tc", str(episodes.tests), "--seed", str(episodes.seed)) if played else None,
        film=film(run, episodes) if played else "",
        repetitions=repetitions(run, name) if is_figar(run) else "",
    )


def facts(run: Run) -> dict[str, str]:
    """What a reader asks first, in words."""
    last = run.last_scores
    return {
        "decisions": f"{run.steps[-1]:,}",
        "frames": f"{run.at('frames')[-1]:,.0f}",
        "hours of training": f"{run.at('hours')[-1]:.2f}",
        "decisions a second": f"{run.steps[-1] / max(run.seconds[-1], 1e-9):,.0f}",
        "episodes": f"{len(run.scores):,}",
        f"mean of the last {len(last)} episodes": f"{last.mean():.2f}",
        "seed": str(run.options.random_seed),
    }


def option_rows(options: Options) -> list[tuple[str, Any, bool]]:
    """All options that make the run what it is, by name."""
    return [
        (
            field.name,
            getattr(options, field.name),
            field.default not in (getattr(options, field.name), None, CHOSEN_AT_START),
        )
        for field in dataclasses.fields(Options)
        if field.metadata["kind"] in (FIXED, TUNABLE)
    ]


def film(run: Run, episodes: Episodes) -> str:
    """An episode as a gif."""
    with tempfile.TemporaryDirectory() as folder:
        asked = ["--seed", str(episodes.seed), "--gif_seconds", str(episodes.film_seconds), "--annotate"]
        call("gif.py", "-f", run.folder, "-gf", folder, "-gn", "film", *asked)
        return data_url("image/gif", (Path(folder) / "film_1.gif").read_bytes())


def repetitions(run: Run, name: str) -> str:
    """The histogram of plays over training, "" while there is none."""
    noted = read_repetitions(run)
    return picture(draw_repetitions(noted, f"{name}: {figar_words(run.options)}")) if len(noted.steps) else ""


def picture(figure: Figure) -> str:
    """A figure as an SVG in a data URL."""
    file = io.BytesIO()
    with styled():
        figure.savefig(file, format="svg", metadata={"Date": None})
    return data_url("image/svg+xml", file.getvalue())


def data_url(kind: str, content: bytes) -> str:
    """A file that lies inside the page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
