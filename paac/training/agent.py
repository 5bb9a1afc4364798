"""Loading, playing and filming a trained agent: for test.py, gif.py and scripts, and for notebooks."""

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from emulators import Emulator, Game, GameError, find_game, make_emulator
from emulators.seeds import evaluation_seed
from paac.cli.args_json import from_keywords
from paac.cli.errors import UserError
from paac.cli.film_options import FilmOptions
from paac.cli.options import Options
from paac.cli.output_paths import writable_file, writable_folder
from paac.cli.words import print_lines
from paac.training.agent_evaluation import AgentEvaluation, Episodes, make_films
from paac.training.find_runs import check_rom_path, find_run
from paac.training.run_folder import RunFolder
from paac.training.saved_network import intact_checkpoint, load_network
from paac.training.tensorflow_setup import LOADING, fallback_note, start_tensorflow

MAX_NAME_BYTES = 200  # of a film's name; a file's has at most 255
OTHER_FILMS = (".avi", ".mkv", ".mov", ".png", ".webm", ".webp")  # which are not written
PLAY_OPTIONS = ("seed", "greedy", "noops", "dropout_samples")
FILM_OPTIONS = (*PLAY_OPTIONS, "annotate", "gif_speed", "gif_seconds", "gif_scale")


class Act(NamedTuple):
    """What an agent does after an observation."""

    action: int  # index of the action
    repeats: int  # how many times to repeat it; 0, which is always so without FiGAR, plays it once


class Agent:
    """A trained agent with its game; `load_agent` makes it."""

    def __init__(self, run: RunFolder, options: Options, game: Game, device: str):
        """Load the newest intact checkpoint. Raises UserError or GameError, before TensorFlow is loaded if it can."""
        self.folder = run.path
        self.options = options  # those of the training
        self.game = game
        intact_checkpoint(run)  # raises its error before TensorFlow is loaded
        with closing(make_emulator(game, seed=0, **options.emulator_settings)) as emulator:
            self.action_names = emulator.action_names  # by index
            num_actions = emulator.num_actions
        self._device = start_tensorflow(device)

        import tensorflow as tf

        from paac.evaluation import Actor

        with tf.device(self._device):
            self.network, checkpoint, self.damaged = load_network(run, options, num_actions)
            self._actor = Actor(self.network, 1, seed=None, epsilon=options.test_epsilon)
        self.step = checkpoint.step  # decisions after which the agent was saved

    def make_emulator(self, seed: int | None = None) -> Emulator:
        """Return a new emulator of the agent's game: `reset` and `hold` return the observations that `act` takes.

        With a `seed`, its first episode starts as the first one of `play` with this seed.
        """
        options = _options("make_emulator()", {} if seed is None else {"seed": seed}, ("seed",))
        return self._make_emulator(options, evaluation_seed(_seed(options), 0))

    def reset(self, seed: int | None = None) -> None:
        """Start a new episode of `act`: forget the earlier observations.

        If `seed` is given, restart the random numbers. Raises UserError for an invalid seed.
        """
        import tensorflow as tf

        if seed is not None:
            seed = _options("reset()", {"seed": seed}, ("seed",)).seed
        with tf.device(self._device):
            self._actor.reset(seed)

    def act(self, observation: np.ndarray, greedy: bool = False) -> Act:
        """Decide on the newest observation of an episode, uint8 [84, 84, 4], or [84, 84, 12] in RGB.

        The action and its repeats are drawn from the policies, or chosen epsilon-greedily after a training with
        --egreedy. With `greedy` they are the most probable ones.

        Call `reset` at the start of each further episode: LSTM uses earlier observations too. Raises UserError for an
        observation of another form.
        """
        import tensorflow as tf

        observation, shape = np.asarray(observation), (84, 84, self.network.channels)
        if observation.shape != shape or observation.dtype != np.uint8:
            raise UserError(
                f"act(): the observation is {observation.dtype} {list(observation.shape)}, but must be uint8 "
                f"{list(shape)}; take it from an emulator of make_emulator()"
            )
        with tf.device(self._device):
            decisions = self._actor.decide(observation[None])
        if greedy:
            action, choice = decisions.policy_logits[0].argmax(), decisions.repetition_logits[0].argmax()
        else:
            action, choice = decisions.actions[0], decisions.choices[0]
        return Act(int(action), self.options.repetition_table[choice])

    def play(self, episodes: int = 1, **options: Any) -> Episodes:
        """Play whole episodes, as test.py does. Raises UserError or GameError.

        `options` are those of test.py that concern episodes: `seed`, `greedy`, `noops` and `dropout_samples`.
        """
        return self.evaluate(_options("play()", options, PLAY_OPTIONS, test_count=episodes)).episodes()

    def film(self, file: str | Path, **options: Any) -> Episodes:
        """Play one episode and write its film, as gif.py does. Raises UserError, GameError or OSError.

        `file` ends with .gif or .mp4.

        `options` are those of `play`, and those of gif.py that concern the film: `annotate`, `gif_speed`, `gif_seconds`
        and `gif_scale`.
        """
        given = _options("film()", options, FILM_OPTIONS)
        file = writable_file("film()", file)
        if file.suffix.lower() not in (".gif", ".mp4"):
            raise UserError(f"film(): {file} must end with .gif or .mp4")
        evaluation = self.evaluate(given, [file])
        evaluation.save_films(given.gif_scale)
        return evaluation.episodes()

    def evaluate(self, options: FilmOptions, files: Sequence[Path] = ()) -> AgentEvaluation:
        """Play `test_count` episodes, and film them for `files`, one for each. Raises UserError or GameError."""
        import tensorflow as tf

        from paac.evaluation import play_episodes

        if options.dropout_samples > 1 and not self.network.torso.num_uniforms:
            raise UserError(
                f"--dropout_samples {options.dropout_samples}: {self.options.arch} has no dropout; leave the option out"
            )
        for folder in {file.parent for file in files}:
            writable_folder("-gf", folder)
        for file in files:
            if file.is_dir():
                raise UserError(f"-gn: {file} is a folder, and cannot be replaced by a film; choose another name")
        seed = _seed(options)
        with ExitStack() as opened:
            emulators = [
                opened.enter_context(closing(self._make_emulator(options, evaluation_seed(seed, number))))
                for number in range(options.test_count)
            ]
            films = make_films(emulators[: len(files)], options, self.options)
            with tf.device(self._device):
                results = play_episodes(
                    self.network,
                    emulators,
                    self.options.repetition_table,
                    seed=seed,
                    epsilon=0.0 if options.greedy else self.options.test_epsilon,
                    dropout_samples=options.dropout_samples,
                    watchers=films,
                )
        noops = emulators[0].max_random_noops
        shown = dict(zip(files, films, strict=True))
        return AgentEvaluation(str(self.game), self.folder, self.step, seed, noops, options.greedy, results, shown)

    def _make_emulator(self, options: FilmOptions, seed: Sequence[int]) -> Emulator:
        settings = self.options.emulator_settings | {
            "random_start": self.options.random_start if options.noops is None else options.noops > 0,
            "max_noops": options.noops,
            "single_life_episodes": False,  # a test plays whole games, even if the agent was trained on single lives
        }
        return make_emulator(self.game, seed=seed, **settings)


