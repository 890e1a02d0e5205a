"""Pipelines: features against scikit-image, probabilities against the formula, and files that are refused."""

import io
import json
import zipfile

import numpy as np
import pytest
import skops.io
from skimage.feature import hog
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.svm import SVC

from cifar_lab.experiments.baselines import BASELINE_METHODS, build_pipeline
from cifar_lab.inference import pipelines
from cifar_lab.inference.pipelines import Hog, Margins, Pixels, storage, validation


@pytest.mark.parametrize(("size", "cell", "block", "orientations"), [(32, 8, 2, 9), (21, 5, 3, 9), (16, 4, 2, 8)])
def test_hog_is_that_of_scikit_image(size, cell, block, orientations):
    images = np.random.default_rng(size).integers(0, 256, (8, size, size, 3), dtype=np.uint8)
    images[:4] = images[:4] // 64 * 60  # few colours: many edges at just 0, 45, 90 and 135 degrees
    images[0] = 77  # no edges at all
    settings = {"pixels_per_cell": (cell, cell), "cells_per_block": (block, block), "orientations": orientations}
    expected = np.stack([hog(image, channel_axis=-1, **settings) for image in images])
    found = Hog(cell, block, orientations).fit_transform(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_hog_of_many_images_is_that_of_each():
    images = np.random.default_rng(1).integers(0, 256, (260, 16, 16, 3), dtype=np.uint8)  # more than one batch inside
    single = np.concatenate([Hog().transform(image[None]) for image in images[-8:]])
    np.testing.assert_array_equal(Hog().transform(images)[-8:], single)
    assert Hog().transform(images[:0]).shape == (0, 36)  # one block of 2 x 2 cells with 9 directions


def test_pixels_are_a_row_from_0_to_1():
    images = np.zeros((2, 2, 2, 3), np.uint8)
    images[1, 0, 1] = 255, 51, 0
    assert Pixels().fit_transform(images).tolist() == [[0.0] * 12, [0, 0, 0, 1, pytest.approx(0.2), 0] + [0] * 6]


@pytest.mark.parametrize("step", [Pixels(), Hog()])
def test_what_is_no_image_is_refused(step):
    for wrong in (np.zeros((1, 32, 32, 3)), np.zeros((32, 32, 3), np.uint8), [[0]]):
        with pytest.raises(ValueError, match=r"shape \(n, height, width, 3\) and dtype uint8, got"):
            step.transform(wrong)


def test_an_image_smaller_than_a_block_is_refused():
    with pytest.raises(ValueError, match="images of at least 16 x 16 pixels, got 8 x 32"):
        Hog().fit(np.zeros((1, 8, 32, 3), np.uint8))


def test_margins_become_their_softmax():
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(60, 4)), np.arange(60) % 3
    machine = SGDClassifier(random_state=0)
    margins = clone(machine).fit(features, labels).decision_function(features)
    found = Margins(machine).fit(features, labels)
    np.testing.assert_allclose(found.predict_proba(features), np.exp(margins) / np.exp(margins).sum(1)[:, None])
    np.testing.assert_array_equal(found.predict(features), margins.argmax(axis=1))
    two = SVC().fit(features, labels > 0)
    of_two = Margins(SVC()).fit(features, labels > 0).predict_proba(features)
    np.testing.assert_allclose(of_two[:, 1], 1 / (1 + np.exp(-two.decision_function(features))))
    np.testing.assert_allclose(of_two.sum(axis=1), 1)


# --- on disk ---


@pytest.fixture(scope="module")
def three_kinds(stripes):
    """Images of three kinds, `(120, 16, 16, 3)`, and their labels: a machine for each pair of classes."""
    return stripes.train.images[:120], np.arange(120) % 3


@pytest.fixture(scope="module")
def fitted(three_kinds):
    """Every method on HOG, and one on pixels too."""
    images, labels = three_kinds
    few = {"forest": {"n_estimators": 5}}
    made = {
        name: build_pipeline(name, features="hog", **few.get(name, {})).fit(images, labels) for name in BASELINE_METHODS
    }
    return made | {"logistic-pixels": build_pipeline("logistic", features="pixels").fit(images, labels)}


