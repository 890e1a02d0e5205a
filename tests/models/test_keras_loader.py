"""Files of Keras from elsewhere: old ones are read as they were meant, and nothing but stock layers is opened."""

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
def not_opened(monkeypatch):
    """What is refused is refused before Keras sees it."""
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras has opened it"))


def old(tmp_path, description, weights=None) -> bytes:
    path = legacy_keras.write_h5(
        tmp_path / "old.h5", description, legacy_keras.stripes_weights() if weights is None else weights
    )
    return path.read_bytes()


def new(tmp_path, change=None) -> bytes:
    """A file of this Keras; `change` is done to its description."""
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    model.compile("adam", "mse")
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as file:
        contents = {name: file.read(name) for name in file.namelist()}
    if change:
        description = json.loads(contents["config.json"])
        change(description)
        contents["config.json"] = json.dumps(description)
    with zipfile.ZipFile(tmp_path / "changed.keras", "w") as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return (tmp_path / "changed.keras").read_bytes()


# --- what is read ---


def as_in_keras_2_2(inner):
    return {"class_name": "Sequential", "config": inner}  # a list: before 2.2.3


def as_in_tensorflow_2_0(inner):
    inner[-1]["config"]["activation"] = "softmax_v2"
    return legacy_keras.sequential(inner)


@pytest.mark.parametrize(
    "form", [legacy_keras.sequential, legacy_keras.functional, as_in_keras_2_2, as_in_tensorflow_2_0]
)
def test_a_file_of_keras_2_answers_as_it_was_meant(tmp_path, form):
    weights, inputs = legacy_keras.stripes_weights(), np.random.default_rng(0).random((5, 16, 16, 3), np.float32)
    model = keras_loader.load_keras_file(old(tmp_path, form(legacy_keras.stripes_network())), "old.h5")
    expected = legacy_keras.softmax(legacy_keras.answers(inputs, weights))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(inputs)), expected, atol=1e-6)


def test_models_in_a_model_of_keras_2_are_read(tmp_path):
    """As in Teachable Machine's files, which have the `groups` too that Keras 3 stumbles over."""
    depthwise = legacy_keras.layer(
        "DepthwiseConv2D", "depth", groups=1, kernel_size=[1, 1], strides=[1, 1], use_bias=False
    )
    depthwise["config"]["batch_input_shape"] = [None, 4, 4, 3]
    inner = legacy_keras.functional([depthwise])
    inner["config"]["name"] = "model_1"
    seeing = legacy_keras.sequential(
        [inner, legacy_keras.layer("GlobalAveragePooling2D", "pool", data_format="channels_last")]
    )
    seeing["config"]["name"] = "seeing"
    votes = legacy_keras.layer("Dense", "votes", units=2, activation="linear", use_bias=False)
    voting = legacy_keras.sequential([votes | {"config": votes["config"] | {"batch_input_shape": [None, 3]}}])
    voting["config"]["name"] = "voting"
    kernel = np.array([1.0, 2.0, 3.0], np.float32)
    vote = np.arange(6, dtype=np.float32).reshape(3, 2)
    weights = {"seeing": [kernel.reshape(1, 1, 3, 1)], "voting": [vote]}
    model = keras_loader.load_keras_file(old(tmp_path, legacy_keras.sequential([seeing, voting]), weights), "old.h5")
    inputs = np.random.default_rng(0).random((2, 4, 4, 3), np.float32)
    expected = (inputs * kernel).mean(axis=(1, 2)) @ vote
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(inputs)), expected, rtol=1e-5)


@pytest.mark.parametrize("ending", ["h5", "keras"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_file_of_keras_3_answers_as_it_did(tmp_path, ending):
    entry = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2")(entry)
    x = layers.Add()([layers.BatchNormalization()(x), layers.LeakyReLU()(x)])
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(2, activation="softmax")])
    inner.compile("adam", "mse")  # a compiled model in a model, as in transfer learning
    model = keras.Model(entry, inner(layers.GlobalAveragePooling2D()(x)))
    model.save(tmp_path / f"network.{ending}")
    inputs = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    again = keras_loader.load_keras_file((tmp_path / f"network.{ending}").read_bytes(), "network")
    np.testing.assert_allclose(again(inputs), model(inputs), atol=1e-6)
    assert not again.compiled and not again.layers[-1].compiled


@pytest.mark.parametrize("name", ["cifar10", "tutorial"])
def test_what_is_shipped_is_read(name, not_opened, monkeypatch):
    """Its description passes; that Keras can make it is tested elsewhere."""
    monkeypatch.setattr(keras.saving, "load_model", lambda path, **_: sorted(zipfile.ZipFile(path).namelist()))
    found = keras_loader.load_keras_file((ROOT / "data" / "models" / name / "model.keras").read_bytes(), name)
    assert found == ["config.json", "metadata.json", "model.weights.h5"]


# --- what is not ---


def test_a_lambda_layer_of_keras_2_is_refused(tmp_path, not_opened):
    code = ["4wEAAAAAAAAA\n", None, None]  # base64 of marshalled bytecode
    inner = legacy_keras.stripes_network()
    inner.insert(1, legacy_keras.layer("Lambda", "half", function=code, function_type="lambda", arguments={}))
    for form in (legacy_keras.sequential, legacy_keras.functional, as_in_keras_2_2):
        with pytest.raises(ValueError, match=r"old\.h5 has a Lambda layer, which is Python code .* stock layer"):
            keras_loader.load_keras_file(old(tmp_path, form(json.loads(json.dumps(inner)))), "old.h5")


