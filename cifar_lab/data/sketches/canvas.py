"""Draw one figure on many pictures at once, in each with its own pose, sizes and colours.

Shapes are drawn by their signed distance: how far each pixel is from the edge, negative inside. Pixels near the edge
are partly covered, so that edges are smooth at any size (distances: Inigo Quilez, "2D distance functions").

Only + - * / and square roots are used. IEEE 754 fixes their results, so every machine draws the same bytes.
"""

import numpy as np

from cifar_lab.data.sketches.rng import Rng

_FAR = 100.0  # larger than any distance in a picture


class Canvas:
    """n pictures on which one figure is drawn. The figure faces right and has its own coordinates.

    x runs from -1 (left) to 1 (right), y from -1 (top) to 1 (bottom). Every number of a shape may be `(n,)` numbers,
    one per picture; a colour is three numbers or `(n, 3)`.

    Args:
        rng: the random number generator of the n pictures.
        picture: `(3, n, size, size)` float32, RGB, 0-1: the background, changed in place.

    Attributes:
        x, y: `(n, size, size)` float32: the position of each pixel in the figure's coordinates.
        distance: `(n, size, size)` float32: the distance of each pixel to the edge of the figure, negative inside.
        scale: `(n, 1, 1)` float32: pixels per unit of the figure's coordinates.
    """

    def __init__(self, rng: Rng, picture: np.ndarray):
        size = picture.shape[-1]
        self.picture = picture
        scale, tilt = rng.between(0.68, 1.0), rng.between(-0.16, 0.16)
        room = 1.08 - scale  # a smaller figure may be farther off centre
        across, down = pixel_centres(size)
        across = across - column(rng.between(-0.8, 0.8) * room)
        down = down - column(rng.between(-0.7, 0.7) * room)
        cosine = 1 / np.sqrt(1 + tilt * tilt) / scale
        cosine, sine = column(cosine), column(cosine * tilt)
        self.x = (across * cosine + down * sine) * column(1 - 2 * rng.chance(0.5))  # half of the figures face left
        self.y = down * cosine - across * sine
        self.scale = column(scale * (size / 2))
        self._sharpness = self.scale / (column(rng.between(0.6, 1.1)) * (size / 32))
        self.distance = np.full(self.x.shape, _FAR, np.float32)

    def ellipse(self, x, y, width, height, colour, *, slope=0.0, opacity=1.0):
        """Draw an ellipse around (x, y); a positive slope lowers its right side."""
        half_width, half_height = column(np.divide(width, 2)), column(np.divide(height, 2))
        cosine = column(1 / np.sqrt(1 + np.square(slope)))
        sine = column(slope) * cosine
        across, down = self.x - column(x), self.y - column(y)
        u = (across * cosine + down * sine) / half_width
        v = (down * cosine - across * sine) / half_height
        reach = np.sqrt(u * u + v * v)  # 1 on the edge
        u, v = u / half_width, v / half_height
        steepness = np.sqrt(u * u + v * v) + 1e-6  # how fast the reach grows outwards, times the reach
        self._draw(reach * (reach - 1) / steepness, colour, opacity)

    def polygon(self, corners, colour, *, opacity=1.0):
        """Draw a convex polygon; `corners` are (x, y) pairs, in either direction."""
        (x, y), (second_x, second_y), (third_x, third_y) = corners[:3]
        clockwise = (second_x - x) * (third_y - y) > (second_y - y) * (third_x - x)
        outwards = np.where(clockwise, 1, -1)
        distance = -_FAR
        for (x, y), (next_x, next_y) in zip(corners, [*corners[1:], corners[0]], strict=True):
            along, down = (next_x - x) * outwards, (next_y - y) * outwards
            length = np.sqrt(along * along + down * down)
            edge = column(down / length) * (self.x - column(x)) - column(along / length) * (self.y - column(y))
            distance = np.maximum(distance, edge)
        self._draw(distance, colour, opacity)

    def limb(self, x, y, end_x, end_y, thickness, end_thickness, colour, *, opacity=1.0):
        """Draw a limb from (x, y) to (end_x, end_y), with round ends and a linearly changing thickness."""
        along, down = column(np.subtract(end_x, x)), column(np.subtract(end_y, y))
        from_x, from_y = self.x - column(x), self.y - column(y)
        part = np.clip((from_x * along + from_y * down) / (along * along + down * down), 0, 1)  # 0 here, 1 at the end
        from_x, from_y = from_x - part * along, from_y - part * down
        radius = (column(thickness) + part * column(np.subtract(end_thickness, thickness))) / 2
        self._draw(np.sqrt(from_x * from_x + from_y * from_y) - radius, colour, opacity)

    def box(self, left, top, right, bottom, colour, *, opacity=1.0):
        """Draw a box with horizontal and vertical edges."""
        from_x = abs(self.x - column(np.add(left, right) / 2)) - column(np.subtract(right, left) / 2)
        from_y = abs(self.y - column(np.add(top, bottom) / 2)) - column(np.subtract(bottom, top) / 2)
        self._draw(np.maximum(from_x, from_y), colour, opacity)

    def _draw(self, distance, colour, opacity):
        opacity = column(opacity)
        drawn = distance if opacity.min() > 0 else np.where(opacity > 0, distance, _FAR)
        np.minimum(self.distance, drawn, out=self.distance)
        cover = distance * self._sharpness
        np.clip(np.subtract(0.5, cover, out=cover), 0, 1, out=cover)
        cover *= opacity
        blend(self.picture, cover, np.reshape(colour, (-1, 3)))


def blend(picture: np.ndarray, cover: np.ndarray, colour: np.ndarray):
    """Blend a colour into pictures, in place.

    Args:
        picture: `(3, n, size, size)` float32, RGB.
        cover: `(n, size, size)` float32, 0-1: the covered share of each pixel.
        colour: `(n, 3)` or `(1, 3)` float, RGB.
    """
    for channel, plane in enumerate(picture):
        step = column(colour[:, channel]) - plane
        step *= cover  # in place: allocating each product costs a sixth of the time
        plane += step


def pixel_centres(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixel centres, x `(1, 1, size)` and y `(1, size, 1)` float32, from -1 (left, top) to 1."""
    centres = (np.arange(size, dtype=np.float32) * 2 + 1) / np.float32(size) - 1
    return centres[None, None, :], centres[None, :, None]


def column(value) -> np.ndarray:
    """Reshape a number or `(n,)` numbers to `(1, 1, 1)` or `(n, 1, 1)` float32, to broadcast over the pixels."""
    return np.asarray(value, np.float32).reshape(-1, 1, 1)
