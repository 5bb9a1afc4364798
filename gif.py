"""Film a trained agent: one gif per episode, at the speed a person would see."""

from collections.abc import Sequence

from paac.cli import entry_point


def main(argv: Sequence[str]) -> None:
    from paac.cli.command_line import typed_options
    from paac.cli.options import FilmOptions

    typed = typed_options(FilmOptions, argv, "Film a trained agent: one gif per episode.")

    from paac.training.agent import show

    shown = show(FilmOptions(**{"gif_name": "agent", **typed}))
    for result, gif in zip(shown.results, shown.gifs, strict=True):
        print(f"Wrote {gif}: {shown.game}, score {result.score:.15g} in {result.length} plays")


if __name__ == "__main__":
    entry_point.run(main)
