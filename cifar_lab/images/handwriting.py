"""Render images of digits as photographs of handwriting on paper.

    pictures = render_on_paper(images, np.random.default_rng(0))

In photographs and scans, handwriting is thick or thin, slanted, off centre, small or large, dark on light or light on
dark, on tinted or ruled paper, in shadow. This augmentation varies all of that, in batches of plain NumPy, with random
parameters per image.
"""

import numpy as np

_FINE = 2  # samples per pixel and direction, so that thin lines stay smooth
_NEAR = 3  # pixels: about half a stroke of the bundled digits
_HALF_HEIGHT = 10 / 16  # of a digit in its image, as MNIST has them: 20 of 32 pixels


def render_on_paper(images: np.ndarray, rng: np.random.Generator, *, nothing: float = 0.0) -> np.ndarray:
    """Render digits as handwriting on paper.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255: centred bright strokes on black.
        rng: the random number generator.
        nothing: the share of pictures without a digit, 0 to 1: half are empty, half show pieces of strokes. They keep
            their labels; as all labels are equally frequent, a network learns low confidence for such pictures.

    Returns:
        `(n, size, size, 3)` uint8, 0-255.
    """
    strokes = images.mean(axis=3, dtype=np.float32) / 255
    draws = rng.random(len(images))
    torn = (draws >= nothing / 2) & (draws < nothing)
    strokes[torn] = np.roll(strokes[torn], images.shape[1] // 2, axis=(1, 2))  # the corners meet in the middle
    strokes[draws < nothing / 2] = 0
    ink = np.maximum(_draw(_normalise(strokes), rng), _ruled_lines(len(images), images.shape[1], rng))
    picture = _light(_colour(ink, rng), rng)
    return np.clip(np.rint(_blur(picture, rng) * 255), 0, 255).astype(np.uint8)


def _normalise(strokes: np.ndarray) -> np.ndarray:
    """Divide each pixel by the brightest one near it, so that the middle of every stroke is 1."""
    near = np.max([_shift(strokes, steps, axis=1) for steps in range(-_NEAR, _NEAR + 1)], axis=0)
    near = np.max([_shift(near, steps, axis=2) for steps in range(-_NEAR, _NEAR + 1)], axis=0)
    return strokes / np.maximum(near, 0.25)  # nearly black pixels stay black


def _shift(picture: np.ndarray, steps: int, *, axis: int) -> np.ndarray:
    """Shift pixels along an axis, repeating those at the border."""
    return np.take(picture, np.clip(np.arange(picture.shape[axis]) + steps, 0, picture.shape[axis] - 1), axis=axis)


def _draw(strokes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Redraw the strokes distorted and elsewhere; return the share of ink in each pixel, `(n, size, size)`, 0-1."""
    count, size = strokes.shape[:2]
    across, down = _source_coordinates(count, size, rng)
    # The threshold at which a stroke ends: high for a thin pen, low for a thick one.
    threshold = rng.uniform(0.3, 0.85, (count, 1, 1))
    edge = rng.uniform(0.05, 0.3, (count, 1, 1))
    covered = np.clip((_sample(strokes, across, down) - threshold) / edge + 0.5, 0, 1)
    return covered.reshape(count, size, _FINE, size, _FINE).mean(axis=(2, 4))


def _source_coordinates(count: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y in the old images for each sample of the new, two `(n, fine, fine)`, -1 to 1 inside."""

    def draw(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)

    steps = (np.arange(size * _FINE, dtype=np.float32) + 0.5) / (size * _FINE) * 2 - 1
    height = draw(0.33, 1.0)  # of the digit, as a share of the picture's
    width = height * np.exp(draw(-0.35, 0.35))
    x = (steps[None, None, :] - draw(-1, 1) * np.maximum(1 - 0.8 * width, 0.05)) / width
    y = (steps[None, :, None] - draw(-1, 1) * np.maximum(1 - height, 0.05)) / height
    turn, slant = np.deg2rad(draw(-18, 18)), draw(-0.35, 0.5)  # most handwriting leans to the right
    x, y = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    x = x + slant * y
    # Two sine waves bend the strokes.
    x, y = (
        x + draw(0, 0.1) * np.sin(draw(1, 3.5) * y + draw(0, 6.3)),
        y + draw(0, 0.1) * np.sin(draw(1, 3.5) * x + draw(0, 6.3)),
    )
    return x * _HALF_HEIGHT, y * _HALF_HEIGHT


def _sample(strokes: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Sample the strokes at coordinates, -1 to 1 inside, by bilinear interpolation; black outside."""
    count, size = strokes.shape[:2]
    padded = np.pad(strokes, ((0, 0), (1, 2), (1, 2)))  # black before the first pixel, and twice after the last
    column, row = (np.clip((place + 1) * size / 2 + 0.5, 0, size + 1) for place in (across, down))
    left, top = column.astype(np.int32), row.astype(np.int32)
    right_part, lower_part = column - left, row - top
    side = size + 3
    flat = padded.reshape(-1)
    first = top * side + left + (np.arange(count, dtype=np.int32) * side**2)[:, None, None]
    upper = flat[first] * (1 - right_part) + flat[first + 1] * right_part
    lower = flat[first + side] * (1 - right_part) + flat[first + side + 1] * right_part
    return upper * (1 - lower_part) + lower * lower_part


def _ruled_lines(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return faint lines or squares for some of the sheets, `(n, size, size)`, 0-1."""
    steps = np.arange(size) + 0.5
    gap, shift = rng.uniform(4, size / 2, (2, count, 1))
    line = (np.mod(steps + shift, gap) < rng.uniform(0.5, 1.2, (count, 1))).astype(np.float32)
    kind = rng.random((count, 1, 1))
    strength = rng.uniform(0.05, 0.4, (count, 1, 1)) * (kind < 0.2)
    return strength * np.maximum(line[:, :, None], line[:, None, :] * (kind < 0.08))


def _colour(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colour ink and paper, a third of them light on dark; return `(n, size, size, 3)`, 0-1."""
    count = len(ink)
    contrast = rng.uniform(0.2, 0.95, (count, 1))
    dark = rng.uniform(0, 1, (count, 1)) ** 2 * (1 - contrast)  # preferably near black
    light, tint = dark + contrast, rng.uniform(0.02, 0.3, (count, 1))
    ink_colour = np.where(is_light := rng.random((count, 1)) < 0.35, light, dark)
    paper_colour = np.where(is_light, dark, light)
    ink_colour = ink_colour + rng.uniform(0, 1, (count, 3)) * tint * contrast
    paper_colour = paper_colour * (1 - rng.uniform(0, 1, (count, 3)) * tint)
    part = ink[..., None]
    return part * ink_colour[:, None, None] + (1 - part) * paper_colour[:, None, None]


def _light(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light the pictures from one side, and add a shadow or the edge of the sheet to some."""
    count, size = picture.shape[:2]
    steps = (np.arange(size) + 0.5) / size * 2 - 1

    def beyond(nearest: float, softness: float) -> np.ndarray:
        """Return how far each pixel is beyond a random line, `(n, size, size)`, 0-1."""
        angle = rng.uniform(0, 2 * np.pi, (count, 1, 1))
        along = steps[None, None, :] * np.cos(angle) + steps[None, :, None] * np.sin(angle)
        return np.clip((along - rng.uniform(nearest, 1, (count, 1, 1))) / softness, 0, 1)

    slope = 1 - rng.uniform(0, 0.4, (count, 1, 1)) * (beyond(-1, 2) * (rng.random((count, 1, 1)) < 0.6))
    shadow = 1 - rng.uniform(0.1, 0.5, (count, 1, 1)) * (beyond(-0.8, 0.3) * (rng.random((count, 1, 1)) < 0.3))
    desk = (beyond(0.8, 0.08) * (rng.random((count, 1, 1)) < 0.15))[..., None]
    picture = picture * (slope * shadow)[..., None]
    return picture * (1 - desk) + desk * rng.uniform(0, 1, (count, 1, 1, 3))


def _blur(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur the pictures by up to a pixel, and add the noise of a camera."""
    part = rng.uniform(0, 0.25, (len(picture), 1, 1, 1))
    for axis in (1, 2):
        neighbours = _shift(picture, -1, axis=axis) + _shift(picture, 1, axis=axis)
        picture = (1 - 2 * part) * picture + part * neighbours
    grain = rng.uniform(0, 0.05, (len(picture), 1, 1, 1))
    return picture + grain * rng.standard_normal(picture.shape, np.float32)
