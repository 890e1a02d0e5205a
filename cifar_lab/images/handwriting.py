"""Paper: bright strokes on black, shown as if written by another hand and photographed.

    pictures = paper.written(images, np.random.default_rng(0))

Handwriting reaches a network as a photo or a scan: thick or thin, slanted, off centre, small or large, dark on light or
light on dark, on tinted or ruled paper, in shadow. This makes all that of a few clean images, as an augmentation:
batches of plain numpy, each image by its own chances.
"""

import numpy as np

_FINE = 2  # points looked at in each direction of a pixel, so that thin lines stay smooth
_NEAR = 3  # pixels: about half a stroke of the bundled digits
_HALF_HEIGHT = 10 / 16  # of a digit in its image, as MNIST has them: 20 of 32 pixels


def render_on_paper(images: np.ndarray, rng: np.random.Generator, *, nothing: float = 0.0) -> np.ndarray:
    """Write what the images show on paper, and take a picture of it.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255: bright strokes on black, in the middle.
        rng: where the chances come from.
        nothing: the share of pictures without a digit, 0 to 1: half are empty, half show pieces of strokes. They keep
            their labels, and since all labels come equally often, a network learns to be sure of nothing there.

    Returns:
        `(n, size, size, 3)` uint8, 0-255.
    """
    strokes = images.mean(axis=3, dtype=np.float32) / 255
    fate = rng.random(len(images))
    torn = (fate >= nothing / 2) & (fate < nothing)
    strokes[torn] = np.roll(strokes[torn], images.shape[1] // 2, axis=(1, 2))  # the corners meet in the middle
    strokes[fate < nothing / 2] = 0
    ink = np.maximum(_drawn(_even(strokes), rng), _ruled(len(images), images.shape[1], rng))
    picture = _lit(_coloured(ink, rng), rng)
    return np.clip(np.rint(_blurred(picture, rng) * 255), 0, 255).astype(np.uint8)


def _even(strokes: np.ndarray) -> np.ndarray:
    """Strokes of which the middle is 1 everywhere: each point divided by the strongest one near it."""
    near = np.max([_moved(strokes, steps, axis=1) for steps in range(-_NEAR, _NEAR + 1)], axis=0)
    near = np.max([_moved(near, steps, axis=2) for steps in range(-_NEAR, _NEAR + 1)], axis=0)
    return strokes / np.maximum(near, 0.25)  # what is nearly black stays black


def _moved(picture: np.ndarray, steps: int, *, axis: int) -> np.ndarray:
    """Pixels moved along an axis; those at the border come twice."""
    return np.take(picture, np.clip(np.arange(picture.shape[axis]) + steps, 0, picture.shape[axis] - 1), axis=axis)


def _drawn(strokes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The strokes by another hand, at another place: how much of each pixel is ink, `(n, size, size)`, 0-1."""
    count, size = strokes.shape[:2]
    across, down = _where(count, size, rng)
    # Where a stroke ends: near its middle for a thin pen, far out for a thick one.
    level = rng.uniform(0.3, 0.85, (count, 1, 1))
    edge = rng.uniform(0.05, 0.3, (count, 1, 1))
    covered = np.clip((_sampled(strokes, across, down) - level) / edge + 0.5, 0, 1)
    return covered.reshape(count, size, _FINE, size, _FINE).mean(axis=(2, 4))


def _where(count: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For each fine point of the new pictures its place in the old: two `(n, fine, fine)`, -1 to 1 inside."""

    def draw(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)

    steps = (np.arange(size * _FINE, dtype=np.float32) + 0.5) / (size * _FINE) * 2 - 1
    height = draw(0.33, 1.0)  # of the digit, as a part of the picture's
    width = height * np.exp(draw(-0.35, 0.35))
    x = (steps[None, None, :] - draw(-1, 1) * np.maximum(1 - 0.8 * width, 0.05)) / width
    y = (steps[None, :, None] - draw(-1, 1) * np.maximum(1 - height, 0.05)) / height
    turn, slant = np.deg2rad(draw(-18, 18)), draw(-0.35, 0.5)  # most hands lean to the right
    x, y = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    x = x + slant * y
    # A hand is not a stencil: two waves bend the strokes.
    x, y = (
        x + draw(0, 0.1) * np.sin(draw(1, 3.5) * y + draw(0, 6.3)),
        y + draw(0, 0.1) * np.sin(draw(1, 3.5) * x + draw(0, 6.3)),
    )
    return x * _HALF_HEIGHT, y * _HALF_HEIGHT


def _sampled(strokes: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """The strokes at places, -1 to 1 inside, between four pixels each (bilinear); black outside."""
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


def _ruled(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Faint lines, or squares, on some sheets: `(n, size, size)`, 0-1."""
    steps = np.arange(size) + 0.5
    gap, shift = rng.uniform(4, size / 2, (2, count, 1))
    line = (np.mod(steps + shift, gap) < rng.uniform(0.5, 1.2, (count, 1))).astype(np.float32)
    kind = rng.random((count, 1, 1))
    strength = rng.uniform(0.05, 0.4, (count, 1, 1)) * (kind < 0.2)
    return strength * np.maximum(line[:, :, None], line[:, None, :] * (kind < 0.08))


def _coloured(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ink of one colour on paper of another: `(n, size, size, 3)`, 0-1. A third are light on dark."""
    count = len(ink)
    contrast = rng.uniform(0.2, 0.95, (count, 1))
    dark = rng.uniform(0, 1, (count, 1)) ** 2 * (1 - contrast)  # rather near black
    light, tint = dark + contrast, rng.uniform(0.02, 0.3, (count, 1))
    ink_colour = np.where(is_light := rng.random((count, 1)) < 0.35, light, dark)
    paper_colour = np.where(is_light, dark, light)
    ink_colour = ink_colour + rng.uniform(0, 1, (count, 3)) * tint * contrast
    paper_colour = paper_colour * (1 - rng.uniform(0, 1, (count, 3)) * tint)
    part = ink[..., None]
    return part * ink_colour[:, None, None] + (1 - part) * paper_colour[:, None, None]


def _lit(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light from one side, on some a shadow, on some the end of the sheet."""
    count, size = picture.shape[:2]
    steps = (np.arange(size) + 0.5) / size * 2 - 1

    def beyond(nearest: float, softness: float) -> np.ndarray:
        """How far a point lies beyond a line across the picture, `(n, size, size)`, 0-1."""
        angle = rng.uniform(0, 2 * np.pi, (count, 1, 1))
        along = steps[None, None, :] * np.cos(angle) + steps[None, :, None] * np.sin(angle)
        return np.clip((along - rng.uniform(nearest, 1, (count, 1, 1))) / softness, 0, 1)

    slope = 1 - rng.uniform(0, 0.4, (count, 1, 1)) * (beyond(-1, 2) * (rng.random((count, 1, 1)) < 0.6))
    shadow = 1 - rng.uniform(0.1, 0.5, (count, 1, 1)) * (beyond(-0.8, 0.3) * (rng.random((count, 1, 1)) < 0.3))
    desk = (beyond(0.8, 0.08) * (rng.random((count, 1, 1)) < 0.15))[..., None]
    picture = picture * (slope * shadow)[..., None]
    return picture * (1 - desk) + desk * rng.uniform(0, 1, (count, 1, 1, 3))


def _blurred(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus by up to a pixel, and with the grain of a camera."""
    part = rng.uniform(0, 0.25, (len(picture), 1, 1, 1))
    for axis in (1, 2):
        beside = _moved(picture, -1, axis=axis) + _moved(picture, 1, axis=axis)
        picture = (1 - 2 * part) * picture + part * beside
    grain = rng.uniform(0, 0.05, (len(picture), 1, 1, 1))
    return picture + grain * rng.standard_normal(picture.shape, np.float32)
