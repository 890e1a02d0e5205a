"""MobileNetV2, from a weight file in Keras's cache to a classifier.

ImageNet's weights are not needed: the file holds random ones. To save time, the network has 3 of its 17 blocks.
"""

import sys

import numpy as np
import pytest

from cifar_lab import models, training
from cifar_lab.core.keras_backend import keras
from cifar_lab.inference.classifier import Classifier
from cifar_lab.models import mobilenet
from cifar_lab.models.imagenet_labels import imagenet_labels
from tests.helpers.command_line import lab


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.stack([rng.integers(0, top, (224, 224, 3), dtype=np.uint8) for top in (40, 120, 256)])


@pytest.fixture(scope="module", autouse=True)
def official(tmp_path_factory, images):
    """Put the weights of Keras's own network into the cache, and return that network."""
    source = sys.modules[keras.applications.MobileNetV2.__module__]
    block, home = source._inverted_res_block, tmp_path_factory.mktemp("keras")
    with pytest.MonkeyPatch.context() as patch:
        shallow = lambda x, **options: block(x, **options) if options["block_id"] < 3 else x  # noqa: E731
        patch.setattr(source, "_inverted_res_block", shallow)
        patch.setenv("KERAS_HOME", str(home))
        patch.setenv("CIFAR_LAB_MODELS", str(home / "classifiers"))
        keras.utils.set_random_seed(0)
        model = keras.applications.MobileNetV2(weights=None)
        backbone, last = keras.Model(model.inputs[0], model.layers[-2].output), model.layers[-1]
        features = backbone.predict(images / 127.5 - 1, verbose=0)
        kernel = np.random.default_rng(0).normal(size=last.kernel.shape)
        kernel *= 2 / ((features - features.mean(axis=0)) @ kernel).std()
        last.set_weights([kernel, -features.mean(axis=0) @ kernel])  # so that predictions differ
        mobilenet.weights_path().parent.mkdir()
        model.save(mobilenet.weights_path())
        patch.setattr(mobilenet, "_BYTES", mobilenet.weights_path().stat().st_size)
        yield model


def test_labels_have_imagenets_order():
    known = {0: "tench", 1: "goldfish", 207: "golden retriever", 281: "tabby", 340: "zebra", 386: "African elephant"}
    known |= {404: "airliner", 504: "coffee mug", 817: "sports car", 954: "banana", 999: "toilet tissue"}
    assert {index: imagenet_labels()[index] for index in known} == known
    assert len(imagenet_labels()) == len(set(imagenet_labels())) == 1000


def test_it_becomes_a_classifier_that_predicts_like_keras(official, images):
    expected = keras.ops.convert_to_numpy(official(images / 127.5 - 1))
    assert len(set(expected.argmax(axis=1))) > 1  # the comparison can fail
    result = lab("imagenet", "--backbone", "mobilenet", "--name", "mobilenet")
    assert result.exit_code == 0 and "1,000 classes" in result.output
    classifier = Classifier.load("mobilenet")
    np.testing.assert_allclose(classifier.probabilities(images), expected, atol=5e-3)  # weights are in float16
    assert classifier.predict(images[0]).label == imagenet_labels()[expected[0].argmax()]
    assert not classifier.card.calibrated and classifier.card.input_size == 224
    assert (
        "There is a classifier 'mobilenet' already."
        in lab("imagenet", "--backbone", "mobilenet", "--name", "mobilenet").output
    )


def test_the_error_without_internet_says_which_file_to_put_where(monkeypatch, tmp_path):
    assert models.weights_available()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(mobilenet, "_ADDRESS", "http://127.0.0.1:9/weights.h5")
    assert not models.weights_available()
    result = lab("imagenet", "--backbone", "mobilenet", "--name", "another")
    assert result.exit_code == 1 and result.output.count("Error: ") == 1
    assert f"Download http://127.0.0.1:9/weights.h5 elsewhere, and put the file into {tmp_path}" in result.output


def test_a_damaged_file_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    mobilenet.weights_path().parent.mkdir()
    mobilenet.weights_path().write_bytes(b"\x89HDF" + bytes(996))
    monkeypatch.setattr(mobilenet, "_BYTES", 1000)
    with pytest.raises(ValueError, match=r"is damaged .* Delete it and try again"):
        mobilenet.build_mobilenet()


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"starts from 'imagenet', not from 'cifar10'.*recipe transfer"):
        models.build("mobilenet", start="cifar10")
    with pytest.raises(ValueError, match="at least 8 x 8 pixels, got 4 x 4"):
        models.build("mobilenet", input_size=4)


def test_the_recipe_trains_a_new_head_and_keeps_batch_norm_statistics(official, stripes, monkeypatch, tmp_path):
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path)
    few = stripes.subset(train=64, validation=32, test=32)
    trained = training.train(few, "mobilenet", epochs=2, frozen_epochs=1, keep="last", progress=False).load_model()
    before, after = official.get_layer("Conv1").kernel, trained.get_layer("Conv1").kernel
    assert 0 < np.abs(keras.ops.convert_to_numpy(after - before)).max() < 0.001  # steps with a small learning rate
    before, after = official.get_layer("bn_Conv1"), trained.get_layer("bn_Conv1")
    assert np.array_equal(before.moving_mean, after.moving_mean) and trained.output_shape == (None, 2)
