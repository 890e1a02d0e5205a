"""Keras files from elsewhere: files of Keras 2 keep their predictions, and nothing but stock layers is loaded."""

import io
import json
import tempfile
import zipfile

import h5py
import numpy as np
import pytest

from cifar_lab.core.keras_backend import keras
from cifar_lab.models.keras_loader import PIXELS, as_classifier, load_keras_file

layers = keras.layers
KERNEL, BIAS = np.array([[3, -1], [-2, 4], [0.5, 1]], np.float32), np.array([0.25, -0.5], np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def array(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def layer(kind: str, name: str, **config) -> dict:
    """Describe a layer as Keras 2 did."""
    return {"class_name": kind, "config": {"name": name, "trainable": True, "dtype": "float32"} | config}


def keras_2_model(form: str) -> dict:
    """Describe a network of random flips, global average pooling and a dense layer, as Keras 2 did."""
    entry = layer("InputLayer", "input_1", batch_input_shape=[None, 4, 4, 3], sparse=False, ragged=False)
    flip = layer("RandomFlip", "flip", mode="horizontal", seed=None, rng_type="stateful")
    pool = layer("GlobalAveragePooling2D", "pool", data_format="channels_last", keepdims=False)
    policy = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    dense = layer("Dense", "dense", units=2, activation="softmax", dtype=policy)
    if form == "sequential":  # the first layer has the input shape
        pool["config"]["batch_input_shape"] = [None, 4, 4, 3]
        return {"class_name": "Sequential", "config": {"name": "sequential", "layers": [pool, dense]}}
    block = {"class_name": "Sequential", "config": {"name": "augment", "layers": [entry, flip]}}
    chain, before = [entry | {"name": "input_1", "inbound_nodes": []}], ["input_1", 0, 0, {}]
    for part in (block, pool, dense):
        chain.append(part | {"name": part["config"]["name"], "inbound_nodes": [[before]]})
        before = [part["config"]["name"], int(part is block), 0, {}]  # calls of a nested model count from 1
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [["dense", 0, 0]]}
    return {"class_name": "Functional", "config": {"name": "model", "trainable": True, "layers": chain} | ends}


def keras_2_file(form: str, extension: str) -> bytes:
    """Write such a network with KERNEL and BIAS."""
    config = keras_2_model(form)
    with h5py.File(stream := io.BytesIO(), "w") as file:
        if extension == "h5":
            file.attrs["model_config"] = json.dumps(config)
            names = [part["config"]["name"] for part in config["config"]["layers"]]
            file.create_group("model_weights").attrs["layer_names"] = [name.encode() for name in names]
            for name in names:
                file["model_weights"].create_group(name).attrs["weight_names"] = []
            file["model_weights/dense"].attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
            file["model_weights/dense/dense/kernel:0"], file["model_weights/dense/dense/bias:0"] = KERNEL, BIAS
        else:
            file["layers/dense/vars/0"], file["layers/dense/vars/1"] = KERNEL, BIAS
    if extension == "h5":
        return stream.getvalue()
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as file:
        module = "keras.src.engine.functional" if form == "functional" else "keras"
        file.writestr("config.json", json.dumps(config | {"module": module, "registered_name": config["class_name"]}))
        file.writestr("model.weights.h5", stream.getvalue())
    return packed.getvalue()


@pytest.mark.parametrize("form", ["sequential", "functional"])
@pytest.mark.parametrize("extension", ["h5", "keras"])
def test_a_keras_2_file_predicts_correctly(form, extension):
    images = np.random.default_rng(0).random((5, 4, 4, 3), np.float32)
    model = load_keras_file(keras_2_file(form, extension), "old")
    np.testing.assert_allclose(array(model(images)), softmax(images.mean(axis=(1, 2)) @ KERNEL + BIAS), atol=1e-6)


@pytest.mark.parametrize("extension", ["h5", "keras"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_keras_3_file_keeps_its_predictions(tmp_path, extension):
    pixels = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2")(pixels))
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(2, activation="softmax")])
    inner.compile("adam", "mse")
    model = keras.Model(pixels, inner(layers.GlobalAveragePooling2D()(layers.Add()([x, layers.LeakyReLU()(x)]))))
    model.save(path := tmp_path / f"network.{extension}")
    images, again = np.random.default_rng(0).random((2, 8, 8, 3)), load_keras_file(path.read_bytes(), "network")
    np.testing.assert_allclose(array(again(images)), array(model(images)), atol=1e-6)
    assert not again.compiled and not again.layers[-1].compiled


def new_file(**changes) -> bytes:
    """Write a file with this version of Keras, with changes to the configuration of its flatten layer."""
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/new.keras")
        with zipfile.ZipFile(f"{folder}/new.keras") as file:
            contents = {name: file.read(name) for name in file.namelist()}
    config = json.loads(contents["config.json"])
    config["config"]["layers"][1] |= changes
    contents["config.json"] = json.dumps(config)
    with zipfile.ZipFile(changed := io.BytesIO(), "w") as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return changed.getvalue()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"class_name": "Lambda"}, "it has a 'Lambda', not one of Keras's stock layers"),
        ({"class_name": "__lambda__"}, "'__lambda__'"),
        ({"class_name": "TextVectorization"}, "'TextVectorization'"),  # reads files from given paths
        ({"class_name": "TFSMLayer"}, "'TFSMLayer'"),  # loads a graph from a given path
        ({"config": {"a": [{"class_name": "Lambda", "config": {}}]}}, "'Lambda'"),
        ({"module": "os"}, r"it has a custom Flatten \(os, None\)"),
        ({"module": None, "registered_name": "evil>Flatten"}, "custom Flatten .*evil>Flatten"),
        ({"class_name": ["Flatten"]}, "cannot be read"),
        ({"class_name": "Dense", "config": {"units": 2, "activation": "deserialize"}}, "cannot be read"),
    ],
)
def test_anything_but_a_stock_layer_is_refused(changes, sentence, monkeypatch):
    if "cannot" not in sentence:
        monkeypatch.setattr(
            keras.saving, "deserialize_keras_object", lambda *_, **__: pytest.fail("Keras has built it")
        )
    with pytest.raises(ValueError, match=sentence):
        load_keras_file(new_file(**changes), "new.keras")


