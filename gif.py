"""Film a trained agent: write one gif per episode, at the speed of the real game."""

from collections.abc import Sequence

from paac.cli import entry_point


def main(argv: Sequence[str]) -> None:
    from paac.cli.command_line import parse
    from paac.cli.options import FilmOptions

    options = parse(FilmOptions, ["-gn", "agent", *argv], "Film a trained agent: write one gif per episode.")

    from paac.training.agent import evaluate_agent

    evaluation = evaluate_agent(options)
    for result, gif in zip(evaluation.results, evaluation.gifs, strict=True):
        print(f"Wrote {gif}: {evaluation.game}, score {result.score:.15g}, length {result.length} plays")


if __name__ == "__main__":
    entry_point.run(main)
