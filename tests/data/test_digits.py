"""Test the digits dataset, its rendering as handwriting on paper, and the shipped digits classifier."""

import importlib.util
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cifar_lab import data
from cifar_lab.cli import main
from cifar_lab.core import files
from cifar_lab.data import digits
from cifar_lab.data.cifar10_files import DataError
from cifar_lab.images import handwriting
from cifar_lab.images.augmentation import Augmentation
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.training import export
from tests.helpers import drawn_digits

SHIPPED = Path(__file__).parent.parent.parent / "data" / "models" / "digits"


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The three folders in which MNIST is searched, in order; all of them empty."""
    for name in ("placed", "data", "keras/datasets"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("CIFAR_LAB_DATA", str(tmp_path / "placed"))
    monkeypatch.setattr("cifar_lab.core.paths.data_folder", lambda: tmp_path / "data")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return [tmp_path / "placed", tmp_path / "data", tmp_path / "keras" / "datasets"]


@pytest.fixture(scope="module")
def bundled():
    """The digits bundled with scikit-learn."""
    return digits._bundled()


def write_mnist(folder: Path, monkeypatch, **changes) -> dict[str, np.ndarray]:
    """Write a small file in MNIST's format, and accept its SHA-256 instead of the real one."""
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (60, 28, 28), np.uint8),
        "y_train": np.arange(60, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, (20, 28, 28), np.uint8),
        "y_test": np.arange(20, dtype=np.uint8) % 10,
    } | changes
    np.savez_compressed(folder / "mnist.npz", **arrays)
    monkeypatch.setattr(digits, "SHA256", files.sha256(folder / "mnist.npz"))
    return arrays


# --- the dataset ---


def test_bundled_digits_match_scikit_learn(bundled):
    from sklearn.datasets import load_digits

    raw = load_digits()
    splits = (bundled.train, bundled.validation, bundled.test)
    images, labels = (np.concatenate([getattr(split, name) for split in splits]) for name in ("images", "labels"))
    np.testing.assert_array_equal(labels, raw.target)
    assert images.shape == (1797, 32, 32, 3) and images.dtype == np.uint8
    assert (images[..., :1] == images).all()  # grey
    # Averaged down to 10 x 10, the middle 8 x 8 are the original digits.
    small = [Image.fromarray(image[4:28, 4:28, 0]).resize((10, 10), Image.Resampling.BOX) for image in images]
    found = np.stack(small).astype(float)[:, 1:-1, 1:-1].reshape(1797, -1)
    correlations = [np.corrcoef(a, b)[0, 1] for a, b in zip(found, raw.data, strict=True)]
    assert min(correlations) > 0.95
    assert not images[:, :4].any() and not images[:, :, 28:].any()  # a black border
    assert "scikit-learn" in bundled.origin and bundled.class_names == tuple("0123456789")


def test_splits_are_cut_between_writers(bundled):
    # Each writer's series begins with 0 to 9 three times, and so does each split.
    for split in (bundled.train, bundled.validation, bundled.test):
        np.testing.assert_array_equal(split.labels[:30], np.tile(np.arange(10), 3))
    assert [len(split) for split in (bundled.train, bundled.validation, bundled.test)] == [1157, 258, 382]


def test_without_mnist_the_bundled_digits_are_loaded(places, bundled):
    dataset = data.load("digits", progress=False)
    assert dataset.fingerprint() == bundled.fingerprint()  # the same every time
    assert data.is_here("digits") and dataset.name == "digits"
    assert "scikit-learn" in dataset.origin


def test_mnist_is_loaded_unchanged(places, monkeypatch):
    arrays = write_mnist(places[1], monkeypatch)
    dataset = data.load("digits")
    assert "MNIST" in dataset.origin
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [30, 30, 20]
    np.testing.assert_array_equal(dataset.test.images[:, 2:30, 2:30, 1], arrays["x_test"])
    np.testing.assert_array_equal(dataset.test.labels, arrays["y_test"])
    assert not dataset.test.images[:, :2].any() and not dataset.test.images[:, :, 30:].any()
    np.testing.assert_array_equal(np.bincount(dataset.validation.labels), [3] * 10)
    official = np.concatenate([dataset.train.images, dataset.validation.images])[:, 2:30, 2:30, 0]
    assert sorted(image.tobytes() for image in official) == sorted(image.tobytes() for image in arrays["x_train"])


def test_mnist_is_searched_in_three_places(places, monkeypatch):
    assert digits.locate_mnist() is None
    for folder in reversed(places):
        write_mnist(folder, monkeypatch)
        assert digits.locate_mnist() == folder / "mnist.npz"
    monkeypatch.setenv("CIFAR_LAB_DATA", str(places[2] / "mnist.npz"))  # the file itself
    assert digits.locate_mnist() == places[2] / "mnist.npz"


def test_wrong_mnist_file_is_not_opened(places, monkeypatch):
    (places[0] / "mnist.npz").write_bytes(b"something else")
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(DataError, match=r"mnist\.npz is not the "):
        data.load("digits")


