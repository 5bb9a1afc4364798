"""Runs that were not trained, to test the figures of runs."""

from figures.runs import load_run
from paac.cli.options import resolve
from paac.training.episodes import COLUMNS
from paac.training.run_folder import RunFolder


def make_run(folder, episodes=((20, 1.0, 0, 1, 5),), **options):
    """Write a run's files as train.py does; each episode is (step, seconds, emulator, reward, length)."""
    run = RunFolder(folder)
    run.save_options(resolve({"debugging_folder": str(folder), "random_seed": 1, **options}))
    rows = "".join(",".join(map(str, row)) + "\n" for row in episodes)
    run.episodes_csv.write_text(",".join(COLUMNS) + "\n" + rows)
    return load_run(run)


def scored(folder, *rewards, **options):
    """Write a run with these rewards, where an episode ends every 10 decisions."""
    return make_run(folder, [(10 * (n + 1), n, 0, reward, 10) for n, reward in enumerate(rewards)], **options)
