"""From a figure and a scene to a picture: rounding, a rim, the light of the hour, the grain of a camera."""

import numpy as np

from cifar_lab.data.sketches.canvas import Canvas, pixel_centres
from cifar_lab.data.sketches.dice import Dice


def compose(dice: Dice, canvas: Canvas, picture: np.ndarray) -> np.ndarray:
    """Put the figures before their scenes.

    Args:
        dice: the dice of n pictures.
        canvas: the figures.
        picture: the scenes, `(3, n, size, size)` float32, 0-1.

    Returns:
        `(3, n, size, size)` float32, about 0-1.
    """
    unit = picture.shape[-1] / 32  # pixels of the drawing to a pixel of a 32 x 32 image
    rim = np.clip(1.5 - canvas.distance / unit, 0, 1) * dice.between(0.1, 0.7)[:, None, None]
    picture = picture + rim * (dice.pick([0.12, 0.95])[:, None, None] - picture)
    round_edge = 0.22 * np.clip(1 + canvas.distance / (2.5 * unit), 0, 1)
    ink = canvas.ink[:3] * (1 - round_edge - 0.14 * canvas.y)
    return picture * (1 - canvas.ink[3]) + ink


def photograph(dice: Dice, picture: np.ndarray) -> np.ndarray:
    """Light a picture from one side, tint it, expose it and add the grain of a small camera.

    Args:
        dice: the dice of n pictures.
        picture: `(3, n, size, size)` float32, about 0-1.

    Returns:
        `(n, size, size, 3)` uint8, RGB.
    """
    size = picture.shape[-1]
    across, down = pixel_centres(size)
    slope_x, slope_y = dice.between(-0.18, 0.18), dice.between(-0.15, 0.15)
    exposure = dice.between(0.72, 1.15)[:, None, None]
    lamp = exposure * (1 + slope_x[:, None, None] * across + slope_y[:, None, None] * down)
    grain = dice.between(0.01, 0.07)[:, None, None]
    haze = dice.between(0, 0.22)[:, None, None]
    channels = []
    for channel in picture:
        tinted = channel * dice.between(0.9, 1.08)[:, None, None] * lamp
        noise = dice.field(size, size) + dice.field(size, size) - 1
        channels.append(tinted + haze * (0.7 - tinted) + grain * noise)
    return (np.clip(np.stack(channels, axis=-1), 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)
