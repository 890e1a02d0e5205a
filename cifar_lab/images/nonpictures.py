"""Images that show nothing (noise, plain colours, stripes), to teach a network what is none of its classes."""

import numpy as np
from PIL import Image


def nonpictures(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw images that show nothing, of all kinds in turn.

    Args:
        count: number of images.
        size: height and width in pixels.
        rng: draws colours, scales and directions.

    Returns:
        `(count, size, size, 3)` uint8, 0-255.
    """
    images = [_DRAWN[index % len(_DRAWN)](size, rng) for index in range(count)]
    return np.stack([np.clip(image, 0, 255).astype(np.uint8) for image in images])


def _enlarge(image: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))


def _noise(size: int, rng: np.random.Generator, channels: int = 3) -> np.ndarray:
    """Draw random pixels, fine or coarse."""
    side = round(np.exp(rng.uniform(np.log(4), np.log(size))))
    pixels = rng.integers(0, 256, (side, side, channels), dtype=np.uint8)
    return _enlarge(np.broadcast_to(pixels, (side, side, 3)).copy(), size)


def _grey_noise(size: int, rng: np.random.Generator) -> np.ndarray:
    return _noise(size, rng, channels=1)


def _grain(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one colour with the grain of a photograph in the dark."""
    return rng.normal(rng.uniform(60, 200, 3), rng.uniform(5, 60), (size, size, 3))


def _plain(size: int, rng: np.random.Generator) -> np.ndarray:
    return np.broadcast_to(rng.integers(0, 256, 3), (size, size, 3))


def _gradient(size: int, rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:size, :size] / size
    slope = rng.uniform(-1, 1) * x + rng.uniform(-1, 1) * y
    return slope[..., None] * rng.uniform(0, 255, 3) + rng.uniform(0, 255, 3)


def _stripes(size: int, rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:size, :size] / size
    angle = rng.uniform(0, np.pi)
    wave = np.sin(rng.uniform(5, 120) * (x * np.cos(angle) + y * np.sin(angle)))
    return np.where(wave[..., None] > 0, rng.integers(0, 256, 3), rng.integers(0, 256, 3))


_DRAWN = (_noise, _grey_noise, _grain, _plain, _gradient, _stripes)
