"""Loading Keras files: old formats keep their predictions, and nothing but stock layers is loaded."""

import contextlib
import copy
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from cifar_lab.core.keras_backend import keras
from cifar_lab.models import keras_loader
from tests.helpers import legacy_keras

layers = keras.layers
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def keras_must_not_load(monkeypatch):
    """Fail if the file reaches Keras."""
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras has loaded it"))


def old_file(tmp_path, config, weights=None) -> bytes:
    """Write a Keras 2 file."""
    path = legacy_keras.write_h5(
        tmp_path / "old.h5", config, legacy_keras.stripes_weights() if weights is None else weights
    )
    return path.read_bytes()


def new_file(tmp_path, change=None) -> bytes:
    """Write a file with this version of Keras, and apply `change` to its configuration."""
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    model.compile("adam", "mse")
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as file:
        contents = {name: file.read(name) for name in file.namelist()}
    if change:
        config = json.loads(contents["config.json"])
        change(config)
        contents["config.json"] = json.dumps(config)
    with zipfile.ZipFile(tmp_path / "changed.keras", "w") as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return (tmp_path / "changed.keras").read_bytes()


# --- accepted files ---


def as_in_keras_2_2(inner):
    return {"class_name": "Sequential", "config": inner}  # a list: before 2.2.3


def as_in_tensorflow_2_0(inner):
    inner[-1]["config"]["activation"] = "softmax_v2"
    return legacy_keras.sequential(inner)


@pytest.mark.parametrize(
    "form", [legacy_keras.sequential, legacy_keras.functional, as_in_keras_2_2, as_in_tensorflow_2_0]
)
def test_a_keras_2_file_predicts_correctly(tmp_path, form):
    weights, inputs = legacy_keras.stripes_weights(), np.random.default_rng(0).random((5, 16, 16, 3), np.float32)
    model = keras_loader.load_keras_file(old_file(tmp_path, form(legacy_keras.stripes_network())), "old.h5")
    expected = legacy_keras.softmax(legacy_keras.answers(inputs, weights))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(inputs)), expected, atol=1e-6)


def test_nested_models_of_keras_2_are_loaded(tmp_path):
    """Teachable Machine writes such files, with a `groups` entry that Keras 3 cannot read."""
    depthwise = legacy_keras.layer(
        "DepthwiseConv2D", "depth", groups=1, kernel_size=[1, 1], strides=[1, 1], use_bias=False
    )
    depthwise["config"]["batch_input_shape"] = [None, 4, 4, 3]
    inner = legacy_keras.functional([depthwise])
    inner["config"]["name"] = "model_1"
    backbone = legacy_keras.sequential(
        [inner, legacy_keras.layer("GlobalAveragePooling2D", "pool", data_format="channels_last")]
    )
    backbone["config"]["name"] = "backbone"
    dense = legacy_keras.layer("Dense", "dense", units=2, activation="linear", use_bias=False)
    head = legacy_keras.sequential([dense | {"config": dense["config"] | {"batch_input_shape": [None, 3]}}])
    head["config"]["name"] = "head"
    kernel = np.array([1.0, 2.0, 3.0], np.float32)
    matrix = np.arange(6, dtype=np.float32).reshape(3, 2)
    weights = {"backbone": [kernel.reshape(1, 1, 3, 1)], "head": [matrix]}
    content = old_file(tmp_path, legacy_keras.sequential([backbone, head]), weights)
    model = keras_loader.load_keras_file(content, "old.h5")
    inputs = np.random.default_rng(0).random((2, 4, 4, 3), np.float32)
    expected = (inputs * kernel).mean(axis=(1, 2)) @ matrix
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(inputs)), expected, rtol=1e-5)


@pytest.mark.parametrize("extension", ["h5", "keras"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_keras_3_file_keeps_its_predictions(tmp_path, extension):
    pixels = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2")(pixels)
    x = layers.Add()([layers.BatchNormalization()(x), layers.LeakyReLU()(x)])
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(2, activation="softmax")])
    inner.compile("adam", "mse")  # a compiled model in a model, as in transfer learning
    model = keras.Model(pixels, inner(layers.GlobalAveragePooling2D()(x)))
    model.save(tmp_path / f"network.{extension}")
    inputs = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    again = keras_loader.load_keras_file((tmp_path / f"network.{extension}").read_bytes(), "network")
    np.testing.assert_allclose(again(inputs), model(inputs), atol=1e-6)
    assert not again.compiled and not again.layers[-1].compiled


@pytest.mark.parametrize("name", ["cifar10", "tutorial"])
def test_shipped_networks_pass_the_checks(name, keras_must_not_load, monkeypatch):
    """Building them with Keras is tested elsewhere."""
    monkeypatch.setattr(keras.saving, "load_model", lambda path, **_: sorted(zipfile.ZipFile(path).namelist()))
    members = keras_loader.load_keras_file((ROOT / "data" / "models" / name / "model.keras").read_bytes(), name)
    assert members == ["config.json", "metadata.json", "model.weights.h5"]


# --- refused files ---


def test_a_lambda_layer_of_keras_2_is_refused(tmp_path, keras_must_not_load):
    code = ["4wEAAAAAAAAA\n", None, None]  # base64 of marshalled bytecode
    inner = legacy_keras.stripes_network()
    inner.insert(1, legacy_keras.layer("Lambda", "half", function=code, function_type="lambda", arguments={}))
    for form in (legacy_keras.sequential, legacy_keras.functional, as_in_keras_2_2):
        with pytest.raises(ValueError, match=r"old\.h5 has a Lambda layer.* stock layer"):
            keras_loader.load_keras_file(old_file(tmp_path, form(json.loads(json.dumps(inner)))), "old.h5")


