"""A folder of blots of colour in two classes, with broken, repeated and misnamed files planted in it."""

from pathlib import Path

import numpy as np
from PIL import Image

from cifar_lab.data.folder import example

CLASSES = ("cool", "warm")  # ten of the first for one of the second


def plant(folder: Path, count: int, *, broken: float = 0.02, repeated: float = 0.03, seed: int = 0) -> dict[str, set]:
    """Fill a folder with soft blots of colour in two classes, ten to one, and with bad files.

    Args:
        folder: where the subfolders of the classes go.
        count: files in all.
        broken: the share of files that can't be used.
        repeated: the share of files that repeat another.
        seed: fixes the pictures.

    Returns:
        As `data.folder.example.make_example_folder`.
    """
    mistakes, repeats, rare = round(count * broken), round(count * repeated), round(count / 11)
    names = (CLASSES[number < rare] for number in range(count - mistakes - repeats))
    generator = np.random.default_rng(seed)
    pictures = ((name, _picture(generator, warm=name == "warm")) for name in names)
    return example.make_example_folder(folder, pictures, mistakes=mistakes, repeats=repeats)


def _picture(generator: np.random.Generator, *, warm: bool) -> Image.Image:
    """Soft blots of colour, 48 x 40 pixels, with more red or more blue in them."""
    blots = generator.integers(0, 200, (6, 7, 3))
    blots[..., 0 if warm else 2] += 55
    return Image.fromarray(blots.astype(np.uint8)).resize((48, 40), Image.Resampling.BICUBIC)