def test_a_lambda_layer_deep_inside_is_refused(tmp_path, not_opened):
    """In a model in a model, written by Keras 3 itself."""
    deep = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x / 2)])
    keras.Sequential([keras.Input((2,)), deep, layers.Softmax()]).save(tmp_path / "deep.keras")
    with pytest.raises(ValueError, match="has a Lambda layer"):
        keras_loader.load_keras_file((tmp_path / "deep.keras").read_bytes(), "deep.keras")


def first_layer(**changes):
    return lambda description: description["config"]["layers"][1].update(changes)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (first_layer(class_name="Attention2"), "has a 'Attention2', which is not one of the stock layers"),
        (first_layer(class_name="TextVectorization"), "'TextVectorization'"),  # reads the files that it names
        (first_layer(class_name="TFSMLayer"), "'TFSMLayer'"),  # loads a graph from where it says
        (first_layer(class_name="__lambda__"), "Lambda layer"),
        (first_layer(class_name=["Flatten"]), "not one of the stock layers"),
        (first_layer(module="os"), r"names a Flatten of its own \('os, None'\)"),
        (first_layer(module="keras.utils"), "of its own"),
        (first_layer(module=None, registered_name="evil>Flatten"), "of its own .*evil>Flatten"),
        (first_layer(class_name="function", module="os", config="system"), "the activation 'system'"),
        (first_layer(config={"activation": "deserialize"}), "the activation 'deserialize'"),
        (first_layer(config={"a": [{"class_name": "Lambda", "config": {}}]}), "Lambda layer"),
    ],
)
def test_whatever_is_no_stock_layer_is_refused(tmp_path, not_opened, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        keras_loader.load_keras_file(new(tmp_path, change), "new.keras")


def test_how_a_network_was_compiled_is_not_looked_at(tmp_path):
    """Not even in its layers, where Keras would compile it again, with whatever is named."""

    def plant(description):
        for part in (description, *description["config"]["layers"]):
            part["compile_config"] = {"optimizer": {"class_name": "Evil", "module": "os", "config": {}}}

    assert keras_loader.load_keras_file(new(tmp_path, plant), "new.keras").output_shape == (None, 2)


def test_descriptions_of_any_shape_end_in_a_sentence():
    """Random parts of a sound one are replaced by what does not belong there."""
    rng = np.random.default_rng(0)
    odd = [None, 7, -1.5, True, "x", [], {}, [[]], {"class_name": []}, {"class_name": "Sequential", "config": [7]}]
    forms = [legacy_keras.sequential, legacy_keras.functional, as_in_keras_2_2]
    for number in range(600):
        # A copy: the parts that the layers share are other tests' too.
        description = copy.deepcopy(forms[number % 3](legacy_keras.stripes_network()))
        place = description
        while isinstance(inner := place[key := rng.choice(list(place)) if isinstance(place, dict) else 0], dict | list):
            if not inner or rng.random() < 0.3:
                break
            place = inner
        place[key] = odd[rng.integers(len(odd))]
        with contextlib.suppress(keras_loader.KerasFileError):
            keras_loader._checked(json.dumps(description), "odd.h5")


def test_weights_alone_are_refused(tmp_path, not_opened):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.create_group("dense")
    with pytest.raises(ValueError, match=r"weights\.h5 holds weights, but no network"):
        keras_loader.load_keras_file((tmp_path / "weights.h5").read_bytes(), "weights.h5")


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_refused(tmp_path, not_opened, share):
    for make, description in ((old, [legacy_keras.sequential(legacy_keras.stripes_network())]), (new, [])):
        content = make(tmp_path, *description)
        with pytest.raises(ValueError, match=r"cut off|cannot be read"):
            keras_loader.load_keras_file(content[: int(len(content) * share)], "network")


@pytest.mark.parametrize("content", [b"", b"\x89PNG", b"x" * 1000])
def test_another_kind_of_file_is_refused(content, not_opened):
    with pytest.raises(ValueError, match=r"cat\.h5 cannot be read by Keras: it is neither"):
        keras_loader.load_keras_file(content, "cat.h5")


def test_a_zip_of_other_things_is_refused(tmp_path, not_opened):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("letter.txt", "")
    with pytest.raises(ValueError, match=r"^a\.keras holds no config\.json"):
        keras_loader.load_keras_file((tmp_path / "a.zip").read_bytes(), "a.keras")


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\xff", "[]", 7])
def test_a_description_that_is_none_is_refused(tmp_path, text):
    content = old(tmp_path, legacy_keras.sequential(legacy_keras.stripes_network()))
    (tmp_path / "bad.h5").write_bytes(content)
    with h5py.File(tmp_path / "bad.h5", "r+") as file:
        file.attrs["model_config"] = text
    with pytest.raises(ValueError, match=r"cannot be read|has no description"):
        keras_loader.load_keras_file((tmp_path / "bad.h5").read_bytes(), "bad.h5")


def test_weights_that_do_not_fit_are_refused(tmp_path):
    weights = legacy_keras.stripes_weights(channels=1)
    with pytest.raises(ValueError, match=r"old\.h5 cannot be read by Keras 3"):
        keras_loader.load_keras_file(
            old(tmp_path, legacy_keras.sequential(legacy_keras.stripes_network()), weights), "old.h5"
        )
