"""Datasets: class names and three splits of labelled images."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels.

    Attributes:
        images: `(n, height, width, 3)` uint8, 0-255, RGB.
        labels: `(n,)` int64, 0 to the number of classes - 1.

    Raises:
        ValueError: the arrays have a different shape or dtype, or different lengths.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        if self.images.ndim != 4 or self.images.shape[3] != 3 or self.images.dtype != np.uint8:
            found = f"{self.images.shape} {self.images.dtype}"
            raise ValueError(f"images must be (n, height, width, 3) uint8, not {found}.")
        if self.labels.shape != (len(self.images),) or self.labels.dtype != np.int64:
            raise ValueError(
                f"labels must be ({len(self.images)},) int64 for {len(self.images)} images, "
                f"not {self.labels.shape} {self.labels.dtype}."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> "Split":
        """Return the images and labels at `indices`, in that order."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Class names and the train, validation and test splits.

    Attributes:
        name: such as `"cifar10"`.
        class_names: the names of labels 0, 1, ...
        train: the images to train on.
        validation: the images for decisions: which epoch, which recipe.
        test: the images for the final evaluation, used once.
        origin: one sentence on where the pictures came from.
        options: how to load the dataset again if it is a folder or a subset; otherwise empty.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    origin: str
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        for name in SPLITS:
            labels = getattr(self, name).labels
            if len(labels) and not (labels.min() >= 0 and labels.max() < len(self.class_names)):
                raise ValueError(
                    f"The {name} split of {self.name} has labels from {labels.min()} to {labels.max()}, "
                    f"but there are {len(self.class_names)} classes."
                )

    def fingerprint(self) -> str:
        """Return a SHA-256 over class names, images and labels: equal if and only if two datasets are equal."""
        return self._fingerprint

    def test_fingerprint(self) -> str:
        """Return a SHA-256 over the test images and labels alone: datasets may share them and differ in training."""
        return self._test_fingerprint

    @functools.cached_property  # hashing takes seconds for a large dataset
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(repr(tuple(self.class_names)).encode())
        for name in SPLITS:
            split = getattr(self, name)
            digest.update(f"{name} {split.images.shape}".encode())
            digest.update(np.ascontiguousarray(split.images))
            digest.update(np.ascontiguousarray(split.labels, dtype="<i8"))
        return digest.hexdigest()

    @functools.cached_property
    def _test_fingerprint(self) -> str:
        digest = hashlib.sha256(str(self.test.images.shape).encode())
        digest.update(np.ascontiguousarray(self.test.images))
        digest.update(np.ascontiguousarray(self.test.labels, dtype="<i8"))
        return digest.hexdigest()

    def subset(
        self,
        classes: Sequence[str] | None = None,
        *,
        train: int | None = None,
        validation: int | None = None,
        test: int | None = None,
        seed: int = 0,
    ) -> "Dataset":
        """Return a smaller dataset: some of the classes, a stratified part of the images, or both.

        `subset(["cat", "dog"], train=20)` has ten cats and ten dogs in its train split if both are equally frequent.

        Args:
            classes: the classes to keep, at least two, in the order of their new labels; by default all.
            train: the number of images to keep in the train split; by default all.
            validation: the same for the validation split.
            test: the same for the test split.
            seed: fixes which images are kept.

        Raises:
            ValueError: a class does not exist, or a split has fewer images than requested.
        """
        sizes = {"train": train, "validation": validation, "test": test}
        options = {"classes": None if classes is None else list(classes), **sizes, "seed": seed}
        chosen = self if classes is None else self._with_classes(options["classes"])
        smaller = {}
        for name, size in sizes.items():
            split = getattr(chosen, name)
            if size is not None:
                if not 1 <= size <= len(split):
                    raise ValueError(f"The {name} split has {len(split)} images; {size} cannot be taken from it.")
                kept, _ = stratified_split(split.labels, size, seed=seed)
                smaller[name] = split.take(kept)
        whole = {name: getattr(self, name) for name in ("name", "origin", "options")}
        whole["class_names"] = list(self.class_names)
        return replace(chosen, **smaller, options={"of": whole, "subset": options})

    def _with_classes(self, classes: list[str]) -> "Dataset":
        """Return the images of some classes, relabelled 0, 1, ... in the order of `classes`."""
        if unknown := [name for name in classes if name not in self.class_names]:
            known = ", ".join(self.class_names)
            raise ValueError(f"{self.name} has no class {', '.join(map(repr, unknown))}. Its classes: {known}.")
        if len(set(classes)) < len(classes) or len(classes) < 2:
            raise ValueError(f"A subset needs two or more different classes, not {', '.join(classes) or 'none'}.")
        old = [self.class_names.index(name) for name in classes]  # the old label of each new one
        new = np.zeros(len(self.class_names), np.int64)
        new[old] = np.arange(len(old))
        splits = {}
        for name in SPLITS:
            kept = getattr(self, name).take(np.flatnonzero(np.isin(getattr(self, name).labels, old)))
            splits[name] = Split(kept.images, new[kept.labels])
        short = "-".join(classes) if len(classes) <= 3 else f"{len(classes)}-classes"
        origin = f"{self.origin} Of its classes only {', '.join(classes)}."
        return replace(self, name=f"{self.name}-{short}", class_names=tuple(classes), origin=origin, **splits)


def stratified_split(labels: np.ndarray, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Split indices into `count` chosen ones, with every class in proportion, and the rest.

    Args:
        labels: `(n,)` int64.
        count: how many to choose, 0 to n.
        seed: fixes the choice.

    Returns:
        `(chosen, rest)`: two int64 arrays of indices in ascending order that together are 0 to n - 1.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    # Rank of an image within its class, as a fraction: cutting at a fraction takes that share of every class.
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    order = shuffled[np.argsort(rank[shuffled], kind="stable")]
    return np.sort(order[:count]), np.sort(order[count:])
