"""The classifier of photographs: ImageNet's evidence, the last layer, and "none of these"."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from cifar_lab import data, models, training
from cifar_lab.core.keras_backend import keras
from cifar_lab.images.nonpictures import nonpictures
from cifar_lab.inference import Classifier
from cifar_lab.models import photo_network
from cifar_lab.models.imagenet_labels import imagenet_labels
from cifar_lab.training import photos
from tests.helpers.command_line import lab

SIZE = 64  # pixels, to save time


def test_every_imagenet_class_belongs_to_one_class_at_most():
    groups = photo_network.CIFAR10_ON_IMAGENET
    assert len(set().union(*groups.values())) == sum(map(len, groups.values()))
    kinds = {"airplane": "airliner", "automobile": "sports car", "bird": "jay", "cat": "tabby", "deer": "impala"}
    kinds |= {"dog": "beagle", "frog": "tree frog", "horse": "sorrel", "ship": "container ship", "truck": "fire engine"}
    labels = imagenet_labels()
    assert {name: kind for name, kind in kinds.items() if kind in [labels[i] for i in groups[name]]} == kinds


def test_logits_add_up_both_kinds_of_evidence():
    groups, images = [[3, 5], [7]], nonpictures(4, SIZE, np.random.default_rng(0))
    pretrained = models.load_backbone(input_size=SIZE)
    whole = keras.Model(
        pretrained.input, [pretrained.get_layer("features").output, pretrained.get_layer("logits").output]
    )
    features, imagenet = whole.predict_on_batch(images)
    rng = np.random.default_rng(1)
    kernel, bias = rng.normal(size=(1280, 3)), rng.normal(size=3)
    network = photo_network.build_photo_network(groups, input_size=SIZE)
    photo_network.set_head(network, kernel, bias, imagenet_weight=0.5)
    others = np.delete(imagenet, [3, 5, 7], axis=1)
    evidence = np.stack([imagenet[:, [3, 5]].max(axis=1), imagenet[:, 7], others.max(axis=1)], axis=1)
    expected = softmax(features @ kernel + bias + 0.5 * evidence, axis=1)
    np.testing.assert_allclose(network.predict_on_batch(images), expected, atol=1e-4)


def test_the_standardisation_is_folded_into_the_last_layer():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 200)
    features = rng.normal(size=(200, 5)) * [1, 10, 0.1, 1, 1] + labels[:, None] * [0, 9, 0.1, 1, 0] + 4
    kernel, bias = photos.fit_head(features, labels)
    scaled = StandardScaler().fit_transform(features)
    reference = LogisticRegression(C=photos.REGULARISATION, max_iter=500).fit(scaled, labels).predict_proba(scaled)
    np.testing.assert_allclose(softmax(features @ kernel + bias, axis=1), reference, atol=1e-3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Classifier:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_MODELS", str(tmp_path_factory.mktemp("models")))
        patch.setattr(photos, "INPUT_SIZE", SIZE)
        yield training.train_photos(data.load("sketches"), count=200, validation=60, progress=False)


def test_it_learns_the_classes_and_rejects_images_that_show_nothing(trained):
    test = data.load("sketches").test
    enlarged = np.stack([trained.see(image) for image in test.images[:100]])
    probabilities = trained.probabilities(enlarged)
    assert probabilities.shape == (100, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert np.mean(probabilities.argmax(axis=1) == test.labels[:100]) > 0.25  # 0.1 by chance
    nothing = nonpictures(60, SIZE, np.random.default_rng(99))
    assert np.mean(trained.known_scores(nothing) < np.median(trained.known_scores(enlarged))) > 0.8  # 0.5 by chance


def test_a_score_stands_for_the_classes_and_known_for_none_of_these(trained):
    images = [*nonpictures(6, SIZE, np.random.default_rng(3)), *data.load("sketches").test.images[:6]]
    known = trained.known_scores(np.stack([trained.see(image) for image in images]))
    predictions = trained.predict(images, top=10)
    assert [p.known for p in predictions] == [bool(score >= trained.card.known_threshold) for score in known]
    for prediction, score in zip(predictions, known, strict=True):
        assert sum(guess.score for guess in prediction.top) == pytest.approx(1, abs=1e-5)
        assert prediction.score >= score - 1e-6  # the share of "none of these" is left out


def test_other_classes_are_refused_before_anything_is_computed(stripes):
    with pytest.raises(ValueError, match="CIFAR-10's classes"):
        training.train_photos(stripes)


def test_the_command_says_what_is_wrong(monkeypatch, tmp_path):
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path))
    (tmp_path / "photos").mkdir()
    assert "There is a classifier 'photos' already" in lab("photos", "--dataset", "sketches").output
