"""Datasets: their checks, splits, subsets and fingerprints."""

import dataclasses

import numpy as np
import pytest
from sklearn.model_selection import StratifiedShuffleSplit

from cifar_lab import data
from cifar_lab.data.dataset import Split, stratified_split
from tests.conftest import make_stripes


@pytest.mark.parametrize("count", [0, 1, 7, 50, 100])
def test_a_stratified_split_divides_every_class_in_proportion(count):
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    chosen, rest = stratified_split(labels, count, seed=3)
    assert sorted([*chosen, *rest]) == list(range(100))
    assert len(chosen) == count
    for label, share in ((0, 0.5), (1, 0.3), (2, 0.2)):
        assert abs(np.sum(labels[chosen] == label) - share * count) <= 1


def test_it_divides_as_scikit_learn_does():
    labels = np.random.default_rng(0).choice(4, 1000, p=[0.1, 0.2, 0.3, 0.4])
    ours = np.bincount(labels[stratified_split(labels, 200)[0]])
    [(_, theirs)] = StratifiedShuffleSplit(1, test_size=200, random_state=0).split(labels, labels)
    assert np.abs(ours - np.bincount(labels[theirs])).max() <= 1


def test_a_seed_fixes_the_split():
    labels = np.arange(100) % 5
    first, again, other = (stratified_split(labels, 20, seed=seed)[0].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_a_subset_keeps_images_with_their_labels(stripes):
    smaller = stripes.subset(train=50, test=10)
    assert [len(smaller.train), len(smaller.validation), len(smaller.test)] == [50, 60, 10]
    of_image = {image.tobytes(): label for image, label in zip(stripes.train.images, stripes.train.labels, strict=True)}
    assert all(of_image[i.tobytes()] == n for i, n in zip(smaller.train.images, smaller.train.labels, strict=True))
    with pytest.raises(ValueError, match="has 200 images; 201 cannot be taken"):
        stripes.subset(train=201)


def test_a_fingerprint_changes_with_anything_that_matters(stripes):
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
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros(3, np.int64), "to go with 2 images"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros(2, np.int32), "int64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        Split(images, labels)


def test_labels_without_a_class_name_are_refused(stripes):
    with pytest.raises(ValueError, match="labels from 0 to 1, but there are 1 classes"):
        dataclasses.replace(stripes, class_names=("level",))


def test_the_sketches_are_always_here():
    assert data.is_here("sketches") and data.is_here({"name": "sketches"})