def load_agent(folder: str | Path = FilmOptions.folder, **options: Any) -> Agent:
    """Load the agent of the run in `folder`, or of the one below it whose checkpoint was written last.

    `options` are those of test.py that concern the agent: `rom_path` and `device`. Raises UserError or GameError.
    """
    return _load(_options("load_agent()", options, ("rom_path", "device"), folder=folder))


def evaluate_agent(options: FilmOptions) -> AgentEvaluation:
    """Play episodes, and record films if `gif_name` is set. Raises UserError, GameError or OSError."""
    files = _film_files(options)
    return _load(options).evaluate(options, files)


def _load(options: FilmOptions) -> Agent:
    """Load the agent that the options name, and print what the user must know about it."""
    run, run_options, note = find_run(options.folder)
    check_rom_path(options.rom_path, instead="use the run's --rom_path")
    try:
        with LOADING:
            game = find_game(run_options.game, options.rom_path or run_options.rom_path, run_options.env_kwargs)
        agent = Agent(run, run_options, game, options.device)
    except GameError as error:
        raise error if options.rom_path else GameError(f"{run.args}: {error}") from None
    # Most machines have no GPU, so there is no line about the default device.
    device_note = fallback_note(options.device, agent._device) if options.device != FilmOptions.device else ""
    print_lines([note, game.notice, device_note, *agent.damaged])
    return agent


def _options(where: str, given: Mapping[str, Any], allowed: Sequence[str], **others: Any) -> FilmOptions:
    """Return the options that a program gave to `where`, and `others`. Raises UserError, also if one is not allowed."""
    for name in given:
        if name not in allowed:
            raise UserError(f"{where}: there is no option {name!r}; the options are {', '.join(allowed)}")
    return FilmOptions(**from_keywords({**given, **others}, where, FilmOptions))


def _seed(options: FilmOptions) -> int:
    return secrets.randbelow(2**31) if options.seed is None else options.seed


def _film_files(options: FilmOptions) -> list[Path]:
    """Return the path of each episode's gif or mp4; an empty list if `gif_name` is not set."""
    if options.gif_name is None:
        return []
    typed = Path(options.gif_name)
    name = typed.stem if typed.suffix.lower() in (".gif", ".mp4") else options.gif_name
    ending = ".mp4" if options.mp4 or typed.suffix.lower() == ".mp4" else ".gif"
    if typed.suffix.lower() in OTHER_FILMS:
        raise UserError(f"-gn {typed}: films are gifs or, with --mp4, mp4 videos; leave the ending out")
    if not name or typed.name != options.gif_name or len(os.fsencode(name)) > MAX_NAME_BYTES:
        raise UserError(
            f"-gn {options.gif_name}: must be a file name without a folder, of at most {MAX_NAME_BYTES} bytes; set the "
            "folder with -gf"
        )
    folder = Path(options.gif_folder)
    return [folder / f"{name}_{number}{ending}" for number in range(1, options.test_count + 1)]
