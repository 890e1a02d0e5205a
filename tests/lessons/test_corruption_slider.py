"""The corruption slider, with a classifier that depends only on brightness, so that its predictions are known."""

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cifar_lab import images
from cifar_lab.images import corruption
from cifar_lab.lessons.widgets.corruption_slider import CorruptionSlider, corruption_still


def brightness(shown: np.ndarray) -> np.ndarray:
    bright = shown.mean(axis=(1, 2, 3)) / 255
    return np.stack([bright, 1 - bright], axis=1)


@pytest.fixture
def classifier():
    see = lambda picture: images.to_input(picture, size=16)  # noqa: E731
    return SimpleNamespace(class_names=("day & <b>", "night"), see=see, probabilities=brightness)


@pytest.fixture
def pictures():
    generator = np.random.default_rng(0)
    dark, bright = (generator.integers(low, low + 80, (16, 16, 3), dtype=np.uint8) for low in (0, 176))
    return {"dark": dark, "bright": Image.fromarray(bright)}


@pytest.fixture
def slider(classifier, pictures):
    return CorruptionSlider(classifier, pictures)


def shown(slider) -> list[np.ndarray]:
    found = re.findall(r'<img alt="[^"]*" src="data:image/png;base64,([^"]*)"', slider.view.value)
    return [np.array(Image.open(io.BytesIO(base64.b64decode(png)))) for png in found]


def test_initially_the_image_is_unchanged(slider, pictures):
    before, after = shown(slider)
    np.testing.assert_array_equal(before, pictures["dark"])
    np.testing.assert_array_equal(after, pictures["dark"])


@pytest.mark.parametrize("kind", corruption.KINDS)
def test_the_slider_shows_the_corrupted_image_and_its_scores(slider, pictures, kind):
    slider.kind.value = kind
    slider.severity.value = 4
    before, after = shown(slider)
    expected = corruption.corrupt(pictures["dark"][None], kind, 4)
    np.testing.assert_array_equal(after, expected[0])
    assert not np.array_equal(after, before)
    night, corrupted = 1 - pictures["dark"].mean() / 255, 1 - expected.mean() / 255
    assert f"Original: night, {night:.0%}. With {kind}, severity 4: night, {corrupted:.0%}" in slider.message.value
    assert f"night {corrupted:.0%}</div>" in slider.view.value
    assert 'role="status"' in slider.message.value and slider.alert.value == ""


def test_another_picture_keeps_the_corruption(slider, pictures):
    slider.severity.value = 2
    slider.picture.value = "bright"
    np.testing.assert_array_equal(shown(slider)[0], np.asarray(pictures["bright"]))
    assert "day &amp; &lt;b&gt;" in slider.message.value and "<b>" not in slider.message.value + slider.view.value


def test_every_control_has_a_label(slider):
    names = [control.description for control in (slider.picture, slider.kind, slider.severity)]
    assert names == ["picture", "kind", "severity"]
    assert (slider.severity.min, slider.severity.max) == (0, 5)


def test_the_stored_output_is_text(slider):
    assert slider._repr_mimebundle_()["text/plain"].startswith("Corruption slider: ")


def test_the_still_figure_shows_every_kind_at_three_severities(classifier, pictures):
    panels = corruption_still(classifier, pictures["dark"]).axes
    assert len(panels) == 16
    titles = [axes.get_title() for axes in panels]
    assert [title.split("\n")[0] for title in titles[:5]] == ["original", "noise 1", "noise 3", "noise 5", "original"]
    jpeg = corruption.corrupt(pictures["dark"][None], "jpeg", 5)
    np.testing.assert_array_equal(panels[15].images[0].get_array(), jpeg[0])
    assert titles[15] == f"jpeg 5\nnight {1 - jpeg.mean() / 255:.0%}"


def test_missing_and_broken_pictures_are_refused(classifier):
    with pytest.raises(ValueError, match="at least one picture"):
        CorruptionSlider(classifier, {})
    with pytest.raises(images.PictureError):
        CorruptionSlider(classifier, {"broken": b"no picture"})
