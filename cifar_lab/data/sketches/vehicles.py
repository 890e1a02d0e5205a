"""The four vehicles. Each function draws one view, facing right, on many pictures at once; all share one set of paints."""

from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.dice import Dice

PAINTS = [(0.82, 0.16, 0.14), (0.16, 0.36, 0.76), (0.95, 0.94, 0.92), (0.95, 0.76, 0.16), (0.16, 0.55, 0.34),
          (0.92, 0.48, 0.14), (0.70, 0.73, 0.77), (0.22, 0.23, 0.27), (0.35, 0.68, 0.82), (0.52, 0.36, 0.24)]  # fmt: skip
GLASS = [(0.62, 0.82, 0.92), (0.30, 0.42, 0.52), (0.80, 0.90, 0.95)]
TYRE, HUB, LAMP = (0.08, 0.08, 0.09), (0.72, 0.74, 0.76), (1.0, 0.93, 0.60)


def airplane_flying(canvas: Canvas, dice: Dice):
    """An airliner between two views: from the side (the tail fin shows) and from above (both wings show)."""
    paint, stripe, glass = dice.colour(PAINTS), dice.colour(PAINTS), dice.colour(GLASS) * 0.6
    near, far = dice.between(0.40, 0.85), dice.between(-0.80, -0.35)
    fin = -0.20 - dice.between(0.1, 0.45)
    canvas.polygon([(-0.10, far), (0.02, far), (0.30, -0.05), (-0.10, -0.05)], paint * 0.75)
    canvas.polygon([(-0.92, -0.3), (-0.82, -0.3), (-0.62, 0.0), (-0.85, 0.0)], paint * 0.75)
    canvas.ellipse(0, 0, 1.84, 0.32, paint)
    canvas.polygon([(-0.94, fin), (-0.78, fin), (-0.55, -0.04), (-0.84, -0.02)], stripe)
    canvas.limb(-0.55, -0.05, 0.52, -0.05, 0.07, 0.07, glass)
    canvas.ellipse(0.74, -0.05, 0.18, 0.12, glass)
    canvas.limb(-0.1, near * 0.55, 0.12, near * 0.55, 0.13, 0.13, stripe)
    canvas.polygon([(-0.15, 0.05), (0.30, 0.05), (-0.18, near), (-0.32, near)], paint * 0.9)
    canvas.polygon([(-0.86, 0.02), (-0.64, 0.02), (-0.86, 0.28), (-0.96, 0.28)], stripe * 0.9)


def airplane_above(canvas: Canvas, dice: Dice):
    """An airliner from above: two swept wings with engines, a small tail."""
    paint, stripe = dice.colour(PAINTS), dice.colour(PAINTS)
    span, sweep = dice.between(0.75, 0.95), dice.between(0.15, 0.45)
    for side in (-1, 1):
        canvas.limb(0.08, side * 0.34, 0.24, side * 0.34, 0.14, 0.12, stripe)
        wing = [(0.30, side * 0.05), (-0.10, side * 0.05), (-0.05 - sweep, side * span), (0.10 - sweep, side * span)]
        tail = [(-0.60, 0.0), (-0.82, 0.0), (-0.94, side * 0.34), (-0.82, side * 0.34)]
        canvas.polygon(wing, paint * 0.85)
        canvas.polygon(tail, stripe)
    canvas.ellipse(0, 0, 1.84, 0.28, paint)
    canvas.limb(-0.60, 0, -0.88, 0, 0.05, 0.07, stripe * 0.7)
    canvas.ellipse(0.76, 0, 0.12, 0.16, TYRE)


def automobile_side(canvas: Canvas, dice: Dice):
    """A car in profile: low body, cabin with two windows, two wheels."""
    paint, glass = dice.colour(PAINTS), dice.colour(GLASS)
    roof, front, back = dice.between(-0.42, -0.26), dice.between(0.15, 0.32), dice.between(-0.62, -0.40)
    canvas.polygon([(back, roof), (front, roof), (front + 0.32, 0.06), (back - 0.22, 0.06)], paint)
    canvas.polygon([(back + 0.04, roof + 0.08), (-0.12, roof + 0.08), (-0.12, 0.04), (back - 0.1, 0.04)], glass)
    canvas.polygon([(-0.04, roof + 0.08), (front - 0.02, roof + 0.08), (front + 0.2, 0.04), (-0.04, 0.04)], glass)
    canvas.limb(-0.80, 0.18, 0.82, 0.20, 0.34, 0.28, paint)
    canvas.box(-0.92, 0.16, 0.94, 0.38, paint * 0.85)
    canvas.ellipse(0.90, 0.16, 0.14, 0.12, LAMP)
    canvas.box(-0.95, 0.12, -0.87, 0.22, (0.85, 0.15, 0.12))
    for x in (-0.52, 0.54):
        _wheel(canvas, x, 0.40, 0.40)


def automobile_front(canvas: Canvas, dice: Dice):
    """A car from the front: windscreen, two lamps, grille, number plate."""
    paint, glass = dice.colour(PAINTS), dice.colour(GLASS)
    roof = dice.between(-0.62, -0.48)
    for x in (-0.56, 0.56):
        canvas.box(x - 0.13, 0.3, x + 0.13, 0.68, TYRE)
    canvas.polygon([(-0.40, roof), (0.40, roof), (0.60, -0.06), (-0.60, -0.06)], paint)
    canvas.polygon([(-0.35, roof + 0.09), (0.35, roof + 0.09), (0.48, -0.06), (-0.48, -0.06)], glass)
    canvas.limb(-0.58, 0.08, 0.58, 0.08, 0.36, 0.36, paint)
    canvas.box(-0.76, 0.1, 0.76, 0.46, paint * 0.9)
    canvas.box(-0.32, 0.14, 0.32, 0.26, TYRE)
    canvas.box(-0.16, 0.32, 0.16, 0.42, (0.95, 0.95, 0.90))
    for x in (-0.55, 0.55):
        canvas.ellipse(x, 0.16, 0.26, 0.22, LAMP)


