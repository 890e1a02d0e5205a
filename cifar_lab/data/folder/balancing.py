"""Balance the classes of a train split: drop images of frequent classes, or add augmented copies of rare ones.

Validation and test splits are never balanced, so that they keep the real class frequencies.
"""

from collections.abc import Callable, Sequence

import numpy as np

from cifar_lab.images import augmentation

BALANCES = ("none", "down", "up")
_AT_ONCE = 1_000  # images

# The strengths: small enough to keep the label, large enough to change the pixels.
_TRANSFORMS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "shift": lambda images, rng: augmentation.shift(images, max(1, images.shape[1] // 12), rng),
    "rotation": lambda images, rng: augmentation.rotate(images, 10, rng),
    "zoom": lambda images, rng: augmentation.zoom(images, 0.15, rng),
    "shear": lambda images, rng: augmentation.shear(images, 0.15, rng),
    "noise": lambda images, rng: augmentation.noise(images, 6, rng),
}
TRANSFORMS = tuple(_TRANSFORMS)


def validate_balancing(balance: str, augment: Sequence[str], copies: int) -> None:
    """Validate the balancing options of `data.load`.

    Raises:
        ValueError: `balance` or a transform in `augment` does not exist, or `copies` is negative.
    """
    if balance not in BALANCES:
        raise ValueError(f"balance must be one of {', '.join(BALANCES)}, but it is {balance!r}.")
    if isinstance(augment, str) or not augment or (unknown := sorted(set(augment) - set(TRANSFORMS))):
        wrong = repr(augment) if isinstance(augment, str) or not augment else ", ".join(unknown)
        raise ValueError(f"augment must be some of {', '.join(TRANSFORMS)} in a tuple or list, not {wrong}.")
    if not isinstance(copies, int) or copies < 0:
        raise ValueError(f"copies must be a whole number, 0 or more, but it is {copies!r}.")


def balanced_positions(labels: np.ndarray, balance: str, copies: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose which images of a train split to use unchanged, and which to copy for augmentation.

    Args:
        labels: `(n,)` int64, in random order.
        balance: `"none"`; `"down"`: as many images of each class as the rarest has; `"up"`: add copies until each class
            has as many images as the most frequent.
        copies: additional copies of every image.

    Returns:
        `(plain, changed)`: positions, int64; a position may occur several times in `changed`.
    """
    counts = np.bincount(labels)
    members = [np.flatnonzero(labels == label) for label in range(len(counts))]
    if balance == "down":
        members = [of_class[: counts.min()] for of_class in members]
    plain = np.sort(np.concatenate(members))
    most = max(map(len, members)) if balance == "up" else 0
    # np.resize repeats the images of a class until there are enough.
    missing = [(1 + copies) * max(most, len(of_class)) - len(of_class) for of_class in members]
    changed = [np.resize(of_class, count) for of_class, count in zip(members, missing, strict=True)]
    return plain, np.concatenate(changed)


def augment_copies(images: np.ndarray, augment: Sequence[str], seed: int) -> None:
    """Apply the transforms to every image in place, each with its own random parameters.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255; may be a memory map.
        augment: some of `TRANSFORMS`, applied in the order of `TRANSFORMS`.
        seed: fixes the random parameters.
    """
    for number, first in enumerate(range(0, len(images), _AT_ONCE)):
        rng = np.random.default_rng([seed, number])
        part = images[first : first + _AT_ONCE]
        for name in filter(augment.__contains__, TRANSFORMS):
            part = _TRANSFORMS[name](part, rng)
        images[first : first + _AT_ONCE] = part
