"""What TensorBoard shows of a run as a whole: its options, a table to compare runs, and which charts come first."""

import dataclasses
from pathlib import Path

import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import summary as custom_scalar
from tensorboard.plugins.hparams import api as hparams
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

from paac.cli.command_line import CHOSEN_AT_START, LOCAL, option_fields
from paac.cli.options import Options

ENTROPY = "entropy_regularisation_strength"
SHOWN_FIRST = ("game", "arch", "max_repetition", "initial_lr", ENTROPY)  # columns; TensorBoard takes 5
METRICS = {"rewards_per_episode/mean": "reward, mean of 50 episodes", "steps_per_episode/mean": "their plays, mean"}
TYPES = {
    bool: api_pb2.DATA_TYPE_BOOL,
    int: api_pb2.DATA_TYPE_FLOAT64,
    float: api_pb2.DATA_TYPE_FLOAT64,
    str: api_pb2.DATA_TYPE_STRING,
}

# Pages of Custom Scalars: title -> charts, each a title and a pattern of the curves in it.
CHARTS = {
    "How it goes": {
        "reward, last 50 episodes: mean, min, max": "rewards_per_episode/(mean|min|max)",
        "plays, last 50 episodes: mean, min, max": "steps_per_episode/(mean|min|max)",
        "entropies: 0 where it always does the same": "loss/(action|repetition)_entropy",
        "losses": "loss/(loss|critic_loss_mean|actor_objective_mean)",
        "shares of the actions": "action_shares/.*",
        "shares of the repetitions": "repetition_shares/.*",
        "decisions, plays and frames a second": "stats/(steps|actions|frames)_per_s",
    },
    "How it learns": {
        "reward of every episode": "rl/reward",
        "norm of the gradient, before clipping": "global_norm",
        "values and advantages": "loss/(value|advantage)_mean",
        "share of units that anything seen switches on": "active_units/.*",
        "what the schedules set": "parameters/.*",
    },
}


def write(options: Options) -> None:
    """Write all of it into the default writer; the options are a text at its default step."""
    tf.summary.text("options", options_text(options))
    _write_raw(custom_scalar.pb(page_layout()))
    _write_raw(_experiment_summary())
    name = f"{Path(options.debugging_folder).resolve().name}, seed {options.random_seed}"
    hparams.hparams(hyperparameters(options), trial_id=name)


def _write_raw(summary: Summary) -> None:
    tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=0)


def options_text(options: Options) -> str:
    """All options in Markdown, a table for each group; what is not as by default is bold, with the default beside."""
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


def hyperparameters(options: Options) -> dict[str, bool | int | float | str]:
    """What to compare runs by: the options that make a run what it is, but for those that have no value."""
    values = {field.name: getattr(options, field.name) for field in _compared()}
    return {name: value for name, value in values.items() if value is not None}


def _compared() -> list[dataclasses.Field]:
    fields = dataclasses.fields(Options)
    return [field for field in fields if field.metadata["kind"] != LOCAL and field.metadata["group"] != "Run"]


def experiment() -> api_pb2.Experiment:
    """Which columns TensorBoard's table of runs has."""
    kinds = {field.name: kind for field, kind in option_fields(Options)}
    columns = [
        api_pb2.HParamInfo(
            name=field.name,
            display_name="entropy" if field.name == ENTROPY else field.name,
            description=field.metadata["help"],
            type=TYPES[kinds[field.name]],
            differs=field.name in SHOWN_FIRST,  # TensorBoard shows these; the others can be ticked
        )
        for field in _compared()
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
    """The page Custom Scalars; the same for all runs, so that TensorBoard can merge those of several."""
    categories = [
        layout_pb2.Category(title=title, chart=[_chart(*chart) for chart in charts.items()])
        for title, charts in CHARTS.items()
    ]
    return layout_pb2.Layout(category=categories)


def _chart(title: str, pattern: str) -> layout_pb2.Chart:
    return layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=[f"^({pattern})$"]))
