"""The interactive confusion matrix: cells and menus select the right images."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from cifar_lab.lessons.widgets.confusion_matrix import ANY, ConfusionMatrix

NAMES = ("cat", "dog", "<frog>")


@pytest.fixture(scope="module")
def predictions():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 90)
    return generator.dirichlet([0.5] * 3, 90) * 0.6 + 0.4 * np.eye(3)[generator.permutation(labels)], labels


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (90, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def matrix(predictions, images):
    return ConfusionMatrix(*predictions, NAMES, images=images)


def shown(matrix) -> list[tuple[str, np.ndarray]]:
    found = re.findall(r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)"', matrix.view.value)
    return [(text, np.array(Image.open(io.BytesIO(base64.b64decode(png))))) for text, png in found]


def test_cells_agree_with_scikit_learn(matrix, predictions):
    probabilities, labels = predictions
    counts = metrics.confusion_matrix(labels, probabilities.argmax(axis=1))
    described = [[int(cell.description.replace("·", "0")) for cell in row] for row in matrix.cells]
    assert described == counts.tolist()
    assert matrix.cells[0][1].tooltip == f"cat predicted as dog: {counts[0, 1]}"


def test_a_click_shows_the_images_of_that_cell_most_confident_first(matrix, predictions, images):
    probabilities, labels = predictions
    matrix.cells[1][0].click()
    assert (matrix.truth.value, matrix.answer.value) == ("dog", "cat")
    members = [i for i in range(90) if labels[i] == 1 and probabilities[i].argmax() == 0]
    expected = sorted(members, key=lambda i: -probabilities[i].max())
    assert matrix.positions.tolist() == expected
    for (text, pixels), i in zip(shown(matrix), expected, strict=False):
        np.testing.assert_array_equal(pixels, images[i])
        assert text == f"test image {i}: dog, predicted as cat, {probabilities[i].max():.0%}"
    assert len(shown(matrix)) == min(len(expected), 12)
    assert f"{len(expected)} of {np.sum(labels == 1)} images of class dog were predicted as cat" in matrix.message.value
    assert 'role="status"' in matrix.message.value


def test_right_predictions_start_with_the_least_confident(matrix, predictions):
    matrix.cells[2][2].click()
    scores = predictions[0][matrix.positions].max(axis=1)
    assert np.all(np.diff(scores) >= 0)
    assert "least confident" in matrix.message.value


def test_the_menus_select_the_same_as_the_cells(matrix):
    matrix.cells[0][1].click()
    by_click = matrix.view.value
    matrix.cells[2][1].click()
    matrix.truth.value = "cat"
    assert matrix.view.value == by_click
    framed = [(i, j) for i in range(3) for j in range(3) if "transparent" not in matrix.cells[i][j].layout.border_top]
    assert framed == [(0, 1)]


def test_any_class_selects_only_mistakes(matrix, predictions):
    probabilities, labels = predictions
    matrix.truth.value = matrix.answer.value = ANY
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    assert sorted(matrix.positions.tolist()) == wrong.tolist()
    assert matrix.positions[0] == max(wrong, key=lambda i: probabilities[i].max())
    assert f"{len(wrong)} mistakes" in matrix.message.value
    matrix.truth.value = "dog"
    assert set(labels[matrix.positions]) == {1}


def test_initially_the_most_frequent_mistake_is_selected(matrix, predictions):
    counts = metrics.confusion_matrix(predictions[1], predictions[0].argmax(axis=1)) * (1 - np.eye(3, dtype=int))
    assert len(matrix.positions) == counts.max()


def test_without_images_the_probabilities_are_shown(predictions):
    matrix = ConfusionMatrix(*predictions, NAMES)
    assert "<img" not in matrix.view.value
    first, row = matrix.positions[0], predictions[0][matrix.positions[0]]
    assert f"no. {first}: " in matrix.view.value
    for index in np.argsort(-row):
        assert f"{row[index]:.0%}" in matrix.view.value


def test_an_empty_cell_shows_no_images(images):
    matrix = ConfusionMatrix(np.eye(2)[[0, 1, 1]], np.array([0, 1, 1]), ("a", "b"), images=images[:3])
    matrix.cells[0][1].click()
    assert matrix.cells[0][1].description == "·"
    assert "0 of 1 images of class a were predicted as b." in matrix.message.value
    assert shown(matrix) == [] and matrix.alert.value == ""


def test_class_names_are_escaped(matrix):
    for row in matrix.cells:
        row[2].click()
        assert "<frog>" not in matrix.view.value + matrix.message.value


def test_keyboard_focus_stops_only_at_the_two_labelled_menus(matrix):
    assert not any(cell.tabbable for row in matrix.cells for cell in row)
    assert [menu.description for menu in (matrix.truth, matrix.answer)] == ["true class", "predicted"]


def test_the_stored_output_is_text_without_images(matrix):
    stored = matrix._repr_mimebundle_()
    assert stored["text/plain"].startswith("Confusion matrix: ")
    assert "base64" not in str(stored)


def test_exceptions_are_shown(matrix, monkeypatch):
    monkeypatch.setattr(matrix, "_sentence", lambda _: 1 / 0)
    matrix.cells[0][0].click()
    assert 'role="alert"' in matrix.alert.value and "ZeroDivisionError" in matrix.alert.value


def test_arrays_that_do_not_match_are_refused(predictions, images):
    with pytest.raises(ValueError, match=r"images must be \(90, height, width, 3\) uint8, one per label"):
        ConfusionMatrix(*predictions, NAMES, images=images[:5])
    with pytest.raises(ValueError, match="2 class names"):
        ConfusionMatrix(*predictions, NAMES[:2])
