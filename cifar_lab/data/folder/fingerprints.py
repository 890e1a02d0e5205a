"""Near-duplicates: pictures that show the same thing, although hardly one of their numbers is the same.

    positions, likeness = duplicates.most_alike(dataset.test.images, dataset.train.images)

A copy that was made brighter, saved once more or moved by a pixel differs in nearly every number. Fingerprints of
pictures forget such changes: each is shrunk to 8 x 8 points, freed of its brightness and contrast, and two are as alike
as these fingerprints correlate. 3.3 % of CIFAR-10's test images have such a twin among the training images (Barz and
Denzler, "Do We Train on Test Data?", 2020, who looked at every candidate by eye).
"""

import numpy as np

from cifar_lab.core.progress import progress_bar

SIDE = 8  # points: a shift by one pixel of 32 is lost in it, what the picture shows is not
_AT_ONCE = 500  # pictures compared at once: 500 x 50,000 likenesses are 100 MB


def fingerprints(images: np.ndarray) -> np.ndarray:
    """What is left of pictures without fine detail, brightness and contrast.

    Args:
        images: `(n, height, width, 3)` uint8, 0-255, of at least 8 x 8 pixels.

    Returns:
        `(n, 192)` float32, each row of mean 0 and length 1 (all 0 for a picture of one colour in one grey), so that the
        product of two rows is the correlation of the two shrunk pictures, -1 to 1.

    Raises:
        ValueError: the images have another shape or are too small.
    """
    if images.ndim != 4 or images.shape[3] != 3 or min(images.shape[1:3]) < SIDE:
        raise ValueError(f"images must be (n, height, width, 3) of {SIDE} pixels or more a side, not {images.shape}.")
    high, wide = images.shape[1] // SIDE, images.shape[2] // SIDE  # pixels a point
    # What is left over is cut off on both sides, so that the mirror image keeps the same pixels.
    top, left = images.shape[1] % SIDE // 2, images.shape[2] % SIDE // 2
    cut = images[:, top : top + high * SIDE, left : left + wide * SIDE]
    points = cut.reshape(-1, SIDE, high, SIDE, wide, 3).mean(axis=(2, 4), dtype=np.float32)
    rows = points.reshape(len(images), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-3)


def mirrored(prints: np.ndarray) -> np.ndarray:
    """The fingerprints of the mirror images, `(n, 192)` float32, from those of the images."""
    return prints.reshape(-1, SIDE, SIDE, 3)[:, :, ::-1].reshape(len(prints), -1)


def most_similar(images: np.ndarray, others: np.ndarray, *, progress: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """For each image the one among `others` that is most like it, or whose mirror image is.

    10,000 images and 50,000 others take some ten seconds on 2 cores.

    Args:
        images: `(n, height, width, 3)` uint8, 0-255.
        others: `(m, height, width, 3)` uint8, 0-255, at least one.
        progress: show a progress bar.

    Returns:
        `(positions, likeness)`: `(n,)` int64, 0 to m - 1, and `(n,)` float32, -1 to 1; 1 is the same picture but for
        its brightness and contrast.

    Raises:
        ValueError: the images have another shape or are too small, or there are no others.
    """
    if len(others) == 0:
        raise ValueError("There are no other images to compare with.")
    known = fingerprints(others).T  # (192, m)
    positions, likeness = np.zeros(len(images), np.int64), np.zeros(len(images), np.float32)
    for first in progress_bar(range(0, len(images), _AT_ONCE), shown=progress, desc="comparing", unit="batch"):
        part = images[first : first + _AT_ONCE]
        found = np.maximum(fingerprints(part) @ known, fingerprints(part[:, :, ::-1]) @ known)  # (500, m)
        chosen = slice(first, first + len(part))
        positions[chosen] = found.argmax(axis=1)
        likeness[chosen] = found.max(axis=1)
    return positions, likeness
