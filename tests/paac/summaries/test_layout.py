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


@pytest.mark.parametrize("number", [0, 1])
def test_charts_have_titles_and_patterns_of_whole_tags(number):
    charts = page_layout().category[number].chart
    assert len({chart.title for chart in charts}) == len(charts) > 3
    for chart in charts:
        (pattern,) = chart.multiline.tag
        assert pattern.startswith("^(") and pattern.endswith(")$")  # TensorBoard would also match longer tags
