"""What an evaluation of a trained agent gives: its results in episodes, and films of them."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emulators import Emulator
from paac.cli.film_options import FilmOptions
from paac.cli.options import Options
from paac.cli.words import counted
from paac.video.film import Film

if TYPE_CHECKING:
    from paac.evaluation import EpisodeResult


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """The results of episodes, arrays [episodes]."""

    scores: np.ndarray  # float64, sums of the rewards, not clipped
    lengths: np.ndarray  # int64, plays: an action that is repeated r times has 1 + r plays
    truncated: np.ndarray  # bool, whether a limit on its length ended the episode, not the game
    seed: int  # with it, `play` gives the same episodes again, if their number is the same


class AgentEvaluation(NamedTuple):
    """The results of a trained agent in some episodes, and how they were played."""

    game: str
    run: Path
    step: int  # global step of the agent's checkpoint
    seed: int
    noops: int  # maximum number of no-op frames at the start of an episode
    greedy: bool
    results: Sequence["EpisodeResult"]
    films: dict[Path, Film]  # the film of each gif or mp4 that `save_films` will write

    def save_films(self, scale: int | None, show: Callable[[str], None] | None = None) -> None:
        """Write all gifs or mp4 videos, and call `show` with a line about each, for the user. Raises OSError.

        Each pixel is enlarged to `scale` x `scale` pixels; None makes a film about 420 pixels high.
        """
        for (file, film), result in zip(self.films.items(), self.results, strict=True):
            film.save(file, scale or film.fitting_scale)
            line = f"Wrote {file}: {self.game}, score {result.score:.15g}, length {counted(result.length, 'play')}"
            shown = counted(round(film.seconds), "second")
            end = f"; the film shows the first {shown}, up to score {film.scores[-1]:.15g} (--gif_seconds)"
            if show:
                # The films are wanted even if the program that reads the output has ended.
                with suppress(BrokenPipeError):
                    show(line + (end if film.is_shortened else ""))

    def report(self) -> dict[str, Any]:
        """Return the report of test.py --json: all fields but `films`, and statistics of the scores."""
        scores = np.array([result.score for result in self.results])
        return {
            "game": self.game,
            "run": str(self.run),
            "step": self.step,
            "seed": self.seed,
            "noops": self.noops,
            "greedy": self.greedy,
            "scores": scores.tolist(),
            "lengths": [result.length for result in self.results],
            "truncated": [number for number, result in enumerate(self.results, 1) if result.truncated],
            "uncertainty": {
                "entropy": float(np.mean([result.entropy for result in self.results])),
                "mutual_information": float(np.mean([result.mutual_information for result in self.results])),
            },
            "median": float(np.median(scores)),
            "mean": float(scores.mean()),
            "min": float(scores.min()),
            "max": float(scores.max()),
            "std": float(scores.std()),
        }

    def episodes(self) -> Episodes:
        """Return the results as arrays."""
        return Episodes(
            scores=np.array([result.score for result in self.results]),
            lengths=np.array([result.length for result in self.results], np.int64),
            truncated=np.array([result.truncated for result in self.results]),
            seed=self.seed,
        )


def make_films(emulators: Sequence[Emulator], options: FilmOptions, run_options: Options) -> list[Film]:
    """Return a film of each emulator, which records what it shows: AnnotatedFilms if `options.annotate` is set."""
    # One file for all films, because a process may open only a limited number. It is deleted with the last film.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    return [_make_film(emulator, options, run_options, file) for emulator in emulators]


def _make_film(emulator: Emulator, options: FilmOptions, run_options: Options, file: IO[bytes]) -> Film:
    settings: dict[str, Any] = {
        "speed": options.gif_speed,
        "frame_rate": emulator.frames_per_second,
        "max_pool": emulator.sprites_flicker,
        "max_seconds": options.gif_seconds,
        "file": file,
    }
    if options.annotate:
        from paac.video.annotation import AnnotatedFilm  # imported here because it imports TensorFlow

        film: Film = AnnotatedFilm(emulator.action_names, run_options.repetition_table, emulator.frame_skip, **settings)
    else:
        film = Film(**settings)
    film.record(emulator)
    return film
