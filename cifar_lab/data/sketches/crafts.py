"""Airplanes and ships. Each function draws one view, facing right, on many pictures at once."""

from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.palettes import BLACK, GLASS, PAINTS, SMOKE, WHITE, WOOD
from cifar_lab.data.sketches.rng import Rng


def airplane_beside(canvas: Canvas, rng: Rng):
    """An airliner from the side or obliquely from above: the longer both wings, the higher the viewpoint."""
    paint, stripe, glass = rng.colour(PAINTS), rng.colour(PAINTS), rng.colour(GLASS) * 0.6
    near, far, fin = rng.between(0.40, 0.85), rng.between(-0.80, -0.35), rng.between(-0.65, -0.30)
    canvas.polygon([(-0.10, far), (0.02, far), (0.30, -0.05), (-0.10, -0.05)], paint * 0.75)
    canvas.polygon([(-0.92, -0.30), (-0.82, -0.30), (-0.62, 0.0), (-0.85, 0.0)], paint * 0.75)
    canvas.ellipse(0, 0, 1.84, 0.32, paint)
    canvas.polygon([(-0.94, fin), (-0.78, fin), (-0.55, -0.04), (-0.84, -0.02)], stripe)
    canvas.limb(-0.55, -0.05, 0.52, -0.05, 0.07, 0.07, glass)
    canvas.ellipse(0.74, -0.05, 0.18, 0.12, glass)
    canvas.limb(-0.10, near * 0.55, 0.12, near * 0.55, 0.13, 0.13, stripe)
    canvas.polygon([(-0.15, 0.05), (0.30, 0.05), (-0.18, near), (-0.32, near)], paint * 0.9)
    canvas.polygon([(-0.86, 0.02), (-0.64, 0.02), (-0.86, 0.28), (-0.96, 0.28)], stripe * 0.9)


def airplane_above(canvas: Canvas, rng: Rng):
    """An airliner from above: two swept wings with an engine each, a small tail."""
    paint, stripe = rng.colour(PAINTS), rng.colour(PAINTS)
    span, sweep = rng.between(0.75, 0.95), rng.between(0.15, 0.45)
    for side in (-1, 1):
        tip = side * span
        canvas.limb(0.08, side * 0.34, 0.24, side * 0.34, 0.14, 0.12, stripe)
        canvas.polygon([(0.30, 0), (-0.10, 0), (-0.05 - sweep, tip), (0.10 - sweep, tip)], paint * 0.85)
        canvas.polygon([(-0.60, 0), (-0.82, 0), (-0.94, side * 0.34), (-0.82, side * 0.34)], stripe)
    canvas.ellipse(0, 0, 1.84, 0.28, paint)
    canvas.limb(-0.60, 0, -0.88, 0, 0.05, 0.07, stripe * 0.7)
    canvas.ellipse(0.76, 0, 0.12, 0.16, BLACK)


def ship_steaming(canvas: Canvas, rng: Rng):
    """A ship with a deckhouse, a mast and a funnel that smokes."""
    hull, house, funnel = rng.colour(PAINTS), rng.colour(PAINTS), rng.colour(PAINTS)
    x, wind = rng.between(-0.3, 0.1), rng.between(0.1, 0.35)
    for puff in range(3):
        canvas.ellipse(x - wind * (puff + 0.5), -0.70 - 0.08 * puff, 0.28, 0.22, SMOKE, opacity=0.6)
    canvas.box(x - 0.10, -0.60, x + 0.14, -0.10, funnel)
    canvas.box(x - 0.10, -0.60, x + 0.14, -0.50, BLACK)
    canvas.box(-0.60, -0.16, 0.42, 0.18, house)
    for porthole in (-0.45, -0.22, 0.01, 0.24):
        canvas.ellipse(porthole, 0.0, 0.12, 0.12, BLACK)
    canvas.limb(0.62, 0.15, 0.62, -0.35, 0.05, 0.05, BLACK)
    _hull(canvas, hull)


def ship_sailing(canvas: Canvas, rng: Rng):
    """A sailing boat: a mast with two sails."""
    hull, sail, mast = rng.colour(PAINTS), rng.colour(PAINTS) * 0.4 + 0.58, rng.between(-0.1, 0.1)
    canvas.limb(mast, 0.20, mast, -0.92, 0.06, 0.05, WOOD)
    canvas.polygon([(mast - 0.05, -0.88), (mast - 0.05, 0.10), (mast - 0.62, 0.10)], sail)
    canvas.polygon([(mast + 0.06, -0.75), (mast + 0.62, 0.10), (mast + 0.06, 0.10)], sail * 0.88)
    _hull(canvas, hull)


def _hull(canvas: Canvas, paint):
    """A hull from stern to bow, and the foam of its wave."""
    canvas.polygon([(-0.85, 0.15), (0.95, 0.08), (0.62, 0.58), (-0.66, 0.58)], paint)
    canvas.polygon([(-0.73, 0.42), (0.73, 0.42), (0.62, 0.58), (-0.66, 0.58)], paint * 0.6)
    canvas.limb(-0.80, 0.60, 0.85, 0.60, 0.09, 0.06, WHITE, opacity=0.85)
