"""Paint backgrounds: sky with clouds, hills, ground and soft round things. Every class occurs on every ground."""

import numpy as np

from cifar_lab.data.sketches.canvas import blend, column, pixel_centres
from cifar_lab.data.sketches.palettes import GROUNDS, SKIES, THINGS
from cifar_lab.data.sketches.rng import Rng


def paint_scene(rng: Rng, size: int, home: str) -> np.ndarray:
    """Paint a background for each picture.

    Args:
        rng: the random number generator of the n pictures.
        size: height and width in pixels.
        home: the ground of a third of the pictures, a key of `GROUNDS`; the others get a random one.

    Returns:
        `(3, n, size, size)` float32, RGB, about 0-1.
    """
    down = pixel_centres(size)[1]
    sky, hill = rng.colour(SKIES), rng.colour(GROUNDS["meadow"])
    at_home = rng.chance(1 / 3)[:, None]
    anywhere = rng.colour([colour for colours in GROUNDS.values() for colour in colours])
    ground = at_home * rng.colour(GROUNDS[home]) + (1 - at_home) * anywhere
    horizon = column(rng.pick([0, 0, 0, 2]) + rng.between(-0.35, 0.45))  # one in four pictures shows no ground
    skyline = horizon - column(rng.between(0, 0.35)) * smooth_noise(rng, size, 1, 5)[:, :1]

    clouds = (smooth_noise(rng, size, 3, 2) + smooth_noise(rng, size, 7, 5) - 1) * column(rng.between(0, 0.3))
    picture = np.stack([column(sky[:, channel]) + clouds - 0.1 * down for channel in range(3)])
    blend(picture, _below(skyline, down, size), 0.35 * hill + 0.5 * sky)
    on_ground = _below(horizon, down, size)
    blend(picture, on_ground, ground)
    picture *= 1 + on_ground * (0.1 * down + (smooth_noise(rng, size, 18, 6) - 0.5) * column(rng.between(0, 0.4)))
    for _ in range(3):
        _add_thing(rng, picture, horizon)
    return picture


def smooth_noise(rng: Rng, size: int, rows: int, columns: int) -> np.ndarray:
    """Make smooth noise: random values on a grid of `rows` by `columns` cells, interpolated bilinearly.

    Returns:
        `(n, size, size)` float32, 0-1.
    """
    values = rng.field(rows + 1, columns + 1)
    return _interpolate(_interpolate(values, rows, size, axis=1), columns, size, axis=2)


def _interpolate(values: np.ndarray, cells: int, size: int, axis: int) -> np.ndarray:
    """Interpolate `cells` + 1 values along one axis linearly to `size` pixels."""
    positions = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(cells) / np.float32(size)
    cell = positions.astype(np.int64)
    part = (positions - cell.astype(np.float32)).reshape((-1, 1) if axis == 1 else (1, -1))
    before, after = values.take(cell, axis), values.take(cell + 1, axis)
    return before + part * (after - before)


def _add_thing(rng: Rng, picture: np.ndarray, horizon: np.ndarray):
    """Add something soft and round near the horizon: a bush, a boulder, a low cloud."""
    across, down = pixel_centres(picture.shape[-1])
    across = (across - column(rng.between(-1, 1))) / column(rng.between(0.15, 0.5))
    down = (down - horizon - column(rng.between(-0.3, 0.3))) / column(rng.between(0.1, 0.35))
    cover = np.clip(2 - 2 * (across * across + down * down), 0, 1) * column(rng.between(0, 0.8))
    blend(picture, cover, rng.colour(THINGS))


def _below(line: np.ndarray, down: np.ndarray, size: int) -> np.ndarray:
    """Return the share of each pixel that lies below a line, 0-1."""
    return np.clip((down - line) * (size / 2) + 0.5, 0, 1)
