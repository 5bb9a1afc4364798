"""The counters of a run, which a checkpoint saves in `state.json`."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paac.cli.words import counted
from paac.training.checkpoint import Checkpoint, CheckpointError
from paac.training.episodes import Episode, EpisodeTracker, check_count

if TYPE_CHECKING:
    from paac.rollout import Transitions

NOT_FINITE = "loss or gradient became NaN or infinite"  # in the message of a training that diverged


@dataclass
class TrainingState:
    """The counters of a run over all its processes and sessions; each field is a key of `state.json`.

    `emulators`, `logs` and `timed` describe the checkpoint and are set when it is written.
    """

    episodes: EpisodeTracker
    fixed: dict[str, Any]  # the options that a resume must not change
    tunable: dict[str, Any] = field(default_factory=dict)  # the options that it may change, as they were last
    global_step: int = 0  # decisions, of all emulators
    updates: int = 0
    plays: int = 0  # 1 + repeats for each decision, or fewer at an episode's end
    seconds: float = 0.0  # spent in updates
    emulators: int = 0  # number of emulator states in the checkpoint
    logs: dict[str, int] = field(default_factory=dict)  # length in bytes of each log by its path in the run's folder
    timed: bool = False  # whether the clock, not the checkpoint interval, asked for the checkpoint
    best_score: float | None = None  # highest mean score of an evaluation; None if there was none
    best_step: int | None = None  # decisions of the agent with this score
    warned: bool = False  # whether the user was told that a layer has few active units
    imported_steps: int = 0  # decisions of the original Manette, for which `seconds` is 0 and `plays` counts one each

    def add(self, transitions: "Transitions", seconds: float) -> list[Episode]:
        """Count an update with `transitions`, arrays [T, B], that took `seconds`; return the episodes that ended."""
        finished = self.episodes.add(transitions, self.global_step)
        self.global_step += transitions.actions.size
        self.updates += 1
        self.plays += int(transitions.plays.sum())
        self.seconds += seconds
        return finished

    @property
    def decisions_text(self) -> str:
        """The number of decisions in words, for messages."""
        return counted(self.global_step, "decision")

    def to_json(self) -> dict[str, Any]:
        """Return the contents of `state.json`."""
        return vars(self) | {"episodes": self.episodes.to_json()}

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> "TrainingState":
        """Return the state saved in `checkpoint`. Raises CheckpointError if its contents are malformed.

        Checksums detect corruption; this check detects malformed content in a checkpoint from an untrusted source.
        """
        try:
            state = cls._from_json(checkpoint.state)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CheckpointError(f"{checkpoint.folder} is damaged ({error!r})") from None
        if state.global_step != checkpoint.step:
            raise CheckpointError(f"{checkpoint.folder} is damaged (its state is that of step {state.global_step})")
        return state

    @classmethod
    def _from_json(cls, values: dict[str, Any]) -> "TrainingState":
        episodes = EpisodeTracker.from_json(values["episodes"])
        emulators = check_count(values.get("emulators", episodes.num_emulators))
        seconds = float(values["seconds"])
        if emulators not in (0, episodes.num_emulators) or not 0 <= seconds < math.inf:
            raise ValueError(f"{emulators} emulators with {episodes.num_emulators} episodes, {seconds} seconds")
        return cls(
            episodes=episodes,
            fixed=dict(values.get("fixed", {})),  # missing in checkpoints of earlier versions
            tunable=dict(values.get("tunable", {})),
            global_step=check_count(values["global_step"]),
            updates=check_count(values["updates"]),
            plays=check_count(values["plays"]),
            seconds=seconds,
            emulators=emulators,
            timed=bool(values.get("timed", False)),
            warned=bool(values.get("warned", False)),
            imported_steps=check_count(values.get("imported_steps", 0)),
            best_score=None if values.get("best_score") is None else float(values["best_score"]),
            best_step=None if values.get("best_step") is None else check_count(values["best_step"]),
            logs={str(name): check_count(length) for name, length in values["logs"].items()},
        )
