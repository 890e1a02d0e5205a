"""What stands behind a figure: sky, hills and ground, or a plain backdrop. Every class meets every scene."""

import numpy as np

from cifar_lab.data.sketches.canvas import pixel_centres
from cifar_lab.data.sketches.dice import Dice

SKIES = [(0.52, 0.74, 0.93), (0.74, 0.84, 0.92), (0.66, 0.68, 0.72), (0.95, 0.72, 0.55), (0.40, 0.45, 0.62), (0.86, 0.84, 0.78)]
THINGS = [(0.30, 0.44, 0.24), (0.55, 0.53, 0.50), (0.92, 0.93, 0.94), (0.45, 0.36, 0.28), (0.80, 0.55, 0.50)]
GROUNDS = {
    "sea": [(0.20, 0.46, 0.66), (0.30, 0.58, 0.64), (0.34, 0.44, 0.54)],
    "meadow": [(0.46, 0.66, 0.28), (0.36, 0.54, 0.26), (0.66, 0.66, 0.34)],
    "road": [(0.48, 0.48, 0.50), (0.62, 0.60, 0.58), (0.36, 0.36, 0.40)],
    "sand": [(0.86, 0.76, 0.56), (0.72, 0.58, 0.42), (0.92, 0.93, 0.95)],
}


def scene(dice: Dice, size: int, home: str) -> np.ndarray:
    """Paint a background for each picture.

    Args:
        dice: the dice of n pictures.
        size: height and width in pixels.
        home: the ground that a third of the pictures get; the others get any.

    Returns:
        `(3, n, size, size)` float32, RGB, 0-1.
    """
    down = pixel_centres(size)[1]
    anywhere = dice.pick([colour for ground in GROUNDS.values() for colour in ground])
    at_home = dice.chance(1 / 3)[:, None]
    ground = _planes(at_home * dice.pick(GROUNDS[home]) + (1 - at_home) * anywhere)
    sky = _planes(dice.colour(SKIES))
    horizon = _column(dice.pick([0, 0, 0, 2])) + _column(dice.between(-0.35, 0.45))  # one in four shows no ground
    hills = horizon - _column(dice.between(0, 0.35)) * texture(dice, size, 1, 5)[:, :1]
    hill_colour = _planes(dice.colour(GROUNDS["meadow"])) * 0.35 + sky * 0.5
    clouds = (texture(dice, size, 3, 2) + texture(dice, size, 7, 5) - 1) * _column(dice.between(0, 0.3))
    ripples = (texture(dice, size, 18, 6) - 0.5) * _column(dice.between(0, 0.4))
    picture = np.clip(sky + clouds - 0.1 * down, 0, 1)
    picture = picture + _below(hills, down, size) * (hill_colour - picture)
    picture = picture + _below(horizon, down, size) * (ground * (1 + ripples + 0.1 * down) - picture)
    for _ in range(3):
        picture = _bush(dice, picture, horizon)
    return picture


def _bush(dice: Dice, picture: np.ndarray, horizon: np.ndarray) -> np.ndarray:
    """A soft round thing near the horizon: a bush, a boulder, a low cloud."""
    across, down = pixel_centres(picture.shape[-1])
    width, height = _column(dice.between(0.15, 0.5)), _column(dice.between(0.1, 0.35))
    across = (across - _column(dice.between(-1, 1))) / width
    down = (down - horizon - _column(dice.between(-0.3, 0.3))) / height
    cover = np.clip((1 - across * across - down * down) * 2, 0, 1) * _column(dice.between(0, 0.8))
    return picture + cover * (_planes(dice.colour(THINGS)) - picture)


def texture(dice: Dice, size: int, rows: int, columns: int) -> np.ndarray:
    """Smooth noise: random heights at the knots of a grid of `rows` by `columns` meshes, and between them a slope.

    Returns:
        `(n, size, size)` float32, 0-1.
    """
    heights = dice.field(rows + 1, columns + 1)
    places = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / size
    knot, part = _knots(places, rows)
    heights = heights[:, knot] + part[:, None] * (heights[:, knot + 1] - heights[:, knot])
    knot, part = _knots(places, columns)
    return heights[:, :, knot] + part * (heights[:, :, knot + 1] - heights[:, :, knot])


def _knots(places, meshes):
    """The knot before each place, and how far on the way to the next one it is."""
    knot = (places * meshes).astype(np.int64)
    return knot, (places * meshes - knot).astype(np.float32)


def _below(line, down, size):
    """How much of each pixel lies below a line: 0-1, smooth over one pixel."""
    return np.clip((down - line) * (size / 2) + 0.5, 0, 1)


def _planes(colour):
    """`(n, 3)` colours in the shape that spreads over `(3, n, size, size)`."""
    return colour.T[:, :, None, None]


def _column(value):
    return value[:, None, None]