def test_compile_configurations_are_ignored():
    evil = {"optimizer": {"class_name": "Evil", "module": "os", "config": {}}}
    assert load_keras_file(new_file(compile_config=evil), "new.keras").output_shape == (None, 2)


def test_damaged_and_other_files_are_refused():
    with h5py.File(weights := io.BytesIO(), "w") as file:
        file.create_group("dense")
    with zipfile.ZipFile(other := io.BytesIO(), "w") as file:
        file.writestr("letter.txt", "")
    whole = {"old": keras_2_file("sequential", "h5"), "new": new_file()}
    cut = [content[: int(len(content) * share)] for content in whole.values() for share in (0.001, 0.5, 0.99)]
    for content in (*cut, b"", b"\x89PNG", weights.getvalue(), other.getvalue()):
        with pytest.raises(ValueError, match=r"^network cannot be read by Keras .*: .+") as caught:
            load_keras_file(content, "network")
        assert "\n" not in str(caught.value) and "/tmp" not in str(caught.value)


def network(*inner, shape=(16, 16, 3)) -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input(shape), *inner])


@pytest.mark.parametrize("pixels", PIXELS)
def test_pixels_are_rescaled_and_nested_layers_become_its_own(stripes, pixels):
    images, (low, high) = stripes.test.images, {"0-1": (0, 1), "-1-1": (-1, 1), "0-255": (0, 255)}[pixels]
    entry = keras.Input((16, 16, 3))
    seeing = keras.Model(entry, layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, name="eye")(entry)))
    x = keras.Input((16, 16, 3))
    model = keras.Model(x, layers.Softmax()(seeing(x)))
    classifier = as_classifier(model, pixels)
    expected = array(model(low + (high - low) * (images / np.float32(255))))
    np.testing.assert_allclose(array(classifier(images)), expected, atol=1e-5)
    assert "eye" in [inner.name for inner in classifier.layers] and classifier.inputs[0].dtype == "uint8"


@pytest.mark.parametrize(("units", "activation"), [(2, "softmax"), (2, "linear"), (1, "sigmoid"), (1, "linear")])
@pytest.mark.parametrize("channels", [3, 1])
def test_scores_become_probabilities(stripes, units, activation, channels):
    dense = layers.Dense(units, activation=activation, use_bias=False)
    model, images = network(layers.Flatten(), dense, shape=(16, 16, channels)), stripes.test.images
    dense.kernel.assign(np.random.default_rng(0).normal(size=dense.kernel.shape))
    seen = images / 255 if channels == 3 else images / 255 @ np.array([0.299, 0.587, 0.114])
    logits = seen.reshape(len(images), -1) @ array(dense.kernel)
    logits = np.concatenate([0 * logits, logits], axis=1) if units == 1 else logits
    np.testing.assert_allclose(array(as_classifier(model)(images)), softmax(logits), atol=1e-5)


def test_other_networks_are_refused():
    damaged = network(layers.Flatten(), layers.Dense(2))
    damaged.layers[-1].bias.assign([np.nan, 0])
    for model, sentence in (
        (network(layers.Flatten(), shape=(16, 20, 3)), "must take square images"),
        (network(layers.Dense(2), shape=(99,)), "must take square images"),
        (network(layers.Softmax()), "one row of finite scores"),
        (damaged, "one row of finite scores"),
    ):
        with pytest.raises(ValueError, match=sentence):
            as_classifier(model)
