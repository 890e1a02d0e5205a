"""The figure of accuracy against minutes."""

import numpy as np
import pytest

from cifar_lab import plots
from cifar_lab.experiments.run_table import RunRow, Spread


def row(name: str, minutes: float, accuracy: float, *, kind="run", deviation=None) -> RunRow:
    test = Spread(accuracy, deviation, 3 if deviation else 1)
    return RunRow(kind, name, "stripes", 200, (), (), None, test, None, Spread(minutes, None, 1), 1, 1, {})


ROWS = [
    row("slow", 60, 0.9, deviation=0.01),
    row("quick", 1, 0.7),
    row("dull", 30, 0.65),
    row("shipped", 61, 0.92, kind="classifier"),
]


def test_every_row_is_a_point_in_the_legend_and_the_front_is_dotted():
    figure = plots.accuracy_against_minutes(ROWS)
    [axes] = figure.axes
    points = [container[0] for container in axes.containers]
    assert [tuple(point.get_xydata()[0]) for point in points] == [(60, 0.9), (1, 0.7), (30, 0.65), (61, 0.92)]
    np.testing.assert_allclose(axes.containers[0][2][0].get_segments(), [[[60, 0.89], [60, 0.91]]])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "slow",
        "quick",
        "dull",
        "classifier shipped",
    ]
    [front] = [line for line in axes.lines if line.get_linestyle() == ":"]
    np.testing.assert_allclose(front.get_xydata(), [(1, 0.7), (60, 0.9), (61, 0.92)])
    assert axes.get_xscale() == "log"  # 1 to 61
    assert plots.describe_runs(ROWS).endswith("more accurate than these: quick; slow; shipped.")


def test_thirty_points_look_different():
    axes = plots.accuracy_against_minutes([row(str(i), 1 + i, 0.5) for i in range(30)]).axes[0]
    looks = {(line.get_color(), line.get_marker()) for line, *_ in axes.containers}
    assert len(looks) == 30


def test_rows_without_minutes_are_left_out():
    with pytest.raises(ValueError, match="no row has both minutes and an accuracy"):
        plots.accuracy_against_minutes([row("timeless", 0, 0.5)])
