"""Deer and horses: the same furs and similar bodies; antlers, mane, tail and neck distinguish them."""

from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.palettes import ANTLERS, BLACK, FURS, WHITE
from cifar_lab.data.sketches.pets import four_legs
from cifar_lab.data.sketches.rng import Rng


def deer_standing(canvas: Canvas, rng: Rng):
    """A stag in profile, its head up."""
    fur = rng.colour(FURS)
    x, y = rng.between(0.42, 0.66), rng.between(-0.42, -0.22)
    _deer_body(canvas, rng, fur)
    canvas.limb(0.28, 0.12, x - 0.06, y, 0.24, 0.15, fur)
    _antlers(canvas, rng, x - 0.04, y - 0.06)
    canvas.limb(x - 0.10, y - 0.02, x - 0.28, y - 0.08, 0.08, 0.05, fur * 0.8)
    canvas.limb(x, y, x + 0.24, y + 0.08, 0.20, 0.12, fur)
    canvas.ellipse(x + 0.30, y + 0.09, 0.07, 0.07, BLACK)
    canvas.ellipse(x + 0.05, y - 0.02, 0.07, 0.07, BLACK)


def deer_grazing(canvas: Canvas, rng: Rng):
    """A stag in profile, its head near the ground."""
    fur, y = rng.colour(FURS), rng.between(0.25, 0.45)
    _deer_body(canvas, rng, fur)
    canvas.limb(0.28, 0.12, 0.62, y, 0.22, 0.15, fur)
    _antlers(canvas, rng, 0.66, y - 0.08)
    canvas.limb(0.58, y - 0.04, 0.44, y - 0.14, 0.08, 0.05, fur * 0.8)
    canvas.limb(0.66, y, 0.84, y + 0.20, 0.19, 0.11, fur)
    canvas.ellipse(0.88, y + 0.25, 0.08, 0.08, BLACK)
    canvas.ellipse(0.70, y + 0.02, 0.07, 0.07, BLACK)


def _deer_body(canvas: Canvas, rng: Rng, fur):
    """Thin legs, a slim body, a short white tail, and on every other deer white spots."""
    spotted = rng.chance(0.5)
    four_legs(canvas, rng, (-0.46, -0.36, 0.24, 0.34), 0.25, 0.92, 0.09, fur)
    canvas.ellipse(-0.58, 0.06, 0.16, 0.24, WHITE)
    canvas.ellipse(-0.08, 0.16, 0.98, 0.38, fur)
    for x, y in ((-0.38, 0.08), (-0.22, 0.16), (-0.06, 0.08), (0.10, 0.16)):
        canvas.ellipse(x, y, 0.09, 0.09, WHITE, opacity=spotted)


def _antlers(canvas: Canvas, rng: Rng, x, y):
    """Two antlers of three points each that grow from (x, y): the far one, then the near one."""
    bone, reach = rng.colour(ANTLERS), rng.between(0.95, 1.15)
    for shade, root in ((0.75, x + 0.16), (1.0, x - 0.06)):
        canvas.limb(root, y, root - 0.20 * reach, y - 0.50 * reach, 0.10, 0.07, bone * shade)
        for low, high in ((0.06, 0.14), (0.14, 0.34)):  # where a point branches off
            tip_x, tip_y = root + (0.22 - low) * reach, y - (high + 0.23) * reach
            canvas.limb(root - low * reach, y - high * reach, tip_x, tip_y, 0.08, 0.06, bone * shade)


def horse_standing(canvas: Canvas, rng: Rng):
    """A horse in profile, its head up."""
    fur, mane = rng.colour(FURS), rng.colour(FURS) * 0.7
    x, y = rng.between(0.46, 0.64), rng.between(-0.58, -0.40)
    _horse_body(canvas, rng, fur, mane, stride=0.12)
    canvas.limb(0.30, 0.06, x - 0.04, y + 0.04, 0.42, 0.22, fur)
    canvas.limb(0.06, -0.12, x - 0.18, y - 0.02, 0.14, 0.16, mane)
    _horse_head(canvas, x, y, x + 0.30, y + 0.24, fur, mane)


def horse_galloping(canvas: Canvas, rng: Rng):
    """A horse in profile at full stretch: neck forward, legs flying."""
    fur, mane = rng.colour(FURS), rng.colour(FURS) * 0.7
    x, y = rng.between(0.54, 0.66), rng.between(-0.34, -0.20)
    _horse_body(canvas, rng, fur, mane, stride=0.42)
    canvas.limb(0.28, 0.06, x - 0.04, y + 0.04, 0.40, 0.22, fur)
    canvas.limb(0.02, -0.18, x - 0.14, y - 0.10, 0.16, 0.16, mane)
    _horse_head(canvas, x, y, x + 0.32, y + 0.14, fur, mane)


def _horse_body(canvas: Canvas, rng: Rng, fur, mane, stride):
    """Strong legs, a round body, a long tail of hair."""
    four_legs(canvas, rng, (-0.44, -0.30, 0.24, 0.36), 0.2, 0.88, 0.14, fur, stride)
    canvas.limb(-0.54, -0.02, -0.76, 0.12, 0.14, 0.20, mane)
    canvas.limb(-0.76, 0.12, rng.between(-0.98, -0.72), 0.60, 0.20, 0.10, mane)
    canvas.ellipse(-0.06, 0.10, 1.10, 0.50, fur)


def _horse_head(canvas: Canvas, x, y, nose_x, nose_y, fur, mane):
    """A long head from the poll at (x, y) down to the nose, an ear, a forelock."""
    canvas.limb(x - 0.02, y, nose_x, nose_y, 0.26, 0.17, fur)
    canvas.polygon([(x - 0.08, y - 0.30), (x - 0.16, y - 0.04), (x + 0.06, y - 0.10)], fur)
    canvas.limb(x - 0.06, y - 0.12, x + 0.06, y - 0.06, 0.12, 0.08, mane)
    canvas.ellipse(x + 0.08, y + 0.02, 0.07, 0.07, BLACK)