def ship_steamer(canvas: Canvas, dice: Dice):
    """A ship with a deckhouse and a funnel that smokes."""
    hull, house, funnel = dice.colour(PAINTS), dice.colour(PAINTS), dice.colour(PAINTS)
    smoke, funnel_x = dice.between(0.1, 0.35), dice.between(-0.3, 0.1)
    for number in range(3):
        canvas.ellipse(funnel_x - smoke * (number + 0.5), -0.70 - 0.08 * number, 0.28, 0.22, (0.8, 0.8, 0.8), opacity=0.6)
    canvas.box(funnel_x - 0.1, -0.60, funnel_x + 0.14, -0.1, funnel)
    canvas.box(funnel_x - 0.1, -0.60, funnel_x + 0.14, -0.50, TYRE)
    canvas.box(-0.60, -0.16, 0.42, 0.18, house)
    for x in (-0.45, -0.22, 0.01, 0.24):
        canvas.ellipse(x, 0.0, 0.12, 0.12, (0.15, 0.22, 0.32))
    canvas.limb(0.62, 0.15, 0.62, -0.35, 0.05, 0.05, TYRE)
    _hull(canvas, hull)


def ship_sailing(canvas: Canvas, dice: Dice):
    """A sailing boat: a mast with two sails."""
    hull, sail = dice.colour(PAINTS), dice.colour(PAINTS) * 0.4 + 0.58
    mast = dice.between(-0.1, 0.1)
    canvas.limb(mast, 0.2, mast, -0.92, 0.06, 0.05, (0.35, 0.24, 0.16))
    canvas.polygon([(mast - 0.05, -0.88), (mast - 0.05, 0.1), (mast - 0.62, 0.1)], sail)
    canvas.polygon([(mast + 0.06, -0.75), (mast + 0.62, 0.1), (mast + 0.06, 0.1)], sail * 0.88)
    _hull(canvas, hull)


def truck_box(canvas: Canvas, dice: Dice):
    """A lorry in profile with a tall box behind its cab."""
    load = dice.colour(PAINTS)
    top = dice.between(-0.62, -0.36)
    canvas.box(-0.95, top, 0.34, 0.34, load)
    for x in (-0.62, -0.30, 0.02):
        canvas.box(x - 0.02, top + 0.06, x + 0.02, 0.3, load * 0.75)
    _cab(canvas, dice)


def truck_tanker(canvas: Canvas, dice: Dice):
    """A lorry in profile with a round tank behind its cab."""
    load, stripe = dice.colour(PAINTS), dice.colour(PAINTS)
    top = dice.between(-0.30, -0.16)
    canvas.limb(-0.66, 0.06 + top / 3, 0.08, 0.06 + top / 3, 0.50 - top / 2, 0.50 - top / 2, load)
    canvas.limb(-0.66, 0.06 + top / 3, 0.08, 0.06 + top / 3, 0.12, 0.12, stripe)
    canvas.box(-0.36, top - 0.20, -0.18, top, load * 0.7)
    _cab(canvas, dice)


def truck_tipper(canvas: Canvas, dice: Dice):
    """A lorry in profile with a heap of sand on its open bed."""
    load = dice.colour(PAINTS)
    heap = dice.between(-0.42, -0.2)
    canvas.polygon([(-0.40, heap), (-0.10, heap), (0.24, 0.05), (-0.86, 0.05)], (0.62, 0.50, 0.34))
    canvas.polygon([(-0.98, -0.12), (0.36, -0.12), (0.30, 0.34), (-0.88, 0.34)], load)
    for x in (-0.60, -0.24, 0.10):
        canvas.box(x - 0.03, -0.12, x + 0.03, 0.32, load * 0.75)
    _cab(canvas, dice)


def _cab(canvas: Canvas, dice: Dice):
    """The front of a lorry: frame, cab with a window, three wheels."""
    paint, glass = dice.colour(PAINTS), dice.colour(GLASS)
    roof = dice.between(-0.34, -0.12)
    canvas.box(-0.94, 0.32, 0.90, 0.46, TYRE)
    canvas.polygon([(0.42, roof), (0.74, roof), (0.90, 0.12), (0.95, 0.44), (0.42, 0.44)], paint)
    canvas.polygon([(0.54, roof + 0.08), (0.72, roof + 0.08), (0.84, 0.12), (0.54, 0.12)], glass)
    canvas.ellipse(0.92, 0.28, 0.10, 0.10, LAMP)
    for x in (-0.68, -0.30, 0.62):
        _wheel(canvas, x, 0.46, 0.36)


def _wheel(canvas: Canvas, x, y, size):
    canvas.ellipse(x, y, size, size, TYRE)
    canvas.ellipse(x, y, size * 0.48, size * 0.48, HUB)


def _hull(canvas: Canvas, colour):
    """A hull from stern to bow, with the wave that it lies in."""
    canvas.polygon([(-0.85, 0.15), (0.95, 0.08), (0.62, 0.58), (-0.66, 0.58)], colour)
    canvas.polygon([(-0.72, 0.42), (0.72, 0.42), (0.62, 0.58), (-0.66, 0.58)], colour * 0.6)
    canvas.limb(-0.80, 0.60, 0.85, 0.60, 0.09, 0.06, (0.92, 0.96, 0.98), opacity=0.85)
