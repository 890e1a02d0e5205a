"""Finish a drawing: shading and a rim for the figure, then light and the noise of a small camera."""

import numpy as np

from cifar_lab.data.sketches.canvas import Canvas, column, pixel_centres
from cifar_lab.data.sketches.rng import Rng


def finish_figure(rng: Rng, canvas: Canvas):
    """Darken a figure towards its edge and its feet, and draw a dark or light rim around it, in place.

    Args:
        rng: the random number generator of the n pictures.
        canvas: the drawn figures.
    """
    size = canvas.picture.shape[-1]
    distance = canvas.distance * canvas.scale / (size / 32)  # in pixels of a 32 x 32 image
    inside = np.clip(0.5 - distance, 0, 1)
    canvas.picture *= 1 - inside * (0.22 * np.clip(1 + distance / 2.5, 0, 1) + 0.14 * canvas.y)
    rim = (np.clip(1.5 - distance, 0, 1) - inside) * column(rng.between(0.1, 0.7))
    canvas.picture += rim * (column(rng.pick([0.12, 0.95])) - canvas.picture)


def photograph(rng: Rng, picture: np.ndarray) -> np.ndarray:
    """Light pictures from one side, tint and expose them, and add haze and noise.

    Args:
        rng: the random number generator of the n pictures.
        picture: `(3, n, size, size)` float32, RGB, about 0-1.

    Returns:
        `(n, size, size, 3)` uint8, RGB, 0-255.
    """
    size = picture.shape[-1]
    across, down = pixel_centres(size)
    slant = column(rng.between(-0.18, 0.18)) * across + column(rng.between(-0.15, 0.15)) * down
    haze = column(rng.between(0, 0.18))
    lamp = column(rng.between(0.72, 1.15)) * (1 + slant) * (1 - haze)
    grain = column(rng.between(0.02, 0.12))
    images = np.empty((*picture.shape[1:], 3), np.uint8)
    for channel, plane in enumerate(picture):
        tinted = plane * (lamp * column(rng.between(0.9, 1.08))) + 0.7 * haze
        noisy = tinted + grain * (rng.field(size, size) - 0.5)
        images[..., channel] = np.clip(noisy * 255 + 0.5, 0, 255).astype(np.uint8)
    return images
