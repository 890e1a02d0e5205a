"""Figures draw the data they are given, and `show` displays them with a description."""

import base64
import io

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from cifar_lab import plots
from cifar_lab.inference.classifier import Guess, Prediction


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)


def test_picture_grid_draws_every_image_once(images):
    figure = plots.picture_grid(images, titles=[str(i) for i in range(12)], columns=5)
    shown = [(axes.get_title(), axes.images[0].get_array()) for axes in figure.axes if axes.images]
    assert [title for title, _ in shown] == [str(i) for i in range(12)]
    for (_, drawn), image in zip(shown, images, strict=True):
        np.testing.assert_array_equal(drawn, image)


def test_contact_sheet_has_one_row_per_class(images):
    labels = np.arange(12) % 3
    figure = plots.contact_sheet(images, labels, ("a", "b", "c"), per_class=4)
    sheet = figure.axes[0].images[0].get_array()
    for label in range(3):
        for column, image in enumerate(images[labels == label]):
            np.testing.assert_array_equal(sheet[label * 18 : label * 18 + 16, column * 18 : column * 18 + 16], image)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_channels_are_the_planes_of_the_image(images):
    panels = plots.channels(images[0]).axes
    for axes, channel in zip(panels[1:], range(3), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), images[0][:, :, channel])
        assert axes.images[0].get_clim() == (0, 255)  # no contrast stretching


def test_class_balance_draws_the_counts(stripes):
    panels = plots.class_balance(stripes).axes
    widths = [[bar.get_width() for bar in axes.patches] for axes in panels]
    assert widths == [[100, 100], [30, 30], [20, 20]]


def test_mean_images_draws_the_class_means(images):
    labels = np.arange(12) % 2
    panels = plots.mean_images(images, labels, ("a", "b")).axes
    expected = np.rint(images[labels == 1].astype(float).mean(axis=0))
    np.testing.assert_array_equal(panels[1].images[0].get_array(), expected)


def test_training_curves_draw_the_history():
    history = [
        {"epoch": e, "loss": 2 / e, "accuracy": e / 5, "validation_loss": 3 / e, "validation_accuracy": e / 6}
        for e in (1, 2, 3)
    ]
    loss, accuracy = plots.training_curves(history).axes
    assert list(loss.lines[0].get_ydata()) == [2, 1, 2 / 3]
    assert list(accuracy.lines[1].get_ydata()) == [1 / 6, 2 / 6, 3 / 6]
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == ["training", "validation"]


def test_confusion_matrix_writes_percentages_of_the_true_class():
    axes = plots.confusion_matrix(np.array([[3, 1], [0, 0]]), ("a", "b")).axes[0]
    assert [text.get_text() for text in axes.texts] == ["75", "25", "0", "0"]  # a class without images has 0 everywhere


def test_prediction_bars_draw_the_scores(images):
    guesses = (Guess("cat", 3, 0.7), Guess("dog", 5, 0.2))
    figure = plots.prediction_bars(Prediction("cat", 3, 0.7, False, guesses, images[0]))
    assert [bar.get_width() for bar in figure.axes[1].patches] == [0.7, 0.2]
    assert figure.axes[1].get_title() == "none of these, probably"


def test_show_displays_the_figure_and_its_description(images, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    plots.show(plots.picture_grid(images[:2]), "Two noisy pictures side by side.")
    picture, caption = shown
    assert picture["text/plain"] == caption["text/plain"] == "Figure: Two noisy pictures side by side."
    assert "Two noisy pictures" in caption["text/markdown"]  # for readers and screen readers
    assert Image.open(io.BytesIO(base64.b64decode(picture["image/png"]))).width > 100


def test_plotting_leaves_the_users_style_unchanged(images):
    before = dict(mpl.rcParams)
    plots.picture_grid(images)
    assert dict(mpl.rcParams) == before
