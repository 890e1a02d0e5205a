"""Cats and dogs. Each function draws one view, facing right, on many pictures at once."""

from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.palettes import BLACK, EYES, FURS, PINK, PLUMAGES, WHITE
from cifar_lab.data.sketches.rng import Rng


def cat_sitting(canvas: Canvas, rng: Rng):
    """A cat from the front: pointed ears, whiskers, the tail curled up at its side."""
    fur, bib, eyes = rng.colour(FURS), rng.colour(FURS), rng.colour(EYES)
    head = rng.between(-0.1, 0.1)
    canvas.limb(0.20, 0.68, 0.68, 0.62, 0.15, 0.15, fur * 0.85)
    canvas.limb(0.68, 0.62, 0.72, 0.15, 0.15, 0.12, fur * 0.85)
    canvas.ellipse(0, 0.42, 0.80, 0.86, fur)
    canvas.ellipse(0, 0.42, 0.36, 0.60, bib)
    for side in (-1, 1):
        ear = [(0.36, -0.92), (0.08, -0.52), (0.38, -0.36)]
        lining = [(0.32, -0.78), (0.15, -0.54), (0.33, -0.42)]
        canvas.ellipse(side * 0.16, 0.78, 0.24, 0.16, bib)
        canvas.polygon([(head + side * x, y) for x, y in ear], fur)
        canvas.polygon([(head + side * x, y) for x, y in lining], PINK)
    canvas.ellipse(head, -0.28, 0.84, 0.62, fur)
    for side in (-1, 1):
        canvas.ellipse(head + side * 0.18, -0.32, 0.18, 0.16, eyes)
        canvas.ellipse(head + side * 0.18, -0.32, 0.06, 0.16, BLACK)
        canvas.limb(head + side * 0.12, -0.14, head + side * 0.58, -0.20, 0.03, 0.03, WHITE, opacity=0.7)
        canvas.limb(head + side * 0.12, -0.10, head + side * 0.56, -0.04, 0.03, 0.03, WHITE, opacity=0.7)
    canvas.ellipse(head, -0.15, 0.12, 0.09, PINK)


def cat_walking(canvas: Canvas, rng: Rng):
    """A cat in profile: a long tail in the air, a round head, pointed ears, stripes."""
    fur, eyes = rng.colour(FURS), rng.colour(EYES)
    four_legs(canvas, rng, (-0.42, -0.28, 0.26, 0.40), 0.25, 0.78, 0.15, fur)
    canvas.limb(-0.46, 0.05, -0.82, -0.25, 0.13, 0.12, fur)
    canvas.limb(-0.82, -0.25, rng.between(-0.95, -0.6), -0.78, 0.12, 0.10, fur)
    canvas.ellipse(-0.04, 0.16, 1.08, 0.42, fur)
    for x in (-0.30, -0.12, 0.06):
        canvas.limb(x, 0.0, x + 0.03, 0.20, 0.06, 0.04, fur * 0.6, opacity=0.8)
    canvas.polygon([(0.36, -0.62), (0.36, -0.22), (0.60, -0.30)], fur * 0.85)
    canvas.polygon([(0.80, -0.62), (0.58, -0.32), (0.82, -0.18)], fur)
    canvas.ellipse(0.60, -0.10, 0.54, 0.46, fur)
    canvas.ellipse(0.80, -0.02, 0.18, 0.16, fur * 0.5 + 0.5)
    canvas.ellipse(0.68, -0.14, 0.13, 0.12, eyes)
    canvas.ellipse(0.70, -0.14, 0.06, 0.12, BLACK)
    canvas.ellipse(0.88, -0.05, 0.07, 0.06, PINK)


def dog_sitting(canvas: Canvas, rng: Rng):
    """A dog from the front: hanging ears, a big muzzle with a black nose, the tongue out."""
    fur, ear, muzzle = rng.colour(FURS), rng.colour(FURS) * 0.7, rng.colour(FURS) * 0.5 + 0.45
    head = rng.between(-0.1, 0.1)
    canvas.limb(0.25, 0.66, 0.66, 0.42, 0.13, 0.08, fur)
    canvas.ellipse(0, 0.45, 0.84, 0.80, fur)
    for side in (-1, 1):
        canvas.limb(side * 0.16, 0.30, side * 0.18, 0.80, 0.20, 0.22, fur * 0.85)
    canvas.ellipse(head, -0.36, 0.74, 0.68, fur)
    for side in (-1, 1):
        canvas.limb(head + side * 0.34, -0.58, head + side * 0.46, -0.12, 0.16, 0.28, ear)
        canvas.ellipse(head + side * 0.15, -0.44, 0.11, 0.12, BLACK)
    canvas.limb(head, -0.04, head, 0.10, 0.16, 0.14, PINK, opacity=rng.chance(0.7))
    canvas.ellipse(head, -0.16, 0.42, 0.34, muzzle)
    canvas.ellipse(head, -0.25, 0.20, 0.14, BLACK)


def dog_standing(canvas: Canvas, rng: Rng):
    """A dog in profile: a long snout, a hanging ear, a wagging tail, a collar."""
    fur, patch, collar = rng.colour(FURS), rng.colour(FURS), rng.colour(PLUMAGES)
    four_legs(canvas, rng, (-0.44, -0.32, 0.24, 0.36), 0.25, 0.80, 0.17, fur)
    canvas.limb(-0.48, 0.02, rng.between(-0.95, -0.7), -0.34, 0.14, 0.07, fur)
    canvas.ellipse(-0.04, 0.14, 1.06, 0.48, fur)
    canvas.ellipse(-0.20, 0.06, 0.44, 0.30, patch)
    canvas.limb(0.36, 0.05, 0.46, -0.22, 0.34, 0.30, fur)
    canvas.limb(0.34, -0.12, 0.58, -0.04, 0.10, 0.10, collar)
    canvas.ellipse(0.50, -0.36, 0.46, 0.42, fur)
    canvas.limb(0.82, -0.12, 0.84, 0.0, 0.10, 0.10, PINK, opacity=rng.chance(0.5))
    canvas.limb(0.56, -0.30, 0.88, -0.24, 0.26, 0.20, fur)
    canvas.ellipse(0.96, -0.32, 0.13, 0.12, BLACK)
    canvas.limb(0.40, -0.46, 0.30, -0.14, 0.16, 0.24, patch * 0.75)
    canvas.ellipse(0.62, -0.43, 0.09, 0.09, BLACK)


def four_legs(canvas: Canvas, rng: Rng, hips, top, ground, thickness, colour, stride=0.1):
    """Draw four legs in mid-step, hind and front pair at the x of `hips`; the far leg of each pair is darker."""
    for leg in (1, 3, 0, 2):  # far legs first: the near ones cover them
        foot = hips[leg] + rng.between(-stride, stride)
        shade = 0.7 if leg % 2 else 0.92
        canvas.limb(hips[leg], top, foot, ground - thickness / 2, thickness * 1.4, thickness, colour * shade)
