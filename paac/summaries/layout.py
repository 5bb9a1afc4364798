"""What TensorBoard shows about a whole run: its options, its row in the HParams table, and a page of charts."""

import dataclasses
from pathlib import Path

import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import summary as custom_scalar
from tensorboard.plugins.hparams import api as hparams
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

from paac.cli.command_line import CHOSEN_AT_START, LOCAL, JsonObject, option_fields
from paac.cli.folders import shown_name
from paac.cli.options import Options

ENTROPY = "entropy_regularisation_strength"
SHOWN_COLUMNS = ("game", "arch", "max_repetition", "initial_lr", ENTROPY)  # TensorBoard shows at most 5 at first
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

# Sections of the Custom Scalars tab: title -> {title of a chart: regular expression of the tags of its curves}.
CHARTS = {
    "Results": {
        "reward, last 50 episodes: mean, min, max": "rewards_per_episode/(mean|min|max)",
        "episode length in plays, last 50 episodes: mean, min, max": "steps_per_episode/(mean|min|max)",
        "entropies of the policies: 0 if one outcome is certain": "loss/(action|repetition)_entropy",
        "losses": "loss/(loss|critic_loss_mean|actor_objective_mean)",
        "fraction of decisions with each action": "action_shares/.*",
        "fraction of decisions with each number of plays": "repetition_shares/.*",
        "decisions, plays and frames per second": "stats/(steps|actions|frames)_per_s",
    },
    "Learning": {
        "reward of every episode": "rl/reward",
        "global norm of the gradient before clipping": "global_norm",
        "values and advantages": "loss/(value|advantage)_mean",
        "fraction of units that are active, by layer": "active_units/.*",
        "learning rate, temperature and epsilon": "parameters/.*",
        "reward in evaluations (--eval_interval): mean, min, max": "evaluation/(mean|min|max)",
    },
}


def write(options: Options) -> None:
    """Write the options, the page of charts and the run's row in the HParams table into the default writer."""
    tf.summary.text("options", shown_name(options_text(options)))
    _write_raw(custom_scalar.pb(page_layout()))
    _write_raw(_experiment_summary())
    name = f"{Path(options.debugging_folder).resolve().name}, seed {options.random_seed}"
    hparams.hparams(compared_options(options), trial_id=shown_name(name))


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
        if field.default not in (value, None, CHOSEN_AT_START):
            value = f"**{value}** (default {field.default})"
        parts.append(f"| {field.name} | {value} | {field.metadata['help']} |")
    return "\n".join(parts)


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


def page_layout() -> layout_pb2.Layout:
    """Return the layout of the Custom Scalars tab; TensorBoard merges the layouts of all runs, which are equal."""
    categories = [
        layout_pb2.Category(title=title, chart=[_chart(*chart) for chart in charts.items()])
        for title, charts in CHARTS.items()
    ]
    return layout_pb2.Layout(category=categories)


def _chart(title: str, pattern: str) -> layout_pb2.Chart:
    return layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=[f"^({pattern})$"]))