def test_pickles_in_mnist_are_not_loaded(places, monkeypatch):
    write_mnist(places[0], monkeypatch, y_test=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        data.load("digits")


def test_address_and_sha256_match_keras():
    package = Path(importlib.util.find_spec("keras").origin).parent  # not imported: that takes seconds
    source = (package / "src" / "datasets" / "mnist.py").read_text(encoding="utf-8")
    folder, name = digits.MIRRORS[0].rsplit("/", 1)
    assert digits.SHA256 in source and folder in source and name in source


def test_data_digits_reports_the_bundled_digits_if_the_download_fails(places, monkeypatch):
    def unreachable(mirrors, destination, *, sha256, size, progress, by_hand):
        assert destination == places[1] / "mnist.npz" and sha256 == digits.SHA256 and size == 11_490_434
        assert by_hand == "put it into data/"
        raise digits.DownloadError("mnist.npz could not be fetched (no network).")

    monkeypatch.setattr(digits, "download", unreachable)
    result = CliRunner().invoke(main, ["data", "digits"])
    assert result.exit_code == 0, result.output
    assert "could not be fetched" in result.output
    assert "digits: 1,157 train, 258 validation, 382 test images, 10 classes. The 1,797 digits" in result.output


# --- paper ---


def test_render_on_paper_is_reproducible_and_keeps_its_input(bundled):
    images = bundled.train.images[:40]
    before = images.copy()
    first, again, other = (handwriting.render_on_paper(images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == images.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(images, before)
    assert handwriting.render_on_paper(images[:0], np.random.default_rng(0)).shape == (0, 32, 32, 3)


def test_augmentation_leaves_some_sheets_empty(bundled):
    images, not_mirrored = bundled.train.images[:200], np.zeros(200, bool)
    shown = Augmentation(paper=True)(images, not_mirrored, np.random.default_rng(3))
    without = handwriting.render_on_paper(np.zeros_like(images), np.random.default_rng(3))
    assert 1 <= (shown == without).all(axis=(1, 2, 3)).sum() <= 15  # 3 % of 200 are expected


# --- the shipped network ---


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The shipped digits classifier, alone in the models folder."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(SHIPPED, folder / "digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_MODELS", str(folder))
        yield Classifier.load("digits")


def test_default_classifier_is_cifar10(monkeypatch):
    monkeypatch.delenv("CIFAR_LAB_MODELS", raising=False)
    assert "digits" in model_card.list_classifiers() and model_card.default_classifier() == "cifar10"


def test_accuracy_on_unseen_writers(shipped, bundled):
    assert shipped.card.content["trained"]["dataset"]["fingerprint"] == bundled.fingerprint()
    correct = shipped.probabilities(bundled.test.images).argmax(axis=1) == bundled.test.labels
    assert correct.mean() >= 0.98
    assert shipped.card.content["metrics"]["test"]["accuracy"] == pytest.approx(correct.mean())


def test_accuracy_on_paper(shipped, bundled):
    pictures = handwriting.render_on_paper(bundled.test.images, np.random.default_rng(7))
    correct = shipped.probabilities(pictures).argmax(axis=1) == bundled.test.labels
    assert correct.mean() > 0.8  # some are too small, too pale or too thick even for people


@pytest.fixture(scope="module")
def on_paper(bundled):
    """Images and labels: each validation digit four times, as they are made when a run of the recipe is exported."""
    rng = np.random.default_rng(0)
    split = bundled.validation
    return np.concatenate([handwriting.render_on_paper(split.images, rng) for _ in range(4)]), np.tile(split.labels, 4)


def test_threshold_keeps_95_percent_of_digits_on_paper(shipped, on_paper):
    known = shipped.probabilities(on_paper[0]).max(axis=1) >= shipped.card.known_threshold
    assert known.mean() == pytest.approx(0.95, abs=0.01)


def test_export_calibrates_a_run_on_paper_with_paper(bundled, on_paper, monkeypatch):
    exported = {}
    monkeypatch.setattr(export, "export_model", lambda _, dataset, __, **options: exported.update(options, of=dataset))
    for recipe in ({"name": "digits", "paper": True}, {"name": "tutorial"}):
        content = {"recipe": recipe, "dataset": {"fingerprint": bundled.fingerprint()}, "metrics": {}}
        export.export_run(SimpleNamespace(record=content, load_model=lambda: None), bundled, "any")
        if "paper" in recipe:
            np.testing.assert_array_equal(exported["of"].validation.images, on_paper[0])
            np.testing.assert_array_equal(exported["of"].validation.labels, on_paper[1])
    assert exported["of"] is bundled and "calibration" not in exported  # the unchanged validation split


def test_empty_sheet_is_none_of_these(shipped):
    colours = [(250, 250, 248), (243, 232, 205), (205, 205, 203), (250, 236, 130), (28, 30, 34), (20, 60, 45)]
    rng = np.random.default_rng(0)
    sheets = [
        np.clip(np.full((120, 160, 3), colour) + rng.normal(0, 3, (120, 160, 1)), 0, 255).astype(np.uint8)
        for colour in colours
    ]
    assert [prediction.known for prediction in shipped.predict(sheets)] == [False] * len(sheets)


def test_accuracy_on_drawn_digits(shipped):
    drawn = drawn_digits.drawn(20)
    predicted = [prediction.label for prediction in shipped.predict([content for _, content in drawn])]
    assert sum(label == digit for label, (digit, _) in zip(predicted, drawn, strict=True)) >= 18, predicted
