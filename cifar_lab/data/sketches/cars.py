"""Automobiles and trucks. Each function draws one view, facing right, on many pictures at once."""

from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.palettes import BLACK, GLASS, LAMP, PAINTS, SAND, SILVER, TAIL_LAMP, WHITE
from cifar_lab.data.sketches.rng import Rng


def automobile_side(canvas: Canvas, rng: Rng):
    """A car in profile: a low body, a cabin with two windows, two wheels."""
    paint, glass = rng.colour(PAINTS), rng.colour(GLASS)
    roof, front, back = rng.between(-0.42, -0.26), rng.between(0.15, 0.32), rng.between(-0.62, -0.40)
    sill = roof + 0.08
    canvas.polygon([(back, roof), (front, roof), (front + 0.32, 0.06), (back - 0.22, 0.06)], paint)
    canvas.polygon([(back + 0.04, sill), (-0.12, sill), (-0.12, 0.04), (back - 0.10, 0.04)], glass)
    canvas.polygon([(-0.04, sill), (front - 0.02, sill), (front + 0.20, 0.04), (-0.04, 0.04)], glass)
    canvas.limb(-0.80, 0.18, 0.82, 0.20, 0.34, 0.28, paint)
    canvas.box(-0.92, 0.16, 0.94, 0.38, paint * 0.85)
    canvas.ellipse(0.90, 0.16, 0.14, 0.12, LAMP)
    canvas.box(-0.95, 0.12, -0.87, 0.22, TAIL_LAMP)
    for x in (-0.52, 0.54):
        _wheel(canvas, x, 0.40, 0.40)


def automobile_front(canvas: Canvas, rng: Rng):
    """A car from the front: a windscreen, two lamps, a grille, a number plate."""
    paint, glass, roof = rng.colour(PAINTS), rng.colour(GLASS), rng.between(-0.62, -0.48)
    for x in (-0.56, 0.56):
        canvas.box(x - 0.13, 0.30, x + 0.13, 0.68, BLACK)
    canvas.polygon([(-0.40, roof), (0.40, roof), (0.60, -0.06), (-0.60, -0.06)], paint)
    canvas.polygon([(-0.35, roof + 0.09), (0.35, roof + 0.09), (0.48, -0.06), (-0.48, -0.06)], glass)
    canvas.limb(-0.58, 0.08, 0.58, 0.08, 0.36, 0.36, paint)
    canvas.box(-0.76, 0.10, 0.76, 0.46, paint * 0.9)
    canvas.box(-0.32, 0.14, 0.32, 0.26, BLACK)
    canvas.box(-0.16, 0.32, 0.16, 0.42, WHITE)
    for x in (-0.55, 0.55):
        canvas.ellipse(x, 0.16, 0.26, 0.22, LAMP)


def truck_box(canvas: Canvas, rng: Rng):
    """A lorry in profile with a tall box behind its cab."""
    load, top = rng.colour(PAINTS), rng.between(-0.62, -0.36)
    canvas.box(-0.95, top, 0.34, 0.34, load)
    for x in (-0.62, -0.30, 0.02):
        canvas.box(x - 0.02, top + 0.06, x + 0.02, 0.30, load * 0.75)
    _cab_and_wheels(canvas, rng)


def truck_tank(canvas: Canvas, rng: Rng):
    """A lorry in profile with a round tank behind its cab."""
    load, stripe, tall = rng.colour(PAINTS), rng.colour(PAINTS), rng.between(0.56, 0.66)
    middle = 0.32 - tall / 2
    canvas.box(-0.36, 0.24 - tall, -0.18, middle, load * 0.7)
    canvas.limb(-0.66, middle, 0.04, middle, tall, tall, load)
    canvas.limb(-0.66, middle, 0.04, middle, 0.12, 0.12, stripe)
    _cab_and_wheels(canvas, rng)


def truck_sand(canvas: Canvas, rng: Rng):
    """A lorry in profile with a heap of sand on its open bed."""
    load, heap = rng.colour(PAINTS), rng.between(-0.42, -0.20)
    canvas.polygon([(-0.40, heap), (-0.10, heap), (0.24, 0.05), (-0.86, 0.05)], SAND)
    canvas.polygon([(-0.98, -0.12), (0.36, -0.12), (0.30, 0.34), (-0.88, 0.34)], load)
    for x in (-0.60, -0.24, 0.10):
        canvas.box(x - 0.03, -0.12, x + 0.03, 0.32, load * 0.75)
    _cab_and_wheels(canvas, rng)


def _cab_and_wheels(canvas: Canvas, rng: Rng):
    """The rest of a lorry: the frame, the cab with its window, three wheels."""
    paint, glass, roof = rng.colour(PAINTS), rng.colour(GLASS), rng.between(-0.34, -0.12)
    canvas.box(-0.94, 0.32, 0.90, 0.46, BLACK)
    canvas.polygon([(0.42, roof), (0.74, roof), (0.90, 0.12), (0.95, 0.44), (0.42, 0.44)], paint)
    canvas.polygon([(0.54, roof + 0.08), (0.72, roof + 0.08), (0.84, 0.12), (0.54, 0.12)], glass)
    canvas.ellipse(0.92, 0.28, 0.10, 0.10, LAMP)
    for x in (-0.68, -0.30, 0.62):
        _wheel(canvas, x, 0.46, 0.36)


def _wheel(canvas: Canvas, x, y, size):
    canvas.ellipse(x, y, size, size, BLACK)
    canvas.ellipse(x, y, size * 0.48, size * 0.48, SILVER)
