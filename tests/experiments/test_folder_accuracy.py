"""Evaluation on folders of photographs: what is counted, rejected and reported as broken."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from cifar_lab import models
from cifar_lab.core.keras_backend import keras
from cifar_lab.experiments import folder_accuracy
from cifar_lab.inference.model_card import ModelCard
from cifar_lab.training.export import export_model


@pytest.fixture(scope="module")
def classifier(tmp_path_factory, stripes):
    keras.utils.set_random_seed(1)
    network = models.build("tutorial", class_count=2, input_size=16)
    network.compile("adam", "sparse_categorical_crossentropy")
    network.fit(stripes.train.images, stripes.train.labels, epochs=1, verbose=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_MODELS", str(tmp_path_factory.mktemp("models")))
        return export_model(network, stripes, "stripes")


@pytest.fixture
def folder(tmp_path, stripes):
    for index, (image, label) in enumerate(zip(stripes.test.images, stripes.test.labels, strict=True)):
        path = tmp_path / stripes.class_names[label] / f"{index:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    (tmp_path / "other").mkdir()
    for index, image in enumerate(noise):
        Image.fromarray(image).save(tmp_path / "other" / f"{index}.png")
    return tmp_path


def test_every_photograph_is_counted_once(classifier, folder, stripes):
    (folder / "level" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    report = folder_accuracy.evaluate_folder(classifier, folder)
    predictions = classifier.predict(list(stripes.test.images))
    right = [stripes.class_names[label] == p.label for label, p in zip(stripes.test.labels, predictions, strict=True)]
    others = [classifier.predict(path) for path in sorted((folder / "other").iterdir())]
    assert (report.count, report.other_count) == (40, 12)
    assert report.accuracy == pytest.approx(np.mean(right))
    assert report.accepted == pytest.approx(np.mean([prediction.known for prediction in predictions]))
    assert report.other_refused == pytest.approx(np.mean([not prediction.known for prediction in others]))
    scores = [prediction.score for prediction in predictions + others]
    assert report.auroc == pytest.approx(roc_auc_score([1] * 40 + [0] * 12, scores))
    assert list(report.broken) == [str(folder / "level" / "broken.jpg")]
    assert "40 photographs of known classes" in "\n".join(report.lines())


def test_the_model_card_has_the_figures_and_no_file_names(classifier, folder):
    (folder / "level" / "private.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    report = folder_accuracy.evaluate_folder(classifier, folder, keep=True)
    kept = ModelCard.load(classifier.card.folder).content["metrics"]["photographs"]
    assert (kept["accuracy"], kept["auroc"], kept["broken"]) == (report.accuracy, report.auroc, 1)
    assert "private" not in (classifier.card.folder / "card.json").read_text()


def test_a_folder_without_known_classes_is_refused(classifier, folder):
    with pytest.raises(ValueError, match="The classes are: level, upright"):
        folder_accuracy.evaluate_folder(classifier, folder / "other")


def test_without_others_there_is_no_auroc(classifier, folder):
    for path in (folder / "other").iterdir():
        path.unlink()
    report = folder_accuracy.evaluate_folder(classifier, folder)
    assert report.auroc is None and report.other_refused is None
    assert len(report.lines()) == 1
