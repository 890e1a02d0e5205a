"""The training curves draw the values they are given."""

import pytest

from cifar_lab import plots


def test_every_line_starts_at_one_and_has_its_own_style():
    lines = {str(i): [i, i + 1.0, 0.5] for i in range(5)}
    figure = plots.compare_curves(lines, xlabel="epoch", ylabel="loss", level=("chance", 2.3), highest=3)
    axes = figure.axes[0]
    drawn = {line.get_label(): line for line in axes.lines}
    assert list(drawn) == [*lines, "chance"]
    for name, values in lines.items():
        assert list(drawn[name].get_xdata()) == [1, 2, 3]
        assert list(drawn[name].get_ydata()) == values
    assert len({(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines}) == 6
    assert list(drawn["chance"].get_ydata()) == [2.3, 2.3]
    assert axes.get_ylim() == pytest.approx((0, 3))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(drawn)
