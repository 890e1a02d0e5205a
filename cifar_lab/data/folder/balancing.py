"""Balancing the classes of a train split: fewer of the frequent ones, or changed copies of the rare ones.

Validation and test splits are never balanced: they are to be as the world is.
"""

from collections.abc import Callable, Sequence

import numpy as np

from cifar_lab.images import augmentation

BALANCES = ("none", "down", "up")
_AT_ONCE = 1_000  # images

# How far each goes: so little that a picture keeps its label, so far that its pixels are others.
_TRANSFORMS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "shift": lambda images, rng: augmentation.shift(images, max(1, images.shape[1] // 12), rng),
    "rotation": lambda images, rng: augmentation.rotate(images, 10, rng),
    "zoom": lambda images, rng: augmentation.zoom(images, 0.15, rng),
    "shear": lambda images, rng: augmentation.shear(images, 0.15, rng),
    "noise": lambda images, rng: augmentation.noise(images, 6, rng),
}
TRANSFORMS = tuple(_TRANSFORMS)


def validate_balancing(balance: str, augment: Sequence[str], copies: int) -> None:
    """Raise what `data.load` says of a wish that can't be.

    Raises:
        ValueError: there is no such balance or transform, or the number of copies is below 0.
    """
    if balance not in BALANCES:
        raise ValueError(f"balance must be one of {', '.join(BALANCES)}, but it is {balance!r}.")
    if isinstance(augment, str) or not augment or (unknown := sorted(set(augment) - set(TRANSFORMS))):
        wrong = repr(augment) if isinstance(augment, str) or not augment else ", ".join(unknown)
        raise ValueError(f"augment must be some of {', '.join(TRANSFORMS)} in a tuple or list, not {wrong}.")
    if not isinstance(copies, int) or copies < 0:
        raise ValueError(f"copies must be a whole number of at least 0, but it is {copies!r}.")


def balanced_positions(labels: np.ndarray, balance: str, copies: int) -> tuple[np.ndarray, np.ndarray]:
    """Which images of a train split are taken as they are, and of which there are changed copies besides.

    Args:
        labels: `(n,)` int64, in an order of chance.
        balance: `"none"`; `"down"`: as many of each class as the rarest has; `"up"`: copies until each class has as
            many as the most frequent.
        copies: changed copies of every image, on top.

    Returns:
        `(plain, changed)`: positions, int64; those of `changed` may occur many times.
    """
    counts = np.bincount(labels)
    members = [np.flatnonzero(labels == label) for label in range(len(counts))]
    if balance == "down":
        members = [of_class[: counts.min()] for of_class in members]
    plain = np.sort(np.concatenate(members))
    most = max(map(len, members)) if balance == "up" else 0
    # np.resize goes through a class's images again and again, until there are enough.
    wanted = [(1 + copies) * max(most, len(of_class)) - len(of_class) for of_class in members]
    changed = [np.resize(of_class, count) for of_class, count in zip(members, wanted, strict=True)]
    return plain, np.concatenate(changed)


def augment_copies(images: np.ndarray, augment: Sequence[str], seed: int) -> None:
    """Change every image in place, by each of the transforms, differently for each.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255; may lie on disk.
        augment: some of `TRANSFORMS`; their order is always that of `TRANSFORMS`.
        seed: fixes what becomes of them.
    """
    for number, first in enumerate(range(0, len(images), _AT_ONCE)):
        rng = np.random.default_rng([seed, number])
        part = images[first : first + _AT_ONCE]
        for name in filter(augment.__contains__, TRANSFORMS):
            part = _TRANSFORMS[name](part, rng)
        images[first : first + _AT_ONCE] = part
