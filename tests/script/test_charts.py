"""The benchmark's charts."""

from matplotlib.colors import to_hex

from benchmarking.charts import draw_rates, draw_scaling
from benchmarking.timing import Rate
from figures.style import COLOURS


def bars_of(panel):
    """Return (label of the legend, colour) -> lengths of the bars."""
    return {
        (bars.get_label(), to_hex(bars[0].get_facecolor())): [bar.get_height() for bar in bars]
        for bars in panel.containers
    }


def legend_of(panel):
    return [text.get_text() for text in panel.get_legend().get_texts()] if panel.get_legend() else []


def test_settings_of_two_lines_are_bars_beside_each_other_in_two_colours():
    rates = {"NIPS\ngray": 4.0, "NIPS\nRGB": 3.0, "LSTM\ngray": 2.0, "LSTM\nRGB": 1.0}
    figure = draw_scaling({"emulators": {"8": 5.0, "16": 6.0}, "workers": {"1": 7.0}, "network": rates}, "pong")
    emulators, workers, network = figure.axes
    assert list(bars_of(emulators).values()) == [[5.0, 6.0]] and legend_of(emulators) == []
    assert bars_of(network) == {("gray", COLOURS[0]): [4.0, 2.0], ("RGB", COLOURS[1]): [3.0, 1.0]}
    assert legend_of(network) == ["gray", "RGB"]
    assert [label.get_text() for label in network.get_xticklabels()] == ["NIPS", "LSTM"]
    figure.draw_without_rendering()
    widths = [panel.get_position().width for panel in figure.axes]
    assert widths[2] > 1.8 * widths[0], "the last panel is alone in its row"


def test_what_is_compared_has_another_colour():
    tables = {"pong": {"emulators": Rate(2, 8), "EnvPool": Rate(1, 4)}, "NIPS": {"loop": Rate(1, 4)}}
    figure = draw_rates(tables, "a title")
    first, second = figure.axes
    assert [to_hex(bar.get_facecolor()) for bar in first.containers[0]] == [*COLOURS[:2]]
    assert [bar.get_width() for bar in first.containers[0]] == [8, 4]
    assert legend_of(first) == ["Manette with these options", "for comparison"] and legend_of(second) == []
