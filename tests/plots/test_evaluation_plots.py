"""The evaluation figures draw the data they are given."""

import numpy as np
import pytest

from cifar_lab import evaluation, plots


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_intervals_are_drawn_from_low_to_high():
    figure = plots.accuracy_intervals({"a": (0.2, 0.5, 0.6), "b": (0.9, 0.9, 1.0)})
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    segments = axes.collections[0].get_segments()
    np.testing.assert_allclose([segment[:, 0] for segment in segments], [[0.2, 0.6], [0.9, 1.0]])
    assert axes.get_ylim() == (1.5, -0.5)  # first row on top


def test_reliability_diagram_draws_accuracy_against_score_and_counts():
    probabilities = np.array([[0.95, 0.05]] * 4 + [[0.62, 0.38]] * 2)
    curve = evaluation.reliability(probabilities, np.array([0, 0, 0, 1, 0, 1]))
    figure = plots.reliability_diagram({"before": curve, "after": curve})
    above, _, below, _ = figure.axes
    np.testing.assert_allclose(above.lines[1].get_xydata(), [[0.62, 0.5], [0.95, 0.75]])
    assert [bar.get_height() for bar in below.patches] == [2, 4]
    assert [axes.get_title() for axes in figure.axes[:2]] == ["before", "after"]


def test_mistakes_show_the_top_classes_and_mark_the_true_one():
    probabilities = np.array([[0.6, 0.3, 0.07, 0.03], [0.1, 0.8, 0.06, 0.04]])
    figure = plots.mistakes(probabilities, np.array([3, 0]), ("cat", "dog", "frog", "ship"), [1, 0])
    of_second, of_first = figure.axes
    assert of_second.get_title() == "image 1" and of_first.get_title() == "image 0"
    assert [label.get_text() for label in of_second.get_yticklabels()] == ["dog", "true: cat", "frog"]
    assert [label.get_text() for label in of_first.get_yticklabels()] == ["cat", "dog", "frog", "true: ship"]
    assert texts(of_first) == ["60%", "30%", "7%", "3%"]


def test_score_histograms_mark_the_threshold_on_the_roc_curve():
    known, others = np.array([0.9, 0.8, 0.3, 0.7]), {"noise": np.array([0.2, 0.75]), "digits": np.array([0.1])}
    figure = plots.score_histograms(known, others, 0.5)
    left, right = figure.axes
    dots = [line.get_xydata()[0] for line in right.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, [(0.5, 0.75), (0, 0.75)])
    corners = {(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)}  # by hand: 0.75 lies below two of the known scores
    assert corners <= {tuple(point) for point in right.lines[1].get_xydata()}
    assert left.lines[0].get_xdata() == [0.5, 0.5]
    assert sum(bar.get_height() for bar in left.patches[:25]) == pytest.approx(1)
    names = {text.get_text() for text in figure.legends[0].get_texts()}
    assert names == {"known classes", "threshold 0.50", "noise", "digits"}


def test_severity_curves_draw_the_accuracies():
    axes = plots.severity_curves({"noise": [0.9, 0.5], "blur": [0.9, 0.8]}, chance=0.1).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.9, 0.5], [0.9, 0.8], [0.1, 0.1]]
    assert len({(line.get_linestyle(), line.get_marker()) for line in axes.lines}) == 3  # not only by colour


def test_heat_maps_are_drawn_below_their_images():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    heats = {"trained": np.zeros((2, 8, 8)), "shuffled": np.ones((2, 8, 8))}
    grid = plots.heat_maps(images, heats, ["cat", "dog"]).axes
    assert [axes.get_title() for axes in grid[:2]] == ["cat", "dog"]
    assert [grid[2].get_ylabel(), grid[4].get_ylabel()] == ["trained", "shuffled"]
    np.testing.assert_array_equal(grid[1].images[0].get_array(), images[1])
    assert grid[3].images[1].get_array().max() == 0 and grid[5].images[1].get_array().min() == 1
