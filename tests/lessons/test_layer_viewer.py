"""The layer viewer, with a network whose feature maps are known."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from cifar_lab.core.keras_backend import keras
from cifar_lab.lessons.widgets.layer_viewer import LayerViewer


@pytest.fixture
def network():
    """A network where conv_1 outputs red and twice blue, and pool halves the size."""
    layers = [
        keras.layers.Conv2D(2, 1, use_bias=False, name="conv_1"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, activation="softmax"),
    ]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    model.layers[0].set_weights([np.array([[[[1, 0], [0, 0], [0, 2]]]], np.float32)])
    return model


@pytest.fixture
def pictures():
    red, blue = np.zeros((2, 8, 8, 3), np.uint8)
    red[2:4, 5, 0], blue[6, :, 2] = 200, 100
    return {"red <dot>": red, "blue line": blue}


def shown(viewer) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]*)"', viewer.view.value)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))) for png in found]


def test_the_picture_is_shown_and_the_most_active_map_comes_first(network, pictures):
    viewer = LayerViewer(network, pictures)
    picture, sheet = shown(viewer)
    np.testing.assert_array_equal(picture, pictures["red <dot>"])
    white = np.argwhere(sheet[:32, :32].min(axis=2) == 255)  # 4 x 4 pixels per number
    assert (white.min(axis=0).tolist(), white.max(axis=0).tolist()) == ([8, 20], [15, 23])  # rows 2 and 3, column 5
    assert sheet[:32, 34:66].max() == 0  # the blue map is empty


def test_the_menus_change_maps_and_message(network, pictures):
    viewer = LayerViewer(network, pictures)
    assert "conv_1: 2 maps of 8 × 8" in viewer.message.value
    viewer.layer.value = "pool"
    assert "pool: 2 maps of 4 × 4" in viewer.message.value
    viewer.picture.value = "blue line"
    _, sheet = shown(viewer)
    white = np.argwhere(sheet[:32, :32].min(axis=2) == 255)  # 8 x 8 per number; row 6 of 8 is row 3 of 4 after pooling
    assert (white.min(axis=0).tolist(), white.max(axis=0).tolist()) == ([24, 0], [31, 31])
    assert "88% of their numbers are 0" in viewer.message.value  # 28 of 32


def test_only_the_given_layers_can_be_chosen(network, pictures):
    assert LayerViewer(network, pictures, layer_names=["pool"]).layer.options == ("pool",)


def test_the_widget_is_accessible(network, pictures):
    viewer = LayerViewer(network, pictures)
    assert 'alt="red &lt;dot&gt;"' in viewer.view.value
    assert 'role="status" aria-live="polite">red &lt;dot&gt;, conv_1' in viewer.message.value
    assert [menu.description for menu in (viewer.picture, viewer.layer)] == ["picture", "layer"]


def test_the_text_version_says_to_run_the_cell(network, pictures):
    assert "run this cell" in LayerViewer(network, pictures)._repr_mimebundle_()["text/plain"]


def test_missing_pictures_and_wrong_sizes_are_refused(network, pictures):
    with pytest.raises(ValueError, match="at least one picture"):
        LayerViewer(network, {})
    with pytest.raises(ValueError, match="8"):
        LayerViewer(network, {"small": np.zeros((4, 4, 3), np.uint8)})
