"""`cifar-lab export FILE`: from a Keras file to a classifier."""

import numpy as np
import pytest

from cifar_lab import explain, models
from cifar_lab.core.keras_backend import keras
from cifar_lab.inference.classifier import Classifier
from tests.helpers.command_line import lab
from tests.helpers.datasets import replace_load

layers = keras.layers


@pytest.fixture(scope="module")
def network(tmp_path_factory, stripes):
    """Save `edges.h5`, a network that tells apart `stripes` by gradients of pixels 0-255, in reversed order."""
    folder = tmp_path_factory.mktemp("folder")
    kernel = np.zeros((2, 2, 3, 4), np.float32)
    kernel[0, 0] = [1, -1, 1, -1]
    kernel[1, 0, :, :2], kernel[0, 1, :, 2:] = [-1, 1], [-1, 1]
    votes = np.array([[-2, 2], [-2, 2], [2, -2], [2, -2]], np.float32)
    convolution = layers.Conv2D(4, 2, activation="relu", use_bias=False)
    model = keras.Sequential([keras.Input((16, 16, 3)), convolution, layers.GlobalAveragePooling2D(), layers.Dense(2)])
    model.set_weights([kernel / 382, votes, np.array([0.5, -0.5], np.float32)])
    model.save(folder / "edges.h5")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_MODELS", str(folder / "models"))
        replace_load(patch, lambda name, **_: stripes)
        yield folder / "edges.h5", model


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_file_and_a_dataset_become_a_calibrated_classifier(network, stripes):
    path, model = network
    result = lab("export", path, "--dataset", "sketches", "--classes", "upright, level")
    assert result.exit_code == 0, result.output
    assert "Pixels go in as 0-255 (cross-entropy on validation images: 0-1 " in result.output
    assert "Order of the outputs, as stated: upright, level." in result.output
    classifier = Classifier.load("edges")
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(model(stripes.test.images)))
    np.testing.assert_allclose(classifier.raw_probabilities(stripes.test.images), expected, atol=1e-5)
    assert np.mean(expected.argmax(axis=1) == 1 - stripes.test.labels) > 0.9  # the classes are in reversed order
    assert classifier.card.calibrated and classifier.card.content["imported"]["file"] == "edges.h5"
    assert explain.grad_cam(models.load_network("edges"), stripes.test.images[0]).shape == (16, 16)


def test_a_file_and_class_names_become_a_classifier(network, stripes):
    path, model = network
    result = lab("export", path, "--name", "plain", "--classes", "upright,level")
    assert "Pixels go in as 0-1 (assumed" in result.output and "--model plain" in result.output
    classifier = Classifier.load("plain")
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(model(stripes.test.images / 255)))
    np.testing.assert_allclose(classifier.probabilities(stripes.test.images), expected, atol=1e-5)
    assert classifier.class_names == ("upright", "level") and not classifier.card.calibrated


def test_the_command_asks_for_what_it_needs(network):
    for arguments, sentence in (
        ([network[0]], "Which classes does the network know?"),
        ([network[0], "--name", "x", "--classes", "a,b,c"], "The network has 2 outputs; --classes has 3 classes."),
        (["nowhere.keras", "--classes", "a,b"], "There is no file"),
        (["run", "--name", "x", "--pixels", "-1-1"], "--pixels and --classes are for a Keras file"),
        (["run"], "--name is needed"),
    ):
        result = lab("export", *arguments)
        assert result.exit_code != 0 and sentence in " ".join(result.output.split())
