"""What every dataset is: named classes and three splits of images with labels."""

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
        ValueError: the arrays have another shape or dtype, or are not equally long.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        if self.images.ndim != 4 or self.images.shape[3] != 3 or self.images.dtype != np.uint8:
            found = f"{self.images.shape} {self.images.dtype}"
            raise ValueError(f"images must be (n, height, width, 3) uint8, not {found}.")
        if self.labels.shape != (len(self.images),) or self.labels.dtype != np.int64:
            raise ValueError(
                f"labels must be ({len(self.images)},) int64 to go with {len(self.images)} images, "
                f"not {self.labels.shape} {self.labels.dtype}."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> "Split":
        """The images and labels at `indices`, in that order."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset, ready to learn from.

    Attributes:
        name: such as `"cifar10"`.
        class_names: what label 0, 1, ... means.
        train: what is learnt from.
        validation: what decisions are made on: which epoch, which recipe.
        test: used once, in evaluation.
        origin: one sentence: where the pictures came from.
        options: how a reader's own folder was loaded, or which part of which dataset this is, so that it can be had
            again; empty for others.
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
        """A smaller dataset: some of the classes, or fewer images with every class in proportion, or both.

        A split whose size is not given stays whole. `subset(["cat", "dog"], train=20)` has ten cats and ten dogs to
        learn from, if there are equally many of both.

        Args:
            classes: the classes to keep, at least two, in the order in which they are numbered from now on; all when
                not given.
            train: images to keep in the train split.
            validation: images to keep in the validation split.
            test: images to keep in the test split.
            seed: another seed keeps other images.

        Raises:
            ValueError: there is no such class, or a split has fewer images than asked for.
        """
        sizes = {"train": train, "validation": validation, "test": test}
        wanted = {"classes": None if classes is None else list(classes), **sizes, "seed": seed}
        chosen = self if classes is None else self._of(wanted["classes"])
        smaller = {}
        for name, size in sizes.items():
            split = getattr(chosen, name)
            if size is not None:
                if not 1 <= size <= len(split):
                    raise ValueError(f"The {name} split has {len(split)} images; {size} cannot be taken of it.")
                kept, _ = stratified_split(split.labels, size, seed=seed)
                smaller[name] = split.take(kept)
        whole = {name: getattr(self, name) for name in ("name", "origin", "options")}
        whole["class_names"] = list(self.class_names)
        return replace(chosen, **smaller, options={"of": whole, "subset": wanted})

    def _of(self, classes: list[str]) -> "Dataset":
        """The images of some classes, with new labels."""
        if unknown := [name for name in classes if name not in self.class_names]:
            known = ", ".join(self.class_names)
            raise ValueError(f"{self.name} has no class {', '.join(map(repr, unknown))}. Its classes: {known}.")
        if len(set(classes)) < len(classes) or len(classes) < 2:
            raise ValueError(f"A subset needs two or more classes, each once, not {', '.join(classes) or 'none'}.")
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
    """Choose `count` indices with every class in proportion, and give the rest too.

    Args:
        labels: `(n,)` int64.
        count: how many to choose, 0 to n.
        seed: fixes the choice.

    Returns:
        `(chosen, rest)`: two int64 arrays of indices, each in rising order, that together are 0 to n - 1.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    # Position within its class as a fraction: cutting at a fraction takes that share of every class.
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    order = shuffled[np.argsort(rank[shuffled], kind="stable")]
    return np.sort(order[:count]), np.sort(order[count:])
