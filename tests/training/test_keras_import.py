"""Networks from elsewhere: what is put around them, and the classifier that comes out."""

import json

import numpy as np
import pytest
from PIL import Image

from cifar_lab import explain, models
from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Split
from cifar_lab.inference.classifier import Classifier
from cifar_lab.models import keras_loader
from cifar_lab.training import keras_import
from cifar_lab.training.keras_import.adapters import GREY, PIXELS, input_size, wrap_model
from tests.helpers import legacy_keras
from tests.helpers.command_line import lab
from tests.helpers.datasets import replace_load

layers = keras.layers


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where `old.h5` lies, a network of Keras 2 that takes pixels from -1 to 1; and where classifiers go."""
    place = tmp_path_factory.mktemp("place")
    legacy_keras.write_h5(
        place / "old.h5",
        legacy_keras.sequential(legacy_keras.stripes_network()),
        legacy_keras.stripes_weights(scale=0.5),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_MODELS", str(place / "models"))
        yield place


@pytest.fixture(scope="module")
def exported(place, stripes):
    """What the command says."""
    with pytest.MonkeyPatch.context() as patch:
        replace_load(patch, lambda name, **_: stripes)
        return lab("export", place / "old.h5", "--name", "edges", "--dataset", "sketches")


def scaled(images: np.ndarray, pixels: str) -> np.ndarray:
    low, high = {"0-1": (0, 1), "-1-1": (-1, 1), "0-255": (0, 255)}[pixels]
    return low + (high - low) * (images / np.float32(255))


def probabilities(network, images) -> np.ndarray:
    return keras.ops.convert_to_numpy(network(images))


# --- a file of Keras 2, from the command line to an answer ---


def test_a_file_of_keras_2_becomes_a_classifier(exported, stripes):
    assert exported.exit_code == 0, exported.output
    classifier, inputs = Classifier.load("edges"), stripes.test.images
    logits = legacy_keras.answers(scaled(inputs, "-1-1"), legacy_keras.stripes_weights(scale=0.5))
    raw = legacy_keras.softmax(logits)
    np.testing.assert_allclose(classifier.raw_probabilities(inputs), raw, atol=1e-4)
    np.testing.assert_allclose(
        classifier.probabilities(inputs), legacy_keras.softmax(logits / classifier.card.temperature), atol=1e-3
    )
    assert classifier.class_names == ("level", "upright")
    assert (raw.argmax(axis=1) == stripes.test.labels).mean() > 0.9  # else the test would show little


def test_the_command_says_what_was_found_out(exported):
    assert "Pixels go in as -1-1, which fit best (cross-entropy on validation images: 0-1 " in exported.output
    assert "Its scores are probabilities." in exported.output
    assert "of the validation images are classified correctly." in exported.output
    assert "cifar-lab predict PICTURE --model edges" in exported.output


def test_the_card_says_where_it_came_from(exported, place, stripes):
    text = (place / "models" / "edges" / "card.json").read_text()
    content = json.loads(text)
    assert content["imported"]["file"] == "old.h5" and content["imported"]["pixels"] == "-1-1"
    assert content["trained"]["dataset"]["fingerprint"] == stripes.fingerprint()
    assert content["command"] == "cifar-lab export old.h5 --name edges --dataset sketches"
    assert content["metrics"]["validation"]["accuracy"] > 0.9
    assert str(place) not in text


def test_it_can_be_looked_into_mailed_and_measured(exported, place, stripes):
    network = models.load_network("edges")
    assert explain.first_filters(network).shape == (2, 2, 3, 4)
    assert explain.grad_cam(network, stripes.test.images[0]).shape == (16, 16)
    again = Classifier.load(Classifier.load("edges").save(place / "edges.cifarlab"))
    assert again.raw_probabilities(stripes.test.images[:2]).tolist() == (
        Classifier.load("edges").raw_probabilities(stripes.test.images[:2]).tolist()
    )
    assert models.load_network(place / "edges.cifarlab").count_params() == network.count_params()


# --- the two ends ---


@pytest.mark.parametrize("pixels", PIXELS)
def test_what_a_pixel_is_is_found_out(stripes, tmp_path, pixels):
    span = {"0-1": 1, "-1-1": 2, "0-255": 255}[pixels]
    weights = legacy_keras.stripes_weights(scale=1 / span)
    path = legacy_keras.write_h5(tmp_path / "old.h5", legacy_keras.sequential(legacy_keras.stripes_network()), weights)
    model = keras_loader.load_keras_file(path.read_bytes(), "old.h5")
    network, found = wrap_model(model, stripes.validation, 2)
    assert found["pixels"] == pixels and found["cross_entropy"].keys() == PIXELS.keys()
    images = stripes.test.images
    expected = legacy_keras.softmax(legacy_keras.answers(scaled(images, pixels), weights))
    np.testing.assert_allclose(probabilities(network, images), expected, atol=1e-5)
    other = next(name for name in PIXELS if name != pixels)
    forced, said = wrap_model(model, stripes.validation, 2, pixels=other)
    assert said == {"pixels": other, "ending": "softmax"}
    expected = legacy_keras.softmax(legacy_keras.answers(scaled(images, other), weights))
    np.testing.assert_allclose(probabilities(forced, images), expected, atol=1e-4)


def dense(shape, units: int, activation: str, *, seed: int = 0, before=()):
    """A network of one matrix, and the matrix."""
    model = keras.Sequential([keras.Input(shape), *before, layers.Dense(units, activation=activation, use_bias=False)])
    kernel = np.random.default_rng(seed).normal(size=model.layers[-1].kernel.shape).astype(np.float32)
    model.layers[-1].kernel.assign(kernel)
    return model, kernel


def test_grey_pixels_in_a_row_are_taken(stripes):
    model, kernel = dense((256,), 2, "softmax")
    assert input_size(model) == 16
    network, _ = wrap_model(model, stripes.validation, 2, pixels="0-1")
    images = stripes.test.images
    expected = legacy_keras.softmax((images / 255 @ np.array(GREY)).reshape(len(images), 256) @ kernel)
    np.testing.assert_allclose(probabilities(network, images), expected, atol=1e-5)
    as_pillow = [np.asarray(Image.fromarray(image).convert("L"), np.float32) for image in images]
    np.testing.assert_allclose(np.stack(as_pillow), images @ np.array(GREY), atol=1)


@pytest.mark.parametrize(
    ("units", "activation", "ending"),
    [(2, "linear", "logits"), (2, "sigmoid", "sigmoid"), (1, "sigmoid", "sigmoid"), (1, "linear", "logits")],
)
def test_scores_become_probabilities(stripes, units, activation, ending):
    model, kernel = dense((16, 16, 1), units, activation, before=[layers.Flatten()])
    network, found = wrap_model(model, stripes.validation, 2, pixels="0-1")
    assert found["ending"] == ending
    images = stripes.test.images
    scores = (images / 255 @ np.array(GREY)).reshape(len(images), 256) @ kernel
    if units == 1:
        second = 1 / (1 + np.exp(-scores[:, 0]))
        expected = np.stack([1 - second, second], axis=1)
    else:
        expected = legacy_keras.softmax(scores)
    np.testing.assert_allclose(probabilities(network, images), expected, atol=1e-5)


def test_models_in_a_model_are_laid_open(stripes):
    entry = keras.Input((16, 16, 3))
    seeing = keras.Model(entry, layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, name="eye")(entry)))
    model = keras.Sequential([keras.Input((16, 16, 3)), seeing, layers.Dense(2, activation="softmax")])
    network, _ = wrap_model(model, stripes.validation, 2, pixels="0-1")
    assert "eye" in [layer.name for layer in network.layers]
    images = stripes.test.images
    np.testing.assert_allclose(probabilities(network, images), probabilities(model, images / 255), atol=1e-5)


def test_a_network_that_takes_uint8_stays_as_it_is(stripes):
    entry = keras.Input((16, 16, 3), dtype="uint8")
    model = keras.Model(entry, layers.Dense(2, activation="softmax")(layers.Flatten()(layers.Rescaling(0.1)(entry))))
    network, found = wrap_model(model, stripes.validation, 2)
    assert found == {"pixels": "0-255", "ending": "softmax"}
    images = stripes.test.images
    np.testing.assert_allclose(probabilities(network, images), probabilities(model, images), atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "units", "sentence"),
    [
        ((16, 16, 3), 3, "gives 3 scores, but the dataset has 2 classes"),
        ((16, 20, 3), 2, r"takes \(16, 20, 3\); square images are needed"),
        ((3, 16, 16), 2, "square images are needed"),
        ((100, 7), 2, "square images are needed"),
        ((99,), 2, "square images are needed"),
    ],
)
def test_a_network_for_other_things_is_refused(stripes, shape, units, sentence):
    model, _ = dense(shape, units, "softmax", before=[layers.Flatten()])
    with pytest.raises(ValueError, match=sentence):
        input_size(model)
        wrap_model(model, stripes.validation, 2)


def test_a_network_with_other_ends_is_refused(stripes):
    entries = [keras.Input((16, 16, 3)), keras.Input((16, 16, 3))]
    both = layers.Flatten()(layers.Add()(entries))
    for model in (keras.Model(entries, layers.Dense(2)(both)), keras.Model(entries[0], layers.Softmax()(entries[0]))):
        with pytest.raises(ValueError, match="should take one image and give one row of scores"):
            input_size(model)


def test_damaged_weights_are_noticed(stripes):
    model, kernel = dense((16, 16, 3), 2, "linear", before=[layers.Flatten()])
    model.layers[-1].kernel.assign(kernel * np.nan)
    with pytest.raises(ValueError, match="not finite"):
        wrap_model(model, stripes.validation, 2)


# --- sizes and wishes ---


def test_images_are_brought_to_the_networks_size(stripes, monkeypatch):
    fitted = keras_import.resized(stripes, 24)
    assert fitted.validation.images.shape == (60, 24, 24, 3) and fitted.test is stripes.test
    by_pillow = Image.fromarray(stripes.validation.images[7]).resize((24, 24), Image.Resampling.BICUBIC)
    apart = np.abs(fitted.validation.images[7].astype(int) - np.asarray(by_pillow)).mean()
    assert apart < 12  # whatever filter is used
    np.testing.assert_array_equal(fitted.validation.labels, stripes.validation.labels)
    assert keras_import.resized(stripes, 16) is stripes
    monkeypatch.setattr(keras_import, "_MEMORY", 3 * 24 * 24 * 10)
    few = keras_import.resized(stripes, 24).validation
    assert np.bincount(few.labels).tolist() == [5, 5]
    assert isinstance(few, Split)


def test_a_network_near_chance_is_said_to_be(stripes):
    facts = {"imported": {"pixels": "0-1", "ending": "logits"}, "class_names": ["level", "upright"]}
    for accuracy, said in ((0.52, True), (0.99, False)):
        content = facts | {"metrics": {"validation": {"accuracy": accuracy}}}
        lines = "\n".join(keras_import.describe_import(keras_import.ModelCard(None, content)))
        assert ("little more than chance" in lines) == said
        assert "a softmax is added after them" in lines


def test_the_command_asks_for_what_it_needs(place, tmp_path):
    for arguments, sentence in (
        (["old.h5"], "--dataset is needed: what was the network in old.h5 trained on?"),
        (["nowhere.keras", "--dataset", "sketches"], "There is no file"),
        (["some-run", "--pixels", "-1-1"], "--pixels is for a network in a file"),
    ):
        path = place / arguments[0] if arguments[0] == "old.h5" else arguments[0]
        result = lab("export", path, "--name", "other", *arguments[1:])
        assert result.exit_code != 0 and sentence in " ".join(result.output.split())
