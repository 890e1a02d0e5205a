"""What every dataset is: named classes and three splits of images with labels."""

import hashlib
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
        options: how a reader's own folder was loaded, so that it can be loaded so again; empty for others.
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
        """A SHA-256 over class names, images and labels: equal when, and only when, two datasets are."""
        digest = hashlib.sha256(repr(tuple(self.class_names)).encode())
        for name in SPLITS:
            split = getattr(self, name)
            digest.update(f"{name} {split.images.shape}".encode())
            digest.update(np.ascontiguousarray(split.images))
            digest.update(np.ascontiguousarray(split.labels, dtype="<i8"))
        return digest.hexdigest()

    def subset(self, *, train=None, validation=None, test=None, seed: int = 0) -> "Dataset":
        """A smaller dataset with every class in proportion; a split whose size is not given stays whole.

        Args:
            train: images to keep in the train split.
            validation: images to keep in the validation split.
            test: images to keep in the test split.
            seed: another seed keeps other images.

        Raises:
            ValueError: a split has fewer images than asked for.
        """
        sizes = {"train": train, "validation": validation, "test": test}
        smaller = {}
        for name, size in sizes.items():
            split = getattr(self, name)
            if size is not None:
                if not 1 <= size <= len(split):
                    raise ValueError(f"The {name} split has {len(split)} images; {size} cannot be taken of it.")
                chosen, _ = stratified_split(split.labels, size, seed=seed)
                smaller[name] = split.take(chosen)
        return replace(self, **smaller)


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
