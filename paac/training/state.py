"""How far a training is: what a checkpoint holds in `state.json`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from paac.rollout import Transitions
from paac.training.checkpoint import Checkpoint, DamagedCheckpoint
from paac.training.episodes import Episode, EpisodeTracker


@dataclass
class TrainingState:
    """The counters of a training, of all its processes and sessions together; each field is a key of `state.json`.

    The last two describe the checkpoint: they are set when it is written.
    """

    episodes: EpisodeTracker
    fixed: dict[str, Any]  # the options that make the run what it is
    global_step: int = 0  # decisions of all emulators
    updates: int = 0
    plays: int = 0  # of all emulators
    seconds: float = 0.0  # in updates
    emulators: int = 0  # whose states the checkpoint holds
    logs: dict[str, int] = field(default_factory=dict)  # bytes of each log file, by its path in the run's folder

    def add(self, played: Transitions, seconds: float) -> list[Episode]:
        """Count one update, which played arrays [T, B] and took `seconds`; returns the episodes that ended in it."""
        finished = self.episodes.add(played, self.global_step)
        self.global_step += played.actions.size
        self.updates += 1
        self.plays += int(played.plays.sum())
        self.seconds += seconds
        return finished

    def to_json(self) -> dict[str, Any]:
        """All of it, as `state.json` holds it."""
        return vars(self) | {"episodes": self.episodes.state()}

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> "TrainingState":
        """What the checkpoint holds. Raises DamagedCheckpoint if that is not what a training saves.

        Checksums find accidental damage; this finds files that were edited or made by hand.
        """
        try:
            return cls._from_json(checkpoint.state)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DamagedCheckpoint(f"{checkpoint.folder} is damaged ({error!r})") from None

    @classmethod
    def _from_json(cls, values: dict[str, Any]) -> "TrainingState":
        rewards: Sequence[float] = values["episodes"]["rewards"]
        episodes = EpisodeTracker(len(rewards))
        episodes.restore(values["episodes"])
        return cls(
            episodes=episodes,
            fixed=dict(values.get("fixed", {})),  # earlier versions did not save it
            global_step=int(values["global_step"]),
            updates=int(values["updates"]),
            plays=int(values["plays"]),
            seconds=float(values["seconds"]),
            emulators=int(values.get("emulators", len(rewards))),
            logs={str(name): int(length) for name, length in values["logs"].items()},
        )