@pytest.fixture(scope="module")
def contents(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipelines")
    for name, pipeline in fitted.items():
        pipelines.save_pipeline(folder / f"{name}.skops", pipeline)
    assert sorted(path.stem for path in folder.iterdir()) == sorted(fitted)  # nothing half-made is left
    return {name: (folder / f"{name}.skops").read_bytes() for name in fitted}


def test_what_is_read_answers_as_what_was_written(fitted, contents, three_kinds):
    for name, content in contents.items():
        expected = fitted[name].predict_proba(three_kinds[0])
        np.testing.assert_allclose(pipelines.load_pipeline(content).predict_proba(three_kinds[0]), expected, atol=1e-12)


def test_compact_pixels_are_kept_too(three_kinds, tmp_path):
    images, labels = three_kinds[0][:, ::2, ::2], three_kinds[1]  # 8 x 8: components of 192 pixels, not of 768
    pipeline = build_pipeline("knn", features="pixels").fit(images, labels)
    assert 0.9 <= pipeline[1].explained_variance_ratio_.sum() < 0.95
    pipelines.save_pipeline(tmp_path / "knn.skops", pipeline)
    found = pipelines.load_pipeline((tmp_path / "knn.skops").read_bytes())
    np.testing.assert_allclose(found.predict_proba(images), pipeline.predict_proba(images))


def test_only_types_on_our_list_are_made(three_kinds):
    for step in (FunctionTransformer(np.square), MinMaxScaler()):  # skops itself takes the second for harmless
        content = skops.io.dumps(make_pipeline(Pixels(), step))
        with pytest.raises(ValueError, match="which is not on the list of what may be read"):
            pipelines.load_pipeline(content)


def test_a_pipeline_that_could_not_be_read_is_not_written(three_kinds, tmp_path):
    images, labels = three_kinds
    odd = build_pipeline("knn", algorithm="kd_tree").fit(images, labels)
    with pytest.raises(ValueError, match="looked up in another way"):
        pipelines.save_pipeline(tmp_path / "odd.skops", odd)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x80\x04\x95 a pickle"])
def test_what_is_no_zip_is_refused(content):
    with pytest.raises(ValueError, match="no file of a scikit-learn pipeline"):
        pipelines.load_pipeline(content)


def rewritten(content: bytes, change) -> bytes:
    """The same file with another schema, as `change` makes it of the text."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.infolist():
            text = old.read(entry)
            new.writestr(entry.filename, change(text.decode()) if entry.filename == "schema.json" else text)
    return stream.getvalue()


def test_forged_descriptions_are_refused(contents):
    content = contents["logistic"]
    forged = {
        "no JSON": lambda text: "{",
        "nested too deep": lambda text: "[" * 100_000,
        "a part without a type": lambda text: json.dumps(json.loads(text) | {"__class__": None, "__loader__": 1}),
        "a function for a type": lambda text: text.replace("ObjectNode", "FunctionNode"),
        "another module": lambda text: text.replace('"sklearn.pipeline"', '"os"'),
        "nothing in it": lambda text: json.dumps(json.loads(text) | {"content": None}),
    }
    for what, change in forged.items():
        with pytest.raises(ValueError, match="pipeline"):
            print(what, pipelines.load_pipeline(rewritten(content, change)))


def test_a_file_that_unpacks_to_too_much_is_refused(contents, monkeypatch):
    monkeypatch.setattr(storage, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"it unpacks to [0-9,]+ bytes"):
        pipelines.load_pipeline(contents["logistic"])


def test_another_version_of_scikit_learn_is_named(contents):
    here = pipelines.pipeline_versions()["scikit-learn"]
    for other, refused in (("0.24.2", True), (here.rpartition(".")[0] + ".99", False)):
        content = rewritten(contents["logistic"], lambda text, other=other: text.replace(here, other))
        if refused:
            with pytest.raises(ValueError, match=r"made with scikit-learn 0\.24\.2, but here is"):
                pipelines.load_pipeline(content)
        else:
            pipelines.load_pipeline(content)


def damaged_tree(forest, **entries):
    """Put other entries into the first node of the first tree."""
    tree = forest.estimators_[0].tree_
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    for name, value in entries.items():
        nodes[name][0] = value
    tree.__setstate__(state | {"nodes": nodes})


@pytest.mark.parametrize(
    ("method", "damage", "sentence"),
    [
        ("forest", lambda it: damaged_tree(it, left_child=10**6), "leads nowhere"),
        ("forest", lambda it: damaged_tree(it, right_child=0), "leads nowhere"),  # round and round for ever
        ("forest", lambda it: damaged_tree(it, left_child=-2), "leads nowhere"),
        ("forest", lambda it: damaged_tree(it, feature=10**6), "a feature that there is not"),
        ("forest", lambda it: setattr(it, "n_features_in_", 7), "other features or classes"),
        ("forest", lambda it: it.estimators_.append(it), "is no tree"),
        ("svm", lambda it: it.estimator_._n_support.__setitem__(0, 10**6), "not as many as it says"),
        ("svm", lambda it: setattr(it.estimator_, "_intercept_", np.zeros(1)), "other weights"),
        ("svm", lambda it: setattr(it.estimator_, "n_features_in_", 7), "other features"),
        ("svm", lambda it: setattr(it.estimator_, "kernel", "precomputed"), "the kernel is none"),
        ("knn", lambda it: it._y.__setitem__(0, 10**6), "a label is none of the classes"),
        ("knn", lambda it: it._y.__setitem__(0, -1), "a label is none of the classes"),
        ("knn", lambda it: setattr(it, "_y", it._y[1:]), "not as many images as labels"),
        ("knn", lambda it: setattr(it, "n_neighbors", 10**6), "a label is none of the classes"),
        ("knn", lambda it: delattr(it, "_fit_X"), "do not fit each other"),
    ],
)
def test_arrays_that_compiled_code_would_trip_over_are_refused(contents, method, damage, sentence):
    pipeline = pipelines.load_pipeline(contents[method])
    damage(pipeline[-1])
    with pytest.raises(ValueError, match=sentence):
        validation.validate_pipeline(pipeline)


def test_what_was_damaged_before_it_was_written_is_refused(contents):
    pipeline = pipelines.load_pipeline(contents["knn"])
    pipeline[-1]._y[0] = 10**6
    with pytest.raises(ValueError, match="a label is none of the classes"):
        pipelines.load_pipeline(skops.io.dumps(pipeline))
    with pytest.raises(ValueError, match="does not begin with the features of an image"):
        pipelines.load_pipeline(skops.io.dumps(make_pipeline(SVC())))
