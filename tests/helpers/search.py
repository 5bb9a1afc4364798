"""Searches of tune.py whose trainings are played by a `Player` instead of train.py."""

from paac.training.episodes import COLUMNS
from paac.training.run_folder import RunFolder

SPACE = {"lr": {"low": 0.001, "high": 0.1, "log": True}, "max_local_steps": [5, 10]}


class Player:
    """Stands for train.py: an episode ends every 10 decisions with `score(options, step)`."""

    def __init__(self, score):
        self.score, self.line = score, "a line of train.py"
        self.started, self.codes, self.stop_at = [], {}, {}

    def train(self, search, arguments, print_line, stop_when):
        """Return an exit code: that in `codes`, else 0 at the end or, when it is stopped, at a checkpoint."""
        run = RunFolder(arguments[arguments.index("-df") + 1])
        options = run.load_options()
        self.started.append((run.path.name, options, arguments[2:]))
        print_line(self.line)
        if run.path.name in self.codes:
            return self.codes.pop(run.path.name)
        done, step = max(run.checkpoints.steps(), default=0), options.max_global_steps
        with run.episodes_csv.open("a") as file:
            if not done:
                print(*COLUMNS, sep=",", file=file)
            for step in range(done + 10, options.max_global_steps + 1, 10):
                print(step, step / 10, 0, self.score(options, step), 10, sep=",", file=file, flush=True)
                is_stopped = step == self.stop_at.get(run.path.name)
                if step % 100 == 0 and stop_when() or is_stopped:
                    search.stopping |= is_stopped
                    break
        (run.checkpoints.folder / str(step)).mkdir(parents=True)
        return 0


def search(*typed, study="s.db", steps="1000"):
    """Run tune.py on the space in space.json."""
    import tune

    common = ["-g", "pong", "--space", "space.json", "--study", study, "--max_global_steps", steps, "--interval", "500"]
    return tune.main([*common, *typed])


def trials(study="s.db"):
    """Return the trials of a study."""
    import optuna

    return optuna.load_study(study_name=None, storage=f"sqlite:///{study}").trials
