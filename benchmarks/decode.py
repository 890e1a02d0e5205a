"""From a 12-megapixel JPEG to 32 x 32 pixels.

Tutorials decode the whole picture. The best ordinary way is Pillow's `draft`, which lets the JPEG decoder shrink by a
power of two; ours uses it too, and also checks the file, limits its size and turns it upright.
"""

import io
from typing import BinaryIO

import numpy as np
from PIL import Image

from benchmarks.measure import OURS, Row, compare
from cifar_lab import images

CENTRE = (0.125, 0, 0.875, 1)  # the central square of a 4:3 picture, as shares of its width and height


def photograph() -> bytes:
    """Return a 4000 x 3000 JPEG of about 3 MB: smooth shapes, about as many bytes per pixel as a phone's."""
    shapes = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    stream = io.BytesIO()
    shapes.resize((4000, 3000), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def small_png() -> bytes:
    """Return a 32 x 32 PNG of noise."""
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def opened(file: BinaryIO, *, draft: bool) -> Image.Image:
    """Decode a picture in full, or a JPEG at an eighth to a whole of its size, at least 256 pixels a side."""
    picture = Image.open(file)
    if draft:
        picture.draft("RGB", (256, 256))
    return picture.convert("RGB")


def shrunk(picture: Image.Image, area: tuple[float, ...] = (0, 0, 1, 1)) -> np.ndarray:
    """Shrink an area of a picture, given as shares of its sides, to `(32, 32, 3)` uint8."""
    box = tuple(share * side for share, side in zip(area, picture.size * 2, strict=True))
    return np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC, box=box))


def measure(*, quick: bool = False) -> list[Row]:
    """Compare the ways for the central square."""
    content = photograph()
    ways = {
        "Pillow, in full": lambda: shrunk(opened(io.BytesIO(content), draft=False), CENTRE),
        "Pillow, draft": lambda: shrunk(opened(io.BytesIO(content), draft=True), CENTRE),
        OURS: lambda: images.to_input(content),
    }
    return [compare("decode a 12-megapixel JPEG to 32 x 32", ways, rounds=3 if quick else 30)]
