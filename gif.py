"""Film a trained agent: write one gif or mp4 per episode, at the speed of the real game."""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Python leaves it out with PYTHONSAFEPATH

from paac.cli import entry_point


def main(argv: Sequence[str]) -> None:
    from paac.cli.command_line import parse
    from paac.cli.film_options import FilmOptions

    options = parse(FilmOptions, ["-gn", "agent", *argv], "Film a trained agent: write one gif or mp4 per episode.")

    from paac.training.agent import evaluate_agent

    evaluate_agent(options).save_films(options.gif_scale, print)


if __name__ == "__main__":
    entry_point.run(main)
