"""Draw the built-in dataset: ten classes with CIFAR-10's names, identical on every machine.

    images, labels = draw(100, seed=0)
    dataset = load_sketches()

A drawing is a scene (`scenes`) with a figure on it (`pets`, `hoofed`, `pond`, `crafts`, `cars`, all drawn on a
`canvas`), finished with shading, light and noise (`light`). All random numbers come from `rng`.
"""

from functools import lru_cache

import numpy as np
from PIL import Image

from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.data.sketches import cars, crafts, hoofed, pets, pond
from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.light import finish_figure, photograph
from cifar_lab.data.sketches.rng import Rng
from cifar_lab.data.sketches.scenes import paint_scene

# For each class its preferred ground and its views.
FIGURES = {
    "airplane": ("road", (crafts.airplane_beside, crafts.airplane_above)),
    "automobile": ("road", (cars.automobile_side, cars.automobile_front)),
    "bird": ("meadow", (pond.bird_perched, pond.bird_flying)),
    "cat": ("sand", (pets.cat_sitting, pets.cat_walking)),
    "deer": ("meadow", (hoofed.deer_standing, hoofed.deer_grazing)),
    "dog": ("meadow", (pets.dog_sitting, pets.dog_standing)),
    "frog": ("meadow", (pond.frog_front, pond.frog_side)),
    "horse": ("meadow", (hoofed.horse_standing, hoofed.horse_galloping)),
    "ship": ("sea", (crafts.ship_steaming, crafts.ship_sailing)),
    "truck": ("road", (cars.truck_box, cars.truck_tank, cars.truck_sand)),
}
CLASS_NAMES = tuple(FIGURES)
_SERIES = {"train": (5000, 101), "validation": (500, 102), "test": (1000, 103)}  # count, seed
_SAMPLE_SEED = 106
_AT_ONCE = 50 * 32 * 32  # pixels drawn at a time: few enough for the processor's cache


@lru_cache(maxsize=1)
def load_sketches() -> Dataset:
    """Draw the dataset "sketches": 5,000 train, 500 validation and 1,000 test images of 32 x 32, balanced.

    The first call takes about two seconds. Later calls return the same arrays, which are read-only.
    """
    splits = {name: _frozen(Split(*draw(count, seed))) for name, (count, seed) in _SERIES.items()}
    return Dataset("sketches", CLASS_NAMES, **splits, origin="Drawn by cifar_lab.data.sketches, no photographs.")


def draw(count: int, seed: int = 0, *, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures; every ten consecutive ones show all ten classes, in random order.

    Picture i of a seed is always the same, regardless of the count and the machine; with a different `size` it is the
    same drawing with more or fewer pixels and different noise.

    Args:
        count: the number of pictures, 0 or more.
        seed: the series of pictures, any whole number.
        size: height and width in pixels, 8 to 1024.

    Returns:
        `(images, labels)`: `(count, size, size, 3)` uint8, RGB, 0-255, and `(count,)` int64, 0-9.

    Raises:
        ValueError: an argument is not a whole number or out of range.
    """
    _check_whole("count", count, low=0)
    _check_whole("seed", seed)
    _check_whole("size", size, low=8, high=1024)
    rng = Rng.for_series(seed, -(-count // 10) * 10)  # whole tens, so that the last pictures do not depend on the count
    labels = np.argsort(rng.bits().reshape(-1, 10), axis=1, kind="stable").reshape(-1)[:count].astype(np.int64)
    choices = rng.between(0, 1)[:count]
    images = np.empty((count, size, size, 3), np.uint8)
    for label, (home, views) in enumerate(FIGURES.values()):
        chosen = (choices * len(views)).astype(np.int64)
        for number, view in enumerate(views):
            for pictures in _batches(np.flatnonzero((labels == label) & (chosen == number)), size):
                images[pictures] = _draw_view(view, home, rng.of(pictures), size)
    return images, labels


def sample_pictures(size: int = 256) -> dict[str, Image.Image]:
    """Draw one larger picture of each class to try a classifier on; none of them is in the dataset.

    Args:
        size: height and width in pixels, 8 to 1024.

    Returns:
        A mapping of class names to RGB pictures.

    Raises:
        ValueError: `size` is not a whole number or out of range.
    """
    images, labels = draw(len(CLASS_NAMES), _SAMPLE_SEED, size=size)
    return {CLASS_NAMES[labels[i]]: Image.fromarray(images[i]) for i in np.argsort(labels)}


def _draw_view(view, home: str, rng: Rng, size: int) -> np.ndarray:
    """Draw one view on n pictures: `(n, size, size, 3)` uint8."""
    canvas = Canvas(rng, paint_scene(rng, size, home))
    view(canvas, rng)
    finish_figure(rng, canvas)
    return photograph(rng, canvas.picture)


def _batches(pictures: np.ndarray, size: int) -> list[np.ndarray]:
    """Split indices into batches of at most `_AT_ONCE` pixels."""
    step = max(1, _AT_ONCE // size**2)
    return [pictures[start : start + step] for start in range(0, len(pictures), step)]


def _frozen(split: Split) -> Split:
    """Make the arrays of a split read-only."""
    split.images.setflags(write=False)
    split.labels.setflags(write=False)
    return split


def _check_whole(name: str, value, low: int | None = None, high: int | None = None):
    expected = "a whole number" + (f" from {low}" if low is not None else "") + (f" to {high}" if high else "")
    wrong_type = isinstance(value, bool) or not isinstance(value, int | np.integer)
    if wrong_type or (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(f"{name} must be {expected}, but it is {value!r}.")
