"""Test the checks, splits, subsets and fingerprints of datasets."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import StratifiedShuffleSplit

from cifar_lab import data
from cifar_lab.data.dataset import Split, stratified_split
from cifar_lab.training import runs
from tests.conftest import make_stripes


@pytest.mark.parametrize("count", [0, 1, 7, 50, 100])
def test_stratified_split_keeps_class_proportions(count):
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    chosen, rest = stratified_split(labels, count, seed=3)
    assert sorted([*chosen, *rest]) == list(range(100))
    assert len(chosen) == count
    for label, share in ((0, 0.5), (1, 0.3), (2, 0.2)):
        assert abs(np.sum(labels[chosen] == label) - share * count) <= 1


def test_stratified_split_agrees_with_scikit_learn():
    labels = np.random.default_rng(0).choice(4, 1000, p=[0.1, 0.2, 0.3, 0.4])
    ours = np.bincount(labels[stratified_split(labels, 200)[0]])
    [(_, theirs)] = StratifiedShuffleSplit(1, test_size=200, random_state=0).split(labels, labels)
    assert np.abs(ours - np.bincount(labels[theirs])).max() <= 1


def test_seed_fixes_the_split():
    labels = np.arange(100) % 5
    first, again, other = (stratified_split(labels, 20, seed=seed)[0].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_subset_keeps_images_with_their_labels(stripes):
    smaller = stripes.subset(train=50, test=10)
    assert [len(smaller.train), len(smaller.validation), len(smaller.test)] == [50, 60, 10]
    of_image = {image.tobytes(): label for image, label in zip(stripes.train.images, stripes.train.labels, strict=True)}
    assert all(of_image[i.tobytes()] == n for i, n in zip(smaller.train.images, smaller.train.labels, strict=True))
    with pytest.raises(ValueError, match="has 200 images; 201 cannot"):
        stripes.subset(train=201)


@pytest.fixture(scope="module")
def four():
    """Four classes; every image has its number and its class in its first pixel."""

    def split(first: int) -> Split:
        labels = np.arange(40) % 4
        images = np.zeros((40, 8, 8, 3), np.uint8)
        images[:, 0, 0, 0], images[:, 0, 0, 1] = first + np.arange(40), labels
        return Split(images, labels)

    return data.Dataset("four", ("bird", "cat", "deer", "dog"), split(0), split(40), split(80), "Made here.")


def test_subset_of_classes_relabels_their_images(four):
    pair = four.subset(["dog", "cat"])
    assert (pair.name, pair.class_names) == ("four-dog-cat", ("dog", "cat"))
    for name in ("train", "validation", "test"):
        part, whole = getattr(pair, name), getattr(four, name)
        assert len(part) == 20
        old = part.images[:, 0, 0, 1]
        assert [("dog", "cat")[label] for label in part.labels] == [four.class_names[label] for label in old]
        numbers = [
            int(number) for number, label in zip(whole.images[:, 0, 0, 0], whole.labels, strict=True) if label in (1, 3)
        ]
        assert part.images[:, 0, 0, 0].tolist() == numbers  # in the original order


def test_subset_of_classes_and_sizes_is_balanced(four):
    pair = four.subset(["cat", "dog"], train=6)
    assert np.bincount(pair.train.labels).tolist() == [3, 3]
    assert len(pair.test) == 20
    assert four.subset(["cat", "deer", "dog", "bird"]).name == "four-4-classes"


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (["cat", "horse"], "four has no class 'horse'. Its classes: bird, cat, deer, dog"),
        (["cat"], "two or more different classes, not cat"),
        (["cat", "cat"], "different classes, not cat, cat"),
        ([], "not none"),
    ],
)
def test_invalid_classes_are_rejected(four, classes, sentence):
    with pytest.raises(ValueError, match=sentence):
        four.subset(classes)


def test_subset_is_loaded_again_from_a_card(four, monkeypatch):
    monkeypatch.setattr("cifar_lab.data.sketches.load_sketches", lambda: dataclasses.replace(four, name="sketches"))
    part = data.load("sketches").subset(["dog", "cat"]).subset(train=6, test=8, seed=3)
    facts = json.loads(json.dumps(runs.describe_dataset(part)))
    assert data.is_here(facts)
    assert data.load_again(facts).fingerprint() == part.fingerprint()
    assert data.load_again(facts, "sketches").class_names == ("dog", "cat")


def test_subset_of_a_folder_is_loaded_again_until_the_folder_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.core.paths.data_folder", lambda: tmp_path / "data")
    rng = np.random.default_rng(0)
    for name in ("ants", "bees", "cats"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(9):
            Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(
                tmp_path / "pets" / name / f"{number}.png"
            )
    part = data.load(tmp_path / "pets", size=16, progress=False).subset(["bees", "cats"])
    facts = json.loads(json.dumps(runs.describe_dataset(part)))
    assert data.is_here(facts) and data.load_again(facts, progress=False).fingerprint() == part.fingerprint()
    (tmp_path / "pets" / "bees" / "3.png").unlink()
    with pytest.raises(ValueError, match="have changed since training"):
        data.load_again(facts, progress=False)
    assert data.load_again(facts, tmp_path / "pets", progress=False).class_names == ("bees", "cats")


def test_fingerprint_depends_on_images_labels_and_class_names(stripes):
    assert stripes.fingerprint() == make_stripes().fingerprint()
    images = stripes.test.images.copy()
    images[-1, -1, -1, -1] ^= 1
    others = [
        dataclasses.replace(stripes, test=Split(images, stripes.test.labels)),
        dataclasses.replace(stripes, class_names=("level", "steep")),
        dataclasses.replace(stripes, train=stripes.train.take(np.arange(199))),
        dataclasses.replace(stripes, validation=Split(stripes.validation.images, 1 - stripes.validation.labels)),
    ]
    assert len({dataset.fingerprint() for dataset in (stripes, *others)}) == 5
    assert dataclasses.replace(stripes, origin="elsewhere").fingerprint() == stripes.fingerprint()


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (np.zeros((2, 4, 4, 3)), np.zeros(2, np.int64), "uint8, not"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros(2, np.int64), r"\(n, height, width, 3\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros(3, np.int64), "for 2 images"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros(2, np.int32), "int64"),
    ],
)
def test_split_rejects_wrong_arrays(images, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        Split(images, labels)


def test_dataset_rejects_labels_without_a_class_name(stripes):
    with pytest.raises(ValueError, match="labels from 0 to 1, but there are 1 classes"):
        dataclasses.replace(stripes, class_names=("level",))


def test_sketches_are_always_available():
    assert data.is_here("sketches") and data.is_here({"name": "sketches"})
