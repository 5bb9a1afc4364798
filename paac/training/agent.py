"""Loading, testing, filming and exporting a trained agent, for test.py, gif.py and scripts."""

import secrets
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emulators import Emulator, Game, find_game, make_emulator
from emulators.seeds import evaluation_seed
from paac.cli.errors import UserError
from paac.cli.options import FilmOptions, Options
from paac.cli.output_paths import writable_folder
from paac.cli.words import counted
from paac.processes import Processes
from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.find_runs import check_rom_path, find_run
from paac.training.original import OriginalCheckpoint
from paac.training.resume import starting_state
from paac.training.run_folder import RunFolder
from paac.training.tensorflow_setup import start_tensorflow
from paac.video.film import Film

if TYPE_CHECKING:
    from networks.actor_critic import ActorCritic
    from paac.evaluation import EpisodeResult


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

    def save_films(self, scale: int | None) -> list[str]:
        """Write all gifs or mp4 videos, and return a line about each, for the user. Raises OSError.

        Each pixel is enlarged to `scale` x `scale` pixels; None makes a film about 420 pixels high.
        """
        lines = []
        for (file, film), result in zip(self.films.items(), self.results, strict=True):
            film.save(file, scale or film.fitting_scale)
            line = f"Wrote {file}: {self.game}, score {result.score:.15g}, length {counted(result.length, 'play')}"
            shown = counted(round(film.seconds), "second")
            end = f"; the film ends after {shown} at score {film.scores[-1]:.15g}, before the episode (--gif_seconds)"
            lines.append(line + (end if film.is_shortened else ""))
        return lines

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
            "cut": [number for number, result in enumerate(self.results, 1) if result.truncated],
            "uncertainty": {
                "entropy": float(np.mean([result.entropy for result in self.results])),
                "disagreement": float(np.mean([result.mutual_information for result in self.results])),
            },
            "median": float(np.median(scores)),
            "mean": float(scores.mean()),
            "min": float(scores.min()),
            "max": float(scores.max()),
            "std": float(scores.std()),
        }


def evaluate_agent(options: FilmOptions) -> AgentEvaluation:
    """Play episodes, and record films if `gif_name` is set. Raises UserError, GameError or OSError."""
    run, run_options, note = find_run(options.folder)
    check_rom_path(options.rom_path, instead="use the run's --rom_path")
    game = find_game(run_options.game, options.rom_path or run_options.rom_path, run_options.env_kwargs)
    files = _film_files(options)
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    intact_checkpoint(run)  # raises its error before TensorFlow is loaded
    with ExitStack() as opened:
        emulators = [
            opened.enter_context(closing(_make_emulator(game, options, run_options, evaluation_seed(seed, number))))
            for number in range(options.test_count)
        ]
        device = start_tensorflow(options.device)

        import tensorflow as tf

        from paac.evaluation import play_episodes

        films = _make_films(emulators[: len(files)], options, run_options)
        with tf.device(device):
            network, checkpoint, damaged = load_agent(run, run_options, emulators[0].num_actions)
            # One print for all lines: a second one would fail if a reader such as `head -1` had closed the pipe.
            print("".join(f"{line}\n" for line in (note, game.notice, *damaged) if line), end="", flush=True)
            _check_dropout(options, run_options, network)
            if files:
                writable_folder("-gf", options.gif_folder)
            results = play_episodes(
                network,
                emulators,
                run_options.repetition_table,
                seed=seed,
                epsilon=0.0 if options.greedy else run_options.test_epsilon,
                dropout_samples=options.dropout_samples,
                watchers=films,
            )
    noops = emulators[0].random_noops
    films_by_file = dict(zip(files, films, strict=True))
    return AgentEvaluation(str(game), run.path, checkpoint.step, seed, noops, options.greedy, results, films_by_file)


def load_agent(
    run: RunFolder, options: Options, num_actions: int
) -> tuple["ActorCritic", Checkpoint | OriginalCheckpoint, list[str]]:
    """Return the network of the checkpoint that `intact_checkpoint` returns, and what that returns."""
    from networks.registry import make_network

    network = make_network(num_actions=num_actions, **options.network_settings)
    while True:
        checkpoint, lines = intact_checkpoint(run)
        try:
            checkpoint.restore(network=network)
        except CheckpointError:
            if checkpoint.is_intact():
                raise
            continue  # a training has deleted it meanwhile, and has written a newer one
        return network, checkpoint, lines


def intact_checkpoint(run: RunFolder) -> tuple[Checkpoint | OriginalCheckpoint, list[str]]:
    """Return the run's newest intact checkpoint, and a line for each newer, damaged one. Raises UserError."""
    checkpoint, damaged = run.newest_checkpoint()
    if checkpoint is None:
        why = f" ({'; '.join(damaged)})" if damaged else ""
        raise UserError(f"{run}: no intact checkpoint there{why}; train the agent first, or name another run")
    return checkpoint, [f"{line}; using the previous one" for line in damaged]


def export_agent(run: RunFolder, options: Options, to: RunFolder) -> None:
    """Write the newest agent of `run` and its `options` as a new run, which can be tested, filmed and resumed.

    The new checkpoint holds only the weights, under the same keys, and the counters: a few MB. Raises UserError,
    GameError or OSError.
    """
    start_tensorflow("/cpu:0")
    with closing(make_emulator(find_game(options.game, options.rom_path, options.env_kwargs), seed=0)) as emulator:
        num_actions = emulator.num_actions
    network, checkpoint, _ = load_agent(run, options, num_actions)
    state = starting_state(run, options, checkpoint, Processes())
    state.emulators, state.timed, state.best_score, state.best_step = 0, False, None, None
    to.save_options(options)
    to.checkpoints.write(checkpoint.step, {"network": network}, state.to_json(), None, keep=1)


def _check_dropout(options: FilmOptions, run_options: Options, network: "ActorCritic") -> None:
    if options.dropout_samples > 1 and not network.torso.num_uniforms:
        raise UserError(
            f"--dropout_samples {options.dropout_samples}: {run_options.arch} has no dropout; leave the option out"
        )


def _make_emulator(game: Game, options: FilmOptions, run_options: Options, seed: Sequence[int]) -> Emulator:
    settings = run_options.emulator_settings | {
        "random_start": run_options.random_start if options.noops is None else options.noops > 0,
        "max_noops": options.noops,
        "single_life_episodes": False,  # a test plays whole games, even if the agent was trained on single lives
    }
    return make_emulator(game, seed=seed, **settings)


def _make_films(emulators: Sequence[Emulator], options: FilmOptions, run_options: Options) -> list[Film]:
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


def _film_files(options: FilmOptions) -> list[Path]:
    """Return the path of each episode's gif or mp4; an empty list if `gif_name` is not set."""
    if options.gif_name is None:
        return []
    ending = ".mp4" if options.mp4 else ".gif"
    name = options.gif_name.removesuffix(ending)
    if not name or Path(name).name != name:
        raise UserError(f"-gn {options.gif_name}: must be a file name without a folder; set the folder with -gf")
    folder = Path(options.gif_folder)
    return [folder / f"{name}_{number}{ending}" for number in range(1, options.test_count + 1)]
