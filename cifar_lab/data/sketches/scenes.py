"""What is behind a figure: sky with clouds, hills, ground, and soft round things. Every class meets every scene."""

import numpy as np

from cifar_lab.data.sketches.canvas import blend, column, pixel_centres
from cifar_lab.data.sketches.palettes import GROUNDS, SKIES, THINGS
from cifar_lab.data.sketches.rng import Rng


def paint_scene(dice: Rng, size: int, home: str) -> np.ndarray:
    """Paint a background for each picture.

    Args:
        dice: the dice of the n pictures.
        size: height and width in pixels.
        home: the ground, a key of `GROUNDS`, that a third of the pictures get for sure; the others get any.

    Returns:
        `(3, n, size, size)` float32, RGB, about 0-1.
    """
    down = pixel_centres(size)[1]
    sky, hill = dice.colour(SKIES), dice.colour(GROUNDS["meadow"])
    at_home = dice.chance(1 / 3)[:, None]
    anywhere = dice.colour([colour for colours in GROUNDS.values() for colour in colours])
    ground = at_home * dice.colour(GROUNDS[home]) + (1 - at_home) * anywhere
    horizon = column(dice.pick([0, 0, 0, 2]) + dice.between(-0.35, 0.45))  # one in four pictures shows no ground
    skyline = horizon - column(dice.between(0, 0.35)) * smooth_noise(dice, size, 1, 5)[:, :1]

    clouds = (smooth_noise(dice, size, 3, 2) + smooth_noise(dice, size, 7, 5) - 1) * column(dice.between(0, 0.3))
    picture = np.stack([column(sky[:, channel]) + clouds - 0.1 * down for channel in range(3)])
    blend(picture, _below(skyline, down, size), 0.35 * hill + 0.5 * sky)
    on_ground = _below(horizon, down, size)
    blend(picture, on_ground, ground)
    picture *= 1 + on_ground * (0.1 * down + (smooth_noise(dice, size, 18, 6) - 0.5) * column(dice.between(0, 0.4)))
    for _ in range(3):
        _add_thing(dice, picture, horizon)
    return picture


def smooth_noise(dice: Rng, size: int, rows: int, columns: int) -> np.ndarray:
    """Smooth noise: random heights at the knots of a net of `rows` by `columns` meshes, and slopes between them.

    Returns:
        `(n, size, size)` float32, 0-1.
    """
    heights = dice.field(rows + 1, columns + 1)
    return _slopes(_slopes(heights, rows, size, axis=1), columns, size, axis=2)


def _slopes(heights: np.ndarray, meshes: int, size: int, axis: int) -> np.ndarray:
    """Stretch `meshes` + 1 heights along one axis over `size` pixels, in straight lines from knot to knot."""
    places = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(meshes) / np.float32(size)
    knots = places.astype(np.int64)
    part = (places - knots.astype(np.float32)).reshape((-1, 1) if axis == 1 else (1, -1))
    before, after = heights.take(knots, axis), heights.take(knots + 1, axis)
    return before + part * (after - before)


def _add_thing(dice: Rng, picture: np.ndarray, horizon: np.ndarray):
    """Add something soft and round near the horizon: a bush, a boulder, a low cloud."""
    across, down = pixel_centres(picture.shape[-1])
    across = (across - column(dice.between(-1, 1))) / column(dice.between(0.15, 0.5))
    down = (down - horizon - column(dice.between(-0.3, 0.3))) / column(dice.between(0.1, 0.35))
    cover = np.clip(2 - 2 * (across * across + down * down), 0, 1) * column(dice.between(0, 0.8))
    blend(picture, cover, dice.colour(THINGS))


def _below(line: np.ndarray, down: np.ndarray, size: int) -> np.ndarray:
    """How much of each pixel lies below a line, 0-1."""
    return np.clip((down - line) * (size / 2) + 0.5, 0, 1)
