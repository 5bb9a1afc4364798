"""Film a trained agent: one gif per episode, at the speed a person would see."""

from collections.abc import Sequence

from paac import front_door


def main(argv: Sequence[str]) -> None:
    from paac.command_line import typed_options
    from paac.options import FilmOptions

    typed = typed_options(FilmOptions, argv, "Film a trained agent: one gif per episode.")

    from paac.showing import show

    shown = show(FilmOptions(**{"gif_name": "agent", **typed}))
    for result, gif in zip(shown.results, shown.gifs, strict=True):
        print(f"Wrote {gif}: {shown.game}, score {result.score:.15g} in {result.length} plays")


if __name__ == "__main__":
    front_door.run(main)
