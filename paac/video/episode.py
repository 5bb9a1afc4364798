"""A film of the agent as it is now, taken while it trains; nothing of the training is touched."""

import io
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from emulators import Game, make_emulator
from networks.actor_critic import ActorCritic
from paac.evaluation import play_episodes
from paac.video.film import Film

MOST_SECONDS = 60  # of game time: the training waits meanwhile


def film_episode(
    network: ActorCritic, game: Game, settings: Mapping[str, Any], repetition_table: Sequence[int], seed: int
) -> bytes:
    """A gif, about 210 pixels high, of a whole game, or of its first minute, in an emulator of its own.

    `settings` are those of `make_emulator`. The same `seed` gives the same start and the same luck each time, so that
    films of a training differ by what was learned.
    """
    with closing(make_emulator(game, seed=seed, **{**settings, "single_life_episodes": False})) as emulator:
        emulator.max_episode_frames = min(emulator.max_episode_frames, MOST_SECONDS * emulator.frames_per_second)
        film = Film(frame_rate=emulator.frames_per_second, join=emulator.sprites_flicker)
        emulator.on_frame = film.add
        play_episodes(network, [emulator], repetition_table, seed=seed)
    gif = io.BytesIO()
    film.save(gif, max(1, film.fitting_scale // 2))
    return gif.getvalue()
