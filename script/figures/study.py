"""Pictures of a search for hyperparameters, drawn by Optuna."""

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import optuna
from matplotlib.ticker import NullFormatter
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import TrialState
from optuna.visualization import matplotlib as plots

from experiments.plan import flag_name
from paac.cli.safe_files import replacing

# What distinguishes the better half of the trials; the default, the best tenth, needs 50 trials to say anything.
IMPORTANCES = PedAnovaImportanceEvaluator(target_quantile=0.5)
PICTURES: dict[str, Callable[..., Any]] = {
    "history": plots.plot_optimization_history,
    "importances": partial(plots.plot_param_importances, evaluator=IMPORTANCES),
    "slice": plots.plot_slice,
}
MIN_TRIALS = 2  # finished ones; fewer show nothing


def draw_study(study: optuna.Study, folder: Path) -> list[Path]:
    """Write a picture of each kind to `folder`; returns the files, none before two trials have finished.

    Raises OSError.
    """
    if sum(trial.state == TrialState.COMPLETE for trial in study.trials) < MIN_TRIALS:
        return []
    matplotlib.use("Agg")  # Optuna draws with pyplot, which would open a window otherwise
    from matplotlib import pyplot

    files, shown = [], _with_flag_names(study)
    for name, plot in PICTURES.items():
        with matplotlib.rc_context(), warnings.catch_warnings():  # Optuna sets a style
            warnings.simplefilter("ignore")  # the functions are experimental, and some values are all equal
            figure = np.ravel(plot(shown, target_name="mean score"))[0].figure
            for panel in figure.axes:
                panel.xaxis.set_minor_formatter(NullFormatter())  # between powers of ten, labels would overlap
            with replacing(folder / f"{name}.png") as opened:
                figure.savefig(opened, dpi=150, bbox_inches="tight")
            pyplot.close(figure)
        files.append(folder / f"{name}.png")
    return files


def _with_flag_names(study: optuna.Study) -> optuna.Study:
    """A copy of the study in memory, with the short names of the options, which fit below a panel."""
    copy = optuna.create_study(direction="maximize")
    for trial in study.trials:
        if trial.state.is_finished():
            trial.distributions = {flag_name(name): values for name, values in trial.distributions.items()}
            trial.params = {flag_name(name): value for name, value in trial.params.items()}
            copy.add_trial(trial)
    return copy
