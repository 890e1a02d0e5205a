"""Corruption: what noise, blur, poor contrast and JPEG do to images, in five degrees.

    noisy = corruption.corrupt(images, "noise", 3)

The degrees are those of CIFAR-10-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", 2019), taken from its authors' `make_cifar_c.py`: Gaussian noise, Gaussian blur,
contrast and JPEG compression. Like there, what lies between two whole numbers is cut off.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

SEVERITIES = (1, 2, 3, 4, 5)
_NOISE = (0.04, 0.06, 0.08, 0.09, 0.10)  # standard deviation, where white is 1
_BLUR = (0.4, 0.6, 0.7, 0.8, 1.0)  # standard deviation in pixels
_CONTRAST = (0.75, 0.5, 0.4, 0.3, 0.15)  # what is left of the distance to the mean
_JPEG = (80, 65, 58, 50, 40)  # the encoder's quality, 1 to 95


def corrupt(images: np.ndarray, kind: str, severity: int, *, seed: int = 0) -> np.ndarray:
    """Spoil images, all in the same way.

    Args:
        images: `(n, height, width, 3)` uint8, 0-255.
        kind: `"noise"`, `"blur"`, `"contrast"` or `"jpeg"`.
        severity: 1 to 5; 0 changes nothing.
        seed: fixes the noise; the other kinds have no chance in them.

    Returns:
        The same shape and dtype; what was given stays as it was.

    Raises:
        ValueError: there is no such kind or severity, or the images have another shape or dtype.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, but it is {kind!r}.")
    if severity not in (0, *SEVERITIES):
        raise ValueError(f"severity must be a whole number from 0 (as it is) to 5, but it is {severity!r}.")
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(f"images must be (n, height, width, 3) uint8, not {images.shape} {images.dtype}.")
    return images.copy() if severity == 0 else KINDS[kind](images, int(severity) - 1, seed)


def _noise(images: np.ndarray, degree: int, seed: int) -> np.ndarray:
    """A random number of its own for each of an image's numbers."""
    chance = np.random.default_rng(seed).standard_normal(images.shape, np.float32)
    return _whole(images + 255 * _NOISE[degree] * chance)


def _blur(images: np.ndarray, degree: int, seed: int) -> np.ndarray:
    """Each pixel becomes a mean of its neighbours, the nearer the heavier; the edge is repeated outwards."""
    deviation = _BLUR[degree]
    reach = int(4 * deviation + 0.5)  # farther neighbours weigh less than 1 in 1,000
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    blurred = images.astype(np.float64)
    for axis in (1, 2):  # first down, then across: the same as both at once
        around = [(reach, reach) if axis == i else (0, 0) for i in range(4)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(blurred, around, mode="edge"), len(weights), axis)
        blurred = windows @ (weights / weights.sum())
    return _whole(blurred + 1e-9)  # an even area stays as it is: 99.999... must not become 99


def _contrast(images: np.ndarray, degree: int, seed: int) -> np.ndarray:
    """Each number moves towards the mean of its image and colour."""
    means = images.mean(axis=(1, 2), keepdims=True)
    return _whole((images - means) * _CONTRAST[degree] + means + 1e-9)


def _jpeg(images: np.ndarray, degree: int, seed: int) -> np.ndarray:
    """Saved as a JPEG file, and read again."""
    result = np.empty_like(images)
    for position, image in enumerate(images):
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "JPEG", quality=_JPEG[degree])
        result[position] = Image.open(stream)
    return result


def _whole(numbers: np.ndarray) -> np.ndarray:
    return np.clip(numbers, 0, 255).astype(np.uint8)


KINDS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "noise": _noise,
    "blur": _blur,
    "contrast": _contrast,
    "jpeg": _jpeg,
}
