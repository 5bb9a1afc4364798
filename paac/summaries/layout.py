"""What TensorBoard shows about a whole run: its options, its row in the HParams table, and a page of charts."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import summary as custom_scalar
from tensorboard.plugins.hparams import api as hparams
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

from paac.cli.command_line import CHOSEN_AT_START, LOCAL, JsonObject, option_fields
from paac.cli.folders import valid_utf8
from paac.cli.options import Options

ENTROPY = "entropy_regularisation_strength"
SHOWN_COLUMNS = ("arch", "e", ENTROPY, "initial_lr", "max_repetition")  # TensorBoard shows 5 at first, sorted by name
METRICS = {
    "rewards_per_episode/mean": "reward, mean of last 50 episodes",
    "steps_per_episode/mean": "episode length in plays, mean of last 50 episodes",
}
TYPES = {
    bool: api_pb2.DATA_TYPE_BOOL,
    int: api_pb2.DATA_TYPE_FLOAT64,
    float: api_pb2.DATA_TYPE_FLOAT64,
    str: api_pb2.DATA_TYPE_STRING,
    JsonObject: api_pb2.DATA_TYPE_STRING,
}

# Charts of the Custom Scalars tab. Title -> the group of a mean, which is shown in a band from its min to its max:
BANDS = {
    # TensorBoard shows the bands of a section in reverse order, and after its other charts.
    "length of the last 50 episodes, with min and max": "steps_per_episode",
    "reward of the last 50 episodes, with min and max": "rewards_per_episode",
}
EVALUATION_BANDS = {"reward in evaluations, with min and max": "evaluation"}
# Title -> a regular expression of the tags of curves:
CURVES = {
    "entropy of the policy: 0 if one action is certain": "loss/action_entropy",
    "losses": "loss/(loss|critic_loss_mean|actor_objective_mean)",
    "fraction of decisions with each action": "action_shares/.*",
    "decisions and frames per second": "stats/(steps|frames)_per_s",
}
FIGAR = {
    "mean number of plays per decision": "plays_per_decision",
    "entropy of the number of plays: 0 if certain": "loss/repetition_entropy",
}
LEARNING = {
    "reward of every episode": "rl/reward",
    "values and advantages": "loss/(value|advantage)_mean",
    "global norm of the gradient before clipping": "global_norm",
    "fraction of units that are active, by layer": "active_units/.*",
    "learning rate": "parameters/lr",
}
EPSILON = {"epsilon of --egreedy": "parameters/epsilon"}


def write(options: Options) -> None:
    """Write the options, the page of charts and the run's row in the HParams table into the default writer."""
    tf.summary.text("options", valid_utf8(options_text(options)))
    _write_raw(custom_scalar.pb(page_layout(options)))
    _write_raw(_experiment_summary())
    name = f"{Path(options.debugging_folder).resolve().name}, seed {options.random_seed}"
    hparams.hparams(compared_options(options), trial_id=valid_utf8(name))


def _write_raw(summary: Summary) -> None:
    tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=0)


def options_text(options: Options) -> str:
    """Return a Markdown table of each group of options; values other than the default are bold."""
    parts, group = [], ""
    for field, _ in option_fields(Options):
        if field.metadata["group"] != group:
            group = field.metadata["group"]
            parts.append(f"\n### {group}\n\n| option | value | meaning |\n|---|---|---|")
        value = getattr(options, field.name)
        text = escaped(str(value))
        if field.default is None and value is not None:
            text = f"**{text}**"
        elif field.default not in (value, None, CHOSEN_AT_START):
            text = f"**{text}** (default {field.default})"
        parts.append(f"| {field.name} | {text} | {field.metadata['help']} |")
    return "\n".join(parts)


def escaped(text: str) -> str:
    """Return a text for a cell of a Markdown table, in which `|` would end the cell."""
    return text.replace("|", "\\|")


def compared_options(options: Options) -> dict[str, bool | int | float | str]:
    """Return the options in the HParams table: those that affect the training and have a value."""
    values = {field.name: getattr(options, field.name) for field in _compared_fields()}
    return {name: value for name, value in values.items() if value is not None}


def _compared_fields() -> list[dataclasses.Field]:
    fields = dataclasses.fields(Options)
    return [field for field in fields if field.metadata["kind"] != LOCAL and field.metadata["group"] != "Run"]


def experiment() -> api_pb2.Experiment:
    """Return the columns of the HParams table."""
    types = {field.name: type_ for field, type_ in option_fields(Options)}
    columns = [
        api_pb2.HParamInfo(
            name=field.name,
            display_name="entropy" if field.name == ENTROPY else field.name,
            description=field.metadata["help"],
            type=TYPES[types[field.name]],
            differs=field.name in SHOWN_COLUMNS,  # TensorBoard shows these at first; the user can select others
        )
        for field in _compared_fields()
    ]
    metrics = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag), display_name=name) for tag, name in METRICS.items()]
    return api_pb2.Experiment(hparam_infos=columns, metric_infos=metrics)


def _experiment_summary() -> Summary:
    data = plugin_data_pb2.HParamsPluginData(experiment=experiment())
    value = Summary.Value(
        tag=metadata.EXPERIMENT_TAG, metadata=metadata.create_summary_metadata(data), tensor=metadata.NULL_TENSOR
    )
    return Summary(value=[value])


def page_layout(options: Options) -> layout_pb2.Layout:
    """Return the layout of the Custom Scalars tab for a run.

    TensorBoard merges the layouts of all runs, section by section.
    """
    has_choices = len(options.repetition_table) > 1
    sections = {
        "Reward and length": _band_charts(BANDS),
        "Policy, losses and speed": _curve_charts(CURVES),
        "FiGAR": _curve_charts(FIGAR if has_choices else {}),
        "Evaluations": _band_charts(EVALUATION_BANDS if options.eval_interval else {}),
        "Learning": _curve_charts(LEARNING | (EPSILON if options.egreedy else {})),
    }
    return layout_pb2.Layout(
        category=[layout_pb2.Category(title=title, chart=charts) for title, charts in sections.items() if charts]
    )


def _band_charts(charts: Mapping[str, str]) -> list[layout_pb2.Chart]:
    series = layout_pb2.MarginChartContent.Series
    return [
        layout_pb2.Chart(
            title=title,
            margin=layout_pb2.MarginChartContent(
                series=[series(value=f"{group}/mean", lower=f"{group}/min", upper=f"{group}/max")]
            ),
        )
        for title, group in charts.items()
    ]


def _curve_charts(charts: Mapping[str, str]) -> list[layout_pb2.Chart]:
    return [
        layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=[f"^({pattern})$"]))
        for title, pattern in charts.items()
    ]
