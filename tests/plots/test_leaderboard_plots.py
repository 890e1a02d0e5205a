"""The figure of accuracy against minutes draws the rows it is given, with readable names."""

import dataclasses

import numpy as np
import pytest
from matplotlib.text import Text

from cifar_lab import plots
from cifar_lab.experiments.leaderboard import RunRow, Spread


def row(name: str, minutes: float, accuracy: float, *, kind="run", deviation=None) -> RunRow:
    test = Spread(accuracy, deviation, 3 if deviation else 1)
    return RunRow(kind, name, "stripes", 200, (), (), None, test, None, Spread(minutes, None, 1), 1, 1, {})


ROWS = [
    row("slow", 60, 0.9, deviation=0.01),
    row("quick", 1, 0.7),
    row("dull", 30, 0.65),
    row("shipped", 61, 0.92, kind="classifier"),
]


def points(axes) -> dict[tuple[float, float], str]:
    return {
        (container[0].get_xdata()[0], container[0].get_ydata()[0]): container[0].get_marker()
        for container in axes.containers
    }


def test_every_row_is_a_point_with_error_bars():
    axes = plots.accuracy_against_minutes(ROWS).axes[0]
    assert points(axes) == {(60, 0.9): "o", (1, 0.7): "o", (30, 0.65): "o", (61, 0.92): "s"}
    [vertical] = axes.containers[0][2]
    np.testing.assert_allclose(vertical.get_segments(), [[[60, 0.89], [60, 0.91]]])
    assert axes.get_xscale() == "log"  # 1 to 61
    assert axes.get_ylabel() == "accuracy on the test split"


def test_the_dotted_line_is_the_pareto_front():
    axes = plots.accuracy_against_minutes(ROWS).axes[0]
    [line] = [line for line in axes.lines if line.get_linestyle() == ":"]
    np.testing.assert_allclose(line.get_xydata(), [(1, 0.7), (60, 0.9), (61, 0.92)])
    assert plots.describe_runs(ROWS).endswith("more accurate than these: quick, slow, shipped.")
    assert "test split of stripes" in plots.describe_runs(ROWS) and "4 points" in plots.describe_runs(ROWS)


def test_every_name_is_written_and_none_overlap():
    crowd = [row(f"a rather long name {i}", 10 + i / 20, 0.8 + i / 500) for i in range(4)]
    figure = plots.accuracy_against_minutes(crowd + ROWS[1:2])
    axes = figure.axes[0]
    assert sorted(text.get_text() for text in axes.texts) == sorted(r.name for r in crowd + ROWS[1:2])
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text, figure.canvas.get_renderer()) for text in axes.texts]
    overlaps = [(i, j) for i in range(5) for j in range(i) if boxes[i].overlaps(boxes[j])]
    assert overlaps == []


def test_the_validation_split_can_be_drawn():
    validated = [dataclasses.replace(one, validation=Spread(0.5, None, 1), test=None) for one in ROWS]
    axes = plots.accuracy_against_minutes(validated, split="validation").axes[0]
    assert axes.get_ylabel() == "accuracy on the validation split"
    with pytest.raises(ValueError, match="accuracy on the test split"):
        plots.accuracy_against_minutes(validated)


def test_long_names_move_to_a_legend_and_points_are_numbered():
    rows = [dataclasses.replace(one, name=f"{one.name}, with a name that is much too long") for one in ROWS]
    figure = plots.accuracy_against_minutes(rows)
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["1", "2", "3", "4"]
    listed = [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()]
    assert listed == [f"{number} {row.name}" for number, row in enumerate(rows, start=1)]
