"""The network figures draw the arrays they are given."""

import numpy as np
import pytest

from cifar_lab import plots


def test_signed_colours_are_black_at_zero_white_above_orange_below():
    row = plots.signed_colours(np.array([[0.0, 2, 1, -2, -1]]))[0]
    assert row.tolist() == [[0, 0, 0], [255] * 3, [128] * 3, [230, 159, 0], [115, 80, 0]]
    assert plots.signed_colours(np.zeros((2, 2))).max() == 0  # nothing to scale by


def test_number_grids_write_every_number_and_frame_the_marked_cells():
    arrays = [np.arange(6).reshape(2, 3), np.array([[-1.5]])]
    figure = plots.number_grids(arrays, titles=["a", "b"], marks=[(0, 1, 2, 2)])
    axes = figure.axes[0]
    written = [text.get_text() for text in axes.texts]
    assert written == ["0", "1", "2", "3", "4", "5", "a", "-1.5", "b"]
    (frame,) = axes.patches
    inside = [t.get_text() for t in axes.texts if frame.get_bbox().contains(*t.get_position())]
    assert inside == ["1", "2", "4", "5"]


def test_filters_draw_zero_as_mid_grey():
    kernels = np.zeros((2, 2, 3, 3))
    kernels[0, 0, 0, 1], kernels[1, 1, 2, 2] = -4, 2
    panels = [axes for axes in plots.filters(kernels, columns=2).axes if axes.images]
    drawn = [np.asarray(axes.images[0].get_array()) for axes in panels]
    assert len(drawn) == 3
    np.testing.assert_array_equal(drawn[0], np.full((2, 2, 3), 0.5))
    assert drawn[1][0, 0].tolist() == [0, 0.5, 0.5]
    assert drawn[2][1, 1].tolist() == [0.5, 0.5, 0.75]  # same scale for all filters


def test_feature_maps_show_the_most_active_maps_first():
    maps = {"first": np.zeros((4, 4, 3)), "second": np.ones((2, 2, 5))}
    maps["first"][:, :, 1], maps["first"][0, 0, 2] = 7, -1
    figure = plots.feature_map_grid(maps, np.zeros((8, 8, 3), np.uint8), per_layer=2)
    grid = np.array(figure.axes).reshape(2, 3)
    assert [axes.get_title(loc="left") for axes in grid[:, 1]] == ["first: 3 maps of 4 × 4", "second: 5 maps of 2 × 2"]
    assert grid[0, 1].images[0].get_array().min() == 255  # channel 1: constant and most active
    assert grid[0, 2].images[0].get_array()[0, 0].tolist() == [230, 159, 0]  # channel 2
    assert len(grid[1, 0].images) == 0 and len(grid[1, 2].images) == 1


def test_receptive_fields_are_framed_around_the_middle():
    axes = plots.receptive_fields(np.zeros((32, 32, 3), np.uint8), {"a": 4, "b": 10}).axes[0]
    boxes = [(frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) for frame in axes.patches]
    assert boxes == [(13.5, 13.5, 4, 4), (10.5, 10.5, 10, 10)]


def test_accuracy_by_position_draws_the_accuracies():
    axes = plots.accuracy_by_position({"one": [1, 0.5], "two": [0.2, 0.3]}, trained=(0, 0), chance=0.1).axes[0]
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert lines == {"chance": [0.1, 0.1], "one": [1, 0.5], "two": [0.2, 0.3]}
    assert axes.patches[0].get_width() == pytest.approx(1)
