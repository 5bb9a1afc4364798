"""Film a trained agent: one gif per episode, at the speed a person would see."""

from collections.abc import Sequence

from paac.cli import entry_point


def main(argv: Sequence[str]) -> None:
    from paac.cli.command_line import parse
    from paac.cli.options import FilmOptions

    options = parse(FilmOptions, ["-gn", "agent", *argv], "Film a trained agent: one gif per episode.")

    from paac.training.agent import play_agent

    played = play_agent(options)
    for result, gif in zip(played.results, played.gifs, strict=True):
        print(f"Wrote {gif}: {played.game}, score {result.score:.15g} in {result.length} plays")


if __name__ == "__main__":
    entry_point.run(main)
