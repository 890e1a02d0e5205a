"""Birds and frogs. Each function draws one view, facing right, on many pictures at once."""

from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.palettes import BEAKS, BLACK, EYES, PLUMAGES, SKINS, WHITE
from cifar_lab.data.sketches.rng import Rng


def bird_perched(canvas: Canvas, rng: Rng):
    """A songbird in profile: a body like an egg, a beak, a folded wing, two thin legs."""
    plumage, wing, belly = rng.colour(PLUMAGES), rng.colour(PLUMAGES), rng.colour(PLUMAGES)
    beak, head = rng.colour(BEAKS), rng.between(-0.50, -0.34)
    for x in (-0.08, 0.12):
        canvas.limb(x, 0.45, x + 0.06, 0.82, 0.06, 0.05, beak)
        canvas.limb(x + 0.02, 0.82, x + 0.18, 0.84, 0.05, 0.04, beak)
    canvas.limb(-0.35, 0.20, -0.92, rng.between(0.2, 0.62), 0.22, 0.16, wing * 0.8)
    canvas.ellipse(0, 0.15, 1.05, 0.72, plumage, slope=-0.5)
    canvas.ellipse(0.14, 0.22, 0.66, 0.52, belly, slope=-0.5)
    canvas.polygon([(0.52, head - 0.09), (0.90, head + 0.04), (0.52, head + 0.12)], beak)
    canvas.ellipse(0.36, head, 0.52, 0.48, plumage)
    canvas.ellipse(-0.16, 0.16, 0.72, 0.36, wing, slope=0.15)
    canvas.ellipse(0.43, head - 0.04, 0.13, 0.13, WHITE)
    canvas.ellipse(0.44, head - 0.04, 0.09, 0.09, BLACK)


def bird_flying(canvas: Canvas, rng: Rng):
    """A bird on the wing: pointed wings raised or lowered, a fan of a tail."""
    plumage, wing, beak = rng.colour(PLUMAGES), rng.colour(PLUMAGES), rng.colour(BEAKS)
    tip = rng.between(0.55, 0.95) * rng.pick([-1, -1, 1])  # two in three have their wings up
    canvas.polygon([(0.10, 0.05), (0.42, 0.05), (0.52, 0.05 + 0.5 * tip), (0.30, 0.05 + tip)], wing * 0.7)
    canvas.polygon([(-0.92, -0.12), (-0.35, 0.0), (-0.35, 0.12), (-0.96, 0.22)], wing * 0.8)
    canvas.ellipse(0.02, 0.05, 0.95, 0.34, plumage, slope=-0.1)
    canvas.polygon([(0.66, -0.16), (0.95, -0.04), (0.66, 0.02)], beak)
    canvas.ellipse(0.54, -0.08, 0.36, 0.34, plumage)
    canvas.polygon([(-0.25, 0.05), (0.24, 0.05), (0.10, 0.05 + 0.55 * tip), (-0.50, 0.05 + tip)], wing)
    canvas.ellipse(0.60, -0.12, 0.10, 0.10, BLACK)


def frog_front(canvas: Canvas, rng: Rng):
    """A frog from the front: eyes on top of the head, a mouth from side to side, folded legs."""
    skin, eyes, head = rng.colour(SKINS), rng.colour(EYES), rng.between(-0.16, 0.06)
    for side in (-1, 1):
        canvas.ellipse(side * 0.58, 0.40, 0.42, 0.66, skin * 0.85, slope=side * -0.9)
        canvas.limb(side * 0.50, 0.68, side * 0.88, 0.74, 0.12, 0.14, skin * 0.75)
    canvas.ellipse(0, 0.28, 1.08, 0.86, skin)
    canvas.ellipse(0, 0.46, 0.70, 0.52, skin * 0.5 + 0.45)
    for side in (-1, 1):
        canvas.limb(side * 0.30, 0.34, side * 0.26, 0.74, 0.12, 0.14, skin * 0.9)
        canvas.ellipse(side * 0.33, head - 0.28, 0.38, 0.38, skin)
        canvas.ellipse(side * 0.33, head - 0.30, 0.26, 0.26, eyes)
        canvas.ellipse(side * 0.33, head - 0.30, 0.16, 0.12, BLACK)
    canvas.ellipse(0, head, 1.0, 0.52, skin)
    for side in (-1, 1):
        canvas.limb(side * 0.40, head + 0.06, 0, head + 0.14, 0.06, 0.06, skin * 0.35)


def frog_side(canvas: Canvas, rng: Rng):
    """A frog in profile, ready to leap: a sloping back, a big folded hind leg, an eye on top."""
    skin, eyes, head = rng.colour(SKINS), rng.colour(EYES), rng.between(-0.22, -0.04)
    canvas.limb(0.26, 0.25, 0.36, 0.70, 0.18, 0.12, skin * 0.75)
    canvas.limb(0.34, 0.72, 0.58, 0.74, 0.10, 0.10, skin * 0.75)
    canvas.limb(-0.46, 0.42, 0.36, head + 0.04, 0.56, 0.50, skin)
    canvas.limb(-0.20, 0.58, 0.36, head + 0.26, 0.26, 0.24, skin * 0.5 + 0.45)
    canvas.ellipse(0.50, head, 0.74, 0.48, skin)
    canvas.ellipse(0.46, head - 0.24, 0.36, 0.34, skin)
    canvas.ellipse(0.48, head - 0.26, 0.24, 0.24, eyes)
    canvas.ellipse(0.50, head - 0.26, 0.14, 0.12, BLACK)
    canvas.limb(0.44, head + 0.12, 0.84, head + 0.02, 0.05, 0.05, skin * 0.35)
    canvas.ellipse(-0.44, 0.44, 0.66, 0.42, skin * 0.82, slope=-0.5)
    canvas.limb(-0.62, 0.66, -0.10, 0.74, 0.13, 0.12, skin * 0.7)
    for x, y in ((-0.52, 0.30), (-0.30, 0.12), (-0.08, 0.02)):
        canvas.ellipse(x, y, 0.12, 0.10, skin * 0.6)
