"""A film of the agent while it is trained, which does not affect the training."""

import io
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from emulators import Game, make_emulator
from emulators.seeds import film_seed
from networks.actor_critic import ActorCritic
from paac.evaluation import play_episodes
from paac.video.film import Film

MAX_SECONDS = 60  # of game time; the training waits while the film is made


def film_episode(
    network: ActorCritic,
    game: Game,
    settings: Mapping[str, Any],
    repetition_table: Sequence[int],
    *,
    seed: int,
    epsilon: float | None = None,
) -> bytes:
    """Play one episode in a new emulator, at most a minute long; return it as a gif, half as high as gif.py's.

    `settings` are arguments of `make_emulator`; `epsilon` is that of `play_episodes`. All films of a run use the same
    `seed`, so they have the same start and the same random numbers, and differ only in what the agent has learned.
    """
    with closing(make_emulator(game, seed=film_seed(seed), **{**settings, "single_life_episodes": False})) as emulator:
        emulator.max_episode_frames = min(emulator.max_episode_frames, int(MAX_SECONDS * emulator.frames_per_second))
        film = Film(frame_rate=emulator.frames_per_second, max_pool=emulator.sprites_flicker)
        film.record(emulator)
        play_episodes(network, [emulator], repetition_table, seed=seed, epsilon=epsilon)
    gif = io.BytesIO()
    film.write_gif(gif, max(1, film.fitting_scale // 2))
    return gif.getvalue()
