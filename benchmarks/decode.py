"""From a 12-megapixel JPEG to 32 x 32: decoding all of it, and our way."""

import io

import numpy as np
from PIL import Image

from benchmarks.measure import Row, compare
from cifar_lab import images


def photograph() -> bytes:
    """A 4000 x 3000 JPEG of about 3 MB: smooth shapes with some grain, as a phone's are."""
    generator = np.random.default_rng(0)
    small = Image.fromarray(generator.integers(0, 256, (300, 400, 3), dtype=np.uint8))
    stream = io.BytesIO()
    small.resize((4000, 3000), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def in_full(content: bytes) -> np.ndarray:
    """The usual way: decode, convert, cut, resize."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    return np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC, box=(500, 0, 3500, 3000)))


def measure(*, quick: bool = False) -> list[Row]:
    """The one comparison of this file."""
    content, what = photograph(), "12-megapixel JPEG to 32 x 32 (decoded in full)"
    return [compare(what, lambda: in_full(content), lambda: images.to_input(content), rounds=3 if quick else 30)]
