"""The options, the HParams table and the page of charts in TensorBoard."""

import dataclasses

import markdown
import pytest

from paac.cli.command_line import JsonObject
from paac.cli.options import Options, resolve
from paac.summaries.layout import SHOWN_COLUMNS, compared_options, experiment, options_text, page_layout

OPTIONS = resolve(dict(random_seed=5, gamma=0.9, egreedy=True, debugging_folder="logs/mine"))


def test_every_option_is_in_the_table_of_its_group():
    page = markdown.markdown(options_text(OPTIONS), extensions=["markdown.extensions.tables"])  # as TensorBoard does
    groups = {field.metadata["group"] for field in dataclasses.fields(Options)}
    assert page.count("<h3>") == page.count("<table>") == len(groups)
    rows = page.split("<tr>")
    for field in dataclasses.fields(Options):
        (row,) = [row for row in rows if f"<td>{field.name}</td>" in row]
        assert row.count("<td>") == 3


def test_other_values_than_the_default_are_bold():
    lines = options_text(OPTIONS).splitlines()
    assert "| gamma | **0.9** (default 0.99) | discount factor |" in lines
    assert "| alpha | 0.99 | decay of RMSProp |" in lines
    assert any(line.startswith("| random_seed | 5 |") for line in lines)  # it has no default
    lines = options_text(dataclasses.replace(OPTIONS, emulator_workers=3, env_kwargs='{"a": "x|y"}')).splitlines()
    assert any(line.startswith("| emulator_workers | **3** |") for line in lines)
    assert any(line.startswith('| env_kwargs | **{"a": "x\\|y"}** (default {}) |') for line in lines)


def test_runs_are_compared_by_the_options_that_affect_the_training():
    values = compared_options(OPTIONS)
    assert values["gamma"] == 0.9 and values["egreedy"] is True and values["game"] == "pong"
    assert not {"debugging_folder", "device", "emulator_workers", "keep_checkpoints", "log_video"} & values.keys()
    assert {type(value) for value in values.values()} == {str, int, float, bool, JsonObject}


def test_the_table_of_runs_has_a_column_for_each_option_and_the_reward():
    shown = experiment()
    assert {column.name for column in shown.hparam_infos} == compared_options(OPTIONS).keys()
    assert [metric.name.tag for metric in shown.metric_infos][0] == "rewards_per_episode/mean"
    first = {column.name for column in shown.hparam_infos if column.differs}
    assert first == set(SHOWN_COLUMNS)


def sections_of(**options):
    """Return {title of a section: its charts} of the page for a run with these options."""
    return {section.title: list(section.chart) for section in page_layout(resolve(options)).category}


def test_reward_and_length_come_first_as_means_in_bands():
    title, charts = next(iter(sections_of().items()))
    assert title == "Reward and length"
    (length,), (reward,) = (chart.margin.series for chart in charts)  # TensorBoard shows them in reverse order
    for band, group in ((reward, "rewards_per_episode"), (length, "steps_per_episode")):
        assert (band.lower, band.value, band.upper) == (f"{group}/min", f"{group}/mean", f"{group}/max")


def test_curves_have_titles_and_patterns_of_whole_tags():
    for charts in sections_of(max_repetition=4, eval_interval=9, egreedy=True).values():
        assert len({chart.title for chart in charts}) == len(charts) > 0
        for chart in charts:
            for pattern in chart.multiline.tag:
                assert pattern.startswith("^(") and pattern.endswith(")$")  # TensorBoard would also match longer tags


@pytest.mark.parametrize(
    ("options", "added"),
    [
        ({}, set()),
        ({"max_repetition": 10}, {"FiGAR"}),
        ({"max_repetition": 10, "nb_choices": 1}, set()),  # every decision has 11 plays
        ({"eval_interval": 1000}, {"Evaluations"}),
    ],
)
def test_a_run_has_only_sections_for_which_it_has_curves(options, added):
    usual = {"Reward and length", "Policy, losses and speed", "Learning"}
    assert sections_of(**options).keys() == usual | added
    patterns = [pattern for charts in sections_of().values() for chart in charts for pattern in chart.multiline.tag]
    assert not [pattern for pattern in patterns if "repetition" in pattern or "plays" in pattern]


def test_the_texts_of_charts_fit_one_line():
    charts = [
        chart for charts in sections_of(max_repetition=4, eval_interval=9, egreedy=True).values() for chart in charts
    ]
    assert max(len(chart.title) for chart in charts) <= 50