def test_a_lambda_layer_in_a_nested_model_is_refused(tmp_path, keras_must_not_load):
    """The file is written by Keras 3 itself."""
    deep = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x / 2)])
    keras.Sequential([keras.Input((2,)), deep, layers.Softmax()]).save(tmp_path / "deep.keras")
    with pytest.raises(ValueError, match="has a Lambda layer"):
        keras_loader.load_keras_file((tmp_path / "deep.keras").read_bytes(), "deep.keras")


def first_layer(**changes):
    return lambda config: config["config"]["layers"][1].update(changes)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (first_layer(class_name="Attention2"), "has a 'Attention2', which is not one of"),
        (first_layer(class_name="TextVectorization"), "'TextVectorization'"),  # reads files from given paths
        (first_layer(class_name="TFSMLayer"), "'TFSMLayer'"),  # loads a graph from a given path
        (first_layer(class_name="__lambda__"), "Lambda layer"),
        (first_layer(class_name=["Flatten"]), "not one of Keras's stock layers"),
        (first_layer(module="os"), r"has a custom Flatten \('os, None'\)"),
        (first_layer(module="keras.utils"), "custom Flatten"),
        (first_layer(module=None, registered_name="evil>Flatten"), "custom Flatten .*evil>Flatten"),
        (first_layer(class_name="function", module="os", config="system"), "the activation 'system'"),
        (first_layer(config={"activation": "deserialize"}), "the activation 'deserialize'"),
        (first_layer(config={"a": [{"class_name": "Lambda", "config": {}}]}), "Lambda layer"),
    ],
)
def test_anything_but_a_stock_layer_is_refused(tmp_path, keras_must_not_load, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        keras_loader.load_keras_file(new_file(tmp_path, change), "new.keras")


def test_compile_configurations_are_ignored(tmp_path):
    """Keras would compile the layers, too, with any class that is named there."""

    def add_compile_config(config):
        for part in (config, *config["config"]["layers"]):
            part["compile_config"] = {"optimizer": {"class_name": "Evil", "module": "os", "config": {}}}

    assert keras_loader.load_keras_file(new_file(tmp_path, add_compile_config), "new.keras").output_shape == (None, 2)


def test_malformed_configurations_raise_only_keras_file_errors():
    """Replace random parts of a valid configuration by wrong values."""
    rng = np.random.default_rng(0)
    odd = [None, 7, -1.5, True, "x", [], {}, [[]], {"class_name": []}, {"class_name": "Sequential", "config": [7]}]
    forms = [legacy_keras.sequential, legacy_keras.functional, as_in_keras_2_2]
    for number in range(600):
        config = copy.deepcopy(forms[number % 3](legacy_keras.stripes_network()))  # the layers share parts
        parent = config
        while isinstance(
            inner := parent[key := rng.choice(list(parent)) if isinstance(parent, dict) else 0], dict | list
        ):
            if not inner or rng.random() < 0.3:
                break
            parent = inner
        parent[key] = odd[rng.integers(len(odd))]
        with contextlib.suppress(keras_loader.KerasFileError):
            keras_loader._checked(json.dumps(config), "odd.h5")


def test_a_file_with_weights_only_is_refused(tmp_path, keras_must_not_load):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.create_group("dense")
    with pytest.raises(ValueError, match=r"weights\.h5 holds weights, but no network"):
        keras_loader.load_keras_file((tmp_path / "weights.h5").read_bytes(), "weights.h5")


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path, keras_must_not_load, share):
    for write, arguments in ((old_file, [legacy_keras.sequential(legacy_keras.stripes_network())]), (new_file, [])):
        content = write(tmp_path, *arguments)
        with pytest.raises(ValueError, match=r"cut off|cannot be read"):
            keras_loader.load_keras_file(content[: int(len(content) * share)], "network")


@pytest.mark.parametrize("content", [b"", b"\x89PNG", b"x" * 1000])
def test_another_kind_of_file_is_refused(content, keras_must_not_load):
    with pytest.raises(ValueError, match=r"cat\.h5 cannot be read by Keras: it is neither"):
        keras_loader.load_keras_file(content, "cat.h5")


def test_an_unrelated_zip_is_refused(tmp_path, keras_must_not_load):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("letter.txt", "")
    with pytest.raises(ValueError, match=r"^a\.keras holds no config\.json"):
        keras_loader.load_keras_file((tmp_path / "a.zip").read_bytes(), "a.keras")


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\xff", "[]", 7])
def test_an_invalid_configuration_is_refused(tmp_path, text):
    content = old_file(tmp_path, legacy_keras.sequential(legacy_keras.stripes_network()))
    (tmp_path / "bad.h5").write_bytes(content)
    with h5py.File(tmp_path / "bad.h5", "r+") as file:
        file.attrs["model_config"] = text
    with pytest.raises(ValueError, match=r"cannot be read|has no model configuration"):
        keras_loader.load_keras_file((tmp_path / "bad.h5").read_bytes(), "bad.h5")


def test_weights_that_do_not_fit_are_refused(tmp_path):
    weights = legacy_keras.stripes_weights(channels=1)
    with pytest.raises(ValueError, match=r"old\.h5 cannot be read by Keras 3"):
        keras_loader.load_keras_file(
            old_file(tmp_path, legacy_keras.sequential(legacy_keras.stripes_network()), weights), "old.h5"
        )
