"""Corrupt images with noise, blur, low contrast or JPEG compression, in five severities.

    noisy = corruption.corrupt(images, "noise", 3)

The severities are those of CIFAR-10-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", 2019), taken from its authors' `make_cifar_c.py`: Gaussian noise, Gaussian blur,
contrast and JPEG compression. As there, pixel values are truncated to whole numbers.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

SEVERITIES = (1, 2, 3, 4, 5)
_NOISE = (0.04, 0.06, 0.08, 0.09, 0.10)  # standard deviation, where white is 1
_BLUR = (0.4, 0.6, 0.7, 0.8, 1.0)  # standard deviation in pixels
_CONTRAST = (0.75, 0.5, 0.4, 0.3, 0.15)  # the remaining share of the distance to the mean
_JPEG = (80, 65, 58, 50, 40)  # the encoder's quality, 1 to 95


def corrupt(images: np.ndarray, kind: str, severity: int, *, seed: int = 0) -> np.ndarray:
    """Corrupt images, all in the same way.

    Args:
        images: `(n, height, width, 3)` uint8, 0-255.
        kind: `"noise"`, `"blur"`, `"contrast"` or `"jpeg"`.
        severity: 1 to 5; 0 changes nothing.
        seed: fixes the noise; the other kinds are deterministic.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: the kind or severity does not exist, or the images have a different shape or dtype.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, but it is {kind!r}.")
    if severity not in (0, *SEVERITIES):
        raise ValueError(f"severity must be a whole number from 0 (unchanged) to 5, but it is {severity!r}.")
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(f"images must be (n, height, width, 3) uint8, not {images.shape} {images.dtype}.")
    return images.copy() if severity == 0 else KINDS[kind](images, int(severity) - 1, seed)


def _noise(images: np.ndarray, level: int, seed: int) -> np.ndarray:
    """Add normal noise to each value."""
    noise = np.random.default_rng(seed).standard_normal(images.shape, np.float32)
    return _to_uint8(images + 255 * _NOISE[level] * noise)


def _blur(images: np.ndarray, level: int, seed: int) -> np.ndarray:
    """Apply a Gaussian filter; the edge pixels are repeated outwards."""
    deviation = _BLUR[level]
    reach = int(4 * deviation + 0.5)  # farther neighbours have weights below 1/1,000
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    blurred = images.astype(np.float64)
    for axis in (1, 2):  # separable: first down, then across
        around = [(reach, reach) if axis == i else (0, 0) for i in range(4)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(blurred, around, mode="edge"), len(weights), axis)
        blurred = windows @ (weights / weights.sum())
    return _to_uint8(blurred + 1e-9)  # keeps uniform areas unchanged: 99.999... must not become 99


def _contrast(images: np.ndarray, level: int, seed: int) -> np.ndarray:
    """Move each value towards the mean of its image and channel."""
    means = images.mean(axis=(1, 2), keepdims=True)
    return _to_uint8((images - means) * _CONTRAST[level] + means + 1e-9)


def _jpeg(images: np.ndarray, level: int, seed: int) -> np.ndarray:
    """Encode each image as JPEG and decode it again."""
    result = np.empty_like(images)
    for position, image in enumerate(images):
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "JPEG", quality=_JPEG[level])
        result[position] = Image.open(stream)
    return result


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)


KINDS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "noise": _noise,
    "blur": _blur,
    "contrast": _contrast,
    "jpeg": _jpeg,
}
