"""Make a video of how an agent learned: one episode of every kept checkpoint, with its step and score."""

import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # Python leaves them out with PYTHONSAFEPATH

import dataclasses
from collections.abc import Sequence

from paac.cli import entry_point
from paac.cli.command_line import PATH, POSITIVE, SEED, option, parse
from paac.cli.errors import UserError
from paac.cli.film_options import FilmOptions
from paac.cli.output_paths import writable_file
from paac.cli.words import counted
from paac.training.find_runs import find_run
from paac.training.run_folder import KEPT, RunFolder

DESCRIPTION = """Film a whole episode of every checkpoint in checkpoints_saved and of the newest checkpoint, and join
the films to one mp4 file. If an episode is longer than --seconds, the video shows its beginning. A line above the
picture shows the number of decisions and the score so far. The checkpoints in checkpoints_saved come from batchTrain.py,
resumeTraining.py or checkpoints.py."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """Options of createTrainingVideo.py."""

    # fmt: off
    folder: str = option("logs/", "-f", "--folder", group="Agent", limit=PATH, help="the run's folder, its folder checkpoints or checkpoints_saved, or a folder that contains runs, of which the one with the latest checkpoint is used")
    seed: int = option(1, group="Episodes", limit=SEED, help="seed of the episodes; all checkpoints play with the same seed")
    seconds: float = option(300.0, group="Film", limit=POSITIVE, help="maximum duration of each episode in the video, in seconds")
    to: str | None = option(None, group="Film", limit=PATH, help="mp4 file to write (Training.mp4 in the run's folder)")
    # fmt: on


def main(argv: Sequence[str]) -> None:
    options = parse(VideoOptions, argv, DESCRIPTION)
    folder = Path(options.folder)
    run, _, note = find_run(folder.with_name("checkpoints") if folder.name == KEPT else folder)
    if note:
        print(note)
    file = writable_file("--to", options.to or run.path / "Training.mp4")
    if file.suffix != ".mp4":
        raise UserError(f"--to {file}: must end with .mp4")
    by_step = {int(kept.path.name): kept for kept in run.kept_runs()}
    newest, _ = run.newest_checkpoint()
    if newest:
        by_step.setdefault(newest.step, run)
    agents = [by_step[step] for step in sorted(by_step)]
    if not agents:
        raise UserError(f"-f {run}: no checkpoint there; train it first")

    num_filmed = film_agents(agents, options, file)
    if not num_filmed:
        raise UserError(f"-f {run}: no checkpoint there could be filmed")
    print(f"Wrote {file}")
    if num_filmed < len(agents):
        sys.exit(entry_point.FAILURE)


def film_agents(agents: Sequence[RunFolder], options: VideoOptions, file: Path) -> int:
    """Write the video of all agents, and print a line about each; returns how many of them could be filmed."""
    from agents.commands import only
    from agents.training_video import Video
    from paac.training.agent import evaluate_agent

    num_filmed = 0
    with Video(file) as video:
        for number, agent in enumerate(agents, 1):
            settings = {"gif_seconds": options.seconds, "gif_name": "film", "gif_folder": str(file.parent)}
            try:
                evaluation = evaluate_agent(FilmOptions(folder=str(only(agent.path)), seed=options.seed, **settings))
            except UserError as error:  # for example, the checkpoint is damaged
                print(f"[{number}/{len(agents)}] {error}; left out", flush=True)
                continue
            (result,), (film,) = evaluation.results, evaluation.films.values()
            score = f"score {result.score:.15g}"
            print(f"[{number}/{len(agents)}] {counted(evaluation.step, 'decision')}: {score}", flush=True)
            video.add(film, counted(evaluation.step, "decision"))
            num_filmed += 1
    return num_filmed


if __name__ == "__main__":
    entry_point.run(main)
