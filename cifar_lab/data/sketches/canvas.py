"""A canvas that draws the same shape on many pictures at once, each with its own pose and colours.

A shape is its signed distance: at each pixel, how far the edge is, negative inside. A pixel on the edge is covered in
part, which gives smooth edges without drawing at a larger size first (distances: Inigo Quilez, "2D distance functions").

Nothing here but + - * / and square roots: IEEE 754 fixes their results, so every machine draws the same bytes.
"""

import numpy as np

from cifar_lab.data.sketches.dice import Dice


class Canvas:
    """n empty sheets on which a figure is drawn in its own coordinates: it faces right, x and y run from -1 to 1.

    Where a shape takes a number it also takes `(n,)` numbers, one a picture. y grows downwards, as in an array.

    Attributes:
        ink: `(4, n, size, size)` float32: red, green and blue times opacity, and opacity, 0-1.
        distance: `(n, size, size)` float32: to the edge of the whole figure, in pixels, negative inside.
        x, y: `(n, size, size)` float32: where each pixel lies in the coordinates of the figure.
    """

    def __init__(self, dice: Dice, size: int):
        scale, tilt = dice.between(0.68, 1.0), dice.between(-0.2, 0.2)
        room = 1.08 - scale  # a small figure may stand farther from the middle
        across, down = pixel_centres(size)
        across = across - _column(dice.between(-0.8, 0.8) * room)
        down = down - _column(dice.between(-0.8, 0.8) * room)
        cosine = _column(1 / np.sqrt(1 + tilt * tilt) / scale)
        sine = _column(tilt) * cosine
        self.x = (across * cosine + down * sine) * _column(1 - 2 * dice.chance(0.5))  # half of them face left
        self.y = down * cosine - across * sine
        self._pixels = _column(scale * (size / 2))  # pixels to a unit of the figure
        self._softness = _column(1 / dice.between(0.6, 1.1) * (32 / size))
        self.distance = np.full(self.x.shape, 1e6, np.float32)
        self.ink = np.zeros((4, *self.x.shape), np.float32)

    def ellipse(self, x, y, width, height, colour, lean=0.0, opacity=1.0):
        """Fill an ellipse around (x, y); `lean` is the slope of its long axis (positive: down to the right)."""
        cosine = 1 / np.sqrt(1 + np.square(np.asarray(lean, np.float32)))
        across, down = self.x - _column(x), self.y - _column(y)
        if np.any(lean):
            turn = _column(lean * cosine), _column(cosine)
            across, down = across * turn[1] + down * turn[0], down * turn[1] - across * turn[0]
        u, v = across / _column(np.asarray(width) / 2), down / _column(np.asarray(height) / 2)
        away = np.sqrt(u * u + v * v)
        u, v = u / _column(np.asarray(width) / 2), v / _column(np.asarray(height) / 2)
        self._paint(away * (away - 1) / np.sqrt(u * u + v * v + 1e-6), colour, opacity)

    def polygon(self, corners, colour, opacity=1.0):
        """Fill a convex polygon; `corners` are (x, y) pairs, either way round."""
        (x, y), (second_x, second_y), (third_x, third_y) = corners[:3]
        clockwise = (second_x - x) * (third_y - y) > (second_y - y) * (third_x - x)
        outwards = np.where(clockwise, 1, -1)
        distance = None
        for (x, y), (next_x, next_y) in zip(corners, [*corners[1:], corners[0]], strict=True):
            along, down = np.subtract(next_x, x) * outwards, np.subtract(next_y, y) * outwards
            length = np.sqrt(along * along + down * down)
            edge = _column(down / length) * (self.x - _column(x)) - _column(along / length) * (self.y - _column(y))
            distance = edge if distance is None else np.maximum(distance, edge)
        self._paint(distance, colour, opacity)

    def limb(self, x, y, end_x, end_y, thick, end_thick, colour, opacity=1.0):
        """Fill a limb from (x, y) to (end_x, end_y) with round ends, `thick` at the one, `end_thick` at the other."""
        along, down = _column(np.subtract(end_x, x)), _column(np.subtract(end_y, y))
        across, below = self.x - _column(x), self.y - _column(y)
        part = np.clip((across * along + below * down) / (along * along + down * down), 0, 1)
        across, below = across - part * along, below - part * down
        thickness = _column(thick) + part * _column(np.subtract(end_thick, thick))
        self._paint(np.sqrt(across * across + below * below) - thickness / 2, colour, opacity)

    def box(self, left, top, right, bottom, colour, opacity=1.0):
        """Fill an upright box."""
        middle_x, middle_y = np.add(left, right) / 2, np.add(top, bottom) / 2
        across = abs(self.x - _column(middle_x)) - _column(np.subtract(right, left) / 2)
        down = abs(self.y - _column(middle_y)) - _column(np.subtract(bottom, top) / 2)
        self._paint(np.maximum(across, down), colour, opacity)

    def _paint(self, distance, colour, opacity):
        distance = distance * self._pixels
        if np.ndim(opacity) or opacity == 1:
            self.distance = np.minimum(self.distance, distance + 1e3 * (1 - _column(opacity)))
        cover = np.clip(0.5 - distance * self._softness, 0, 1) * _column(opacity)
        colour = np.asarray(colour, np.float32).reshape(-1, 3)
        for channel in range(3):
            self.ink[channel] += cover * (_column(colour[:, channel]) - self.ink[channel])
        self.ink[3] += cover * (1 - self.ink[3])


def pixel_centres(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels lie: x `(1, 1, size)` and y `(1, size, 1)`, float32, from -1 (left, top) to 1."""
    centres = (np.arange(size, dtype=np.float32) * 2 + 1) / size - 1
    return centres[None, None, :], centres[None, :, None]


def _column(value) -> np.ndarray:
    """A number, or one a picture, in the shape that spreads over the pixels: `(1, 1, 1)` or `(n, 1, 1)` float32."""
    return np.asarray(value, np.float32).reshape(-1, 1, 1)
