"""The six animals. Each function draws one view of one animal, facing right, on many pictures at once.

All furs come from one palette, so that colour does not give an animal away: a cat shows by its ears, a deer by its antlers.
"""

import numpy as np

from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.dice import Dice

FURS = [(0.82, 0.50, 0.22), (0.52, 0.34, 0.20), (0.36, 0.24, 0.16), (0.80, 0.66, 0.46), (0.58, 0.58, 0.60),
        (0.32, 0.32, 0.36), (0.93, 0.91, 0.87), (0.18, 0.17, 0.19)]  # fmt: skip
PLUMAGES = [*FURS, (0.85, 0.22, 0.18), (0.20, 0.45, 0.82), (0.95, 0.80, 0.22), (0.28, 0.60, 0.32)]
SKINS = [(0.36, 0.66, 0.24), (0.28, 0.52, 0.22), (0.55, 0.70, 0.25), (0.48, 0.50, 0.24), (0.62, 0.48, 0.28),
         (0.85, 0.50, 0.18), (0.25, 0.60, 0.55), (0.55, 0.36, 0.22)]  # fmt: skip
BEAKS = [(0.95, 0.62, 0.15), (0.98, 0.80, 0.25), (0.25, 0.22, 0.22), (0.85, 0.38, 0.18)]
EYES = [(0.45, 0.75, 0.30), (0.90, 0.75, 0.20), (0.35, 0.65, 0.85)]
ANTLERS = [(0.90, 0.82, 0.66), (0.45, 0.32, 0.20), (0.30, 0.22, 0.16)]
BLACK, WHITE, PINK = (0.06, 0.05, 0.06), (0.97, 0.97, 0.95), (0.92, 0.55, 0.55)


def bird_perched(canvas: Canvas, dice: Dice):
    """A songbird in profile: egg of a body, beak, wing, tail, two thin legs."""
    plumage, wing, belly = dice.colour(PLUMAGES), dice.colour(PLUMAGES), dice.colour(PLUMAGES)
    beak = dice.colour(BEAKS)
    head_y, tail_y = dice.between(-0.50, -0.34), dice.between(0.2, 0.62)
    for x in (-0.08, 0.12):
        canvas.limb(x, 0.45, x + 0.06, 0.82, 0.06, 0.05, beak)
        canvas.limb(x + 0.02, 0.82, x + 0.18, 0.84, 0.05, 0.04, beak)
    canvas.limb(-0.35, 0.2, -0.92, tail_y, 0.22, 0.16, wing * 0.8)
    canvas.ellipse(0, 0.15, 1.05, 0.72, plumage, lean=-0.5)
    canvas.ellipse(0.14, 0.22, 0.66, 0.52, belly, lean=-0.5)
    canvas.polygon([(0.52, head_y - 0.09), (0.90, head_y + 0.04), (0.52, head_y + 0.12)], beak)
    canvas.ellipse(0.36, head_y, 0.52, 0.48, plumage)
    canvas.ellipse(-0.16, 0.16, 0.72, 0.36, wing, lean=0.15)
    canvas.ellipse(0.43, head_y - 0.04, 0.13, 0.13, WHITE)
    canvas.ellipse(0.44, head_y - 0.04, 0.09, 0.09, BLACK)


def bird_flying(canvas: Canvas, dice: Dice):
    """A bird on the wing: pointed wings raised or lowered, a fan of a tail."""
    plumage, wing, beak = dice.colour(PLUMAGES), dice.colour(PLUMAGES), dice.colour(BEAKS)
    flap = dice.between(0.55, 0.95) * (1 - 2 * dice.chance(0.35))  # how high the wing tips are; negative: lowered
    canvas.polygon([(0.10, 0.05), (0.42, 0.05), (0.52, 0.05 - 0.5 * flap), (0.30, 0.05 - flap)], wing * 0.7)
    canvas.polygon([(-0.92, -0.12), (-0.35, 0.0), (-0.35, 0.12), (-0.96, 0.22)], wing * 0.8)
    canvas.ellipse(0.02, 0.05, 0.95, 0.34, plumage, lean=-0.1)
    canvas.polygon([(0.66, -0.16), (0.95, -0.04), (0.66, 0.02)], beak)
    canvas.ellipse(0.54, -0.08, 0.36, 0.34, plumage)
    canvas.polygon([(-0.25, 0.05), (0.24, 0.05), (0.10, 0.05 - 0.55 * flap), (-0.50, 0.05 - flap)], wing)
    canvas.ellipse(0.60, -0.12, 0.10, 0.10, BLACK)


def cat_sitting(canvas: Canvas, dice: Dice):
    """A cat from the front: pointed ears, whiskers, the tail curled up at its side."""
    fur, bib, eyes = dice.colour(FURS), dice.colour(FURS), dice.colour(EYES)
    head_x = dice.between(-0.1, 0.1)
    canvas.limb(0.2, 0.68, 0.68, 0.62, 0.15, 0.15, fur * 0.85)
    canvas.limb(0.68, 0.62, 0.72, 0.15, 0.15, 0.12, fur * 0.85)
    canvas.ellipse(0, 0.42, 0.80, 0.86, fur)
    canvas.ellipse(0, 0.42, 0.36, 0.60, bib)
    for side in (-1, 1):
        canvas.ellipse(side * 0.16, 0.78, 0.24, 0.16, bib)
        tip, inner, outer = head_x + side * 0.36, head_x + side * 0.08, head_x + side * 0.38
        canvas.polygon([(tip, -0.92), (inner, -0.52), (outer, -0.36)], fur)
        canvas.polygon([(tip - side * 0.04, -0.78), (inner + side * 0.07, -0.54), (outer - side * 0.05, -0.42)], PINK)
    canvas.ellipse(head_x, -0.28, 0.84, 0.62, fur)
    for side in (-1, 1):
        canvas.ellipse(head_x + side * 0.18, -0.32, 0.18, 0.16, eyes)
        canvas.ellipse(head_x + side * 0.18, -0.32, 0.06, 0.16, BLACK)
        canvas.limb(head_x + side * 0.12, -0.14, head_x + side * 0.58, -0.2, 0.03, 0.03, WHITE, opacity=0.7)
        canvas.limb(head_x + side * 0.12, -0.10, head_x + side * 0.56, -0.04, 0.03, 0.03, WHITE, opacity=0.7)
    canvas.ellipse(head_x, -0.15, 0.12, 0.09, PINK)


def cat_walking(canvas: Canvas, dice: Dice):
    """A cat in profile: long curved tail in the air, round head, two pointed ears."""
    fur, eyes = dice.colour(FURS), dice.colour(EYES)
    tail_x = dice.between(-0.95, -0.6)
    _legs(canvas, dice, (-0.42, -0.28, 0.26, 0.40), 0.25, 0.78, 0.15, fur)
    canvas.limb(-0.46, 0.05, -0.82, -0.25, 0.13, 0.12, fur)
    canvas.limb(-0.82, -0.25, tail_x, -0.78, 0.12, 0.10, fur)
    canvas.ellipse(-0.04, 0.16, 1.08, 0.42, fur)
    for x in (-0.3, -0.12, 0.06):
        canvas.limb(x, 0.0, x + 0.03, 0.2, 0.06, 0.04, fur * 0.6, opacity=0.8)
    canvas.polygon([(0.36, -0.62), (0.36, -0.22), (0.60, -0.30)], fur * 0.85)
    canvas.polygon([(0.80, -0.62), (0.58, -0.32), (0.82, -0.18)], fur)
    canvas.ellipse(0.60, -0.10, 0.54, 0.46, fur)
    canvas.ellipse(0.80, -0.02, 0.18, 0.16, fur * 0.5 + 0.5)
    canvas.ellipse(0.68, -0.14, 0.13, 0.12, eyes)
    canvas.ellipse(0.70, -0.14, 0.06, 0.12, BLACK)
    canvas.ellipse(0.88, -0.05, 0.07, 0.06, PINK)


def deer_standing(canvas: Canvas, dice: Dice):
    """A stag in profile, its head up."""
    fur = dice.colour(FURS)
    head_x, head_y = dice.between(0.42, 0.66), dice.between(-0.42, -0.22)
    _deer_body(canvas, dice, fur)
    canvas.limb(0.28, 0.12, head_x - 0.06, head_y, 0.24, 0.15, fur)
    _antlers(canvas, dice, head_x - 0.04, head_y - 0.06)
    canvas.limb(head_x - 0.10, head_y - 0.02, head_x - 0.28, head_y - 0.08, 0.08, 0.05, fur * 0.8)
    canvas.limb(head_x, head_y, head_x + 0.24, head_y + 0.08, 0.20, 0.12, fur)
    canvas.ellipse(head_x + 0.30, head_y + 0.09, 0.07, 0.07, BLACK)
    canvas.ellipse(head_x + 0.05, head_y - 0.02, 0.07, 0.07, BLACK)


def deer_grazing(canvas: Canvas, dice: Dice):
    """A stag in profile with its head near the ground."""
    fur = dice.colour(FURS)
    head_y = dice.between(0.25, 0.45)
    _deer_body(canvas, dice, fur)
    canvas.limb(0.28, 0.12, 0.62, head_y, 0.22, 0.15, fur)
    _antlers(canvas, dice, 0.66, head_y - 0.08)
    canvas.limb(0.58, head_y - 0.04, 0.44, head_y - 0.14, 0.08, 0.05, fur * 0.8)
    canvas.limb(0.66, head_y, 0.84, head_y + 0.20, 0.19, 0.11, fur)
    canvas.ellipse(0.88, head_y + 0.25, 0.08, 0.08, BLACK)
    canvas.ellipse(0.70, head_y + 0.02, 0.07, 0.07, BLACK)


def _deer_body(canvas: Canvas, dice: Dice, fur):
    """Slim legs, a slim body, a white tail, and on every other deer white spots."""
    spots = dice.chance(0.5)
    _legs(canvas, dice, (-0.46, -0.36, 0.24, 0.34), 0.25, 0.92, 0.09, fur)
    canvas.ellipse(-0.58, 0.06, 0.16, 0.24, WHITE)
    canvas.ellipse(-0.08, 0.16, 0.98, 0.38, fur)
    for x, y in ((-0.38, 0.08), (-0.22, 0.16), (-0.06, 0.08), (0.10, 0.16)):
        canvas.ellipse(x, y, 0.09, 0.09, WHITE, opacity=spots)


def _antlers(canvas: Canvas, dice: Dice, x, y):
    """Two antlers with two branches each, rooted at (x, y): the far one, then the near one."""
    bone, reach = dice.colour(ANTLERS), dice.between(0.95, 1.15)
    for shade, shift in ((0.75, 0.16), (1.0, -0.06)):
        root, tone = x + shift, bone * shade
        canvas.limb(root, y, root - 0.20 * reach, y - 0.50 * reach, 0.10, 0.07, tone)
        canvas.limb(root - 0.06 * reach, y - 0.14 * reach, root + 0.16 * reach, y - 0.36 * reach, 0.08, 0.06, tone)
        canvas.limb(root - 0.14 * reach, y - 0.34 * reach, root + 0.06 * reach, y - 0.58 * reach, 0.08, 0.06, tone)


def dog_standing(canvas: Canvas, dice: Dice):
    """A dog in profile: long snout, hanging ear, wagging tail, collar."""
    fur, patch, collar = dice.colour(FURS), dice.colour(FURS), dice.colour(PLUMAGES)
    wag = dice.between(-0.95, -0.7)
    _legs(canvas, dice, (-0.44, -0.32, 0.24, 0.36), 0.25, 0.80, 0.17, fur)
    canvas.limb(-0.48, 0.02, wag, -0.34, 0.14, 0.07, fur)
    canvas.ellipse(-0.04, 0.14, 1.06, 0.48, fur)
    canvas.ellipse(-0.2, 0.06, 0.44, 0.30, patch)
    canvas.limb(0.36, 0.05, 0.46, -0.22, 0.34, 0.30, fur)
    canvas.limb(0.34, -0.12, 0.58, -0.04, 0.10, 0.10, collar)
    canvas.ellipse(0.50, -0.36, 0.46, 0.42, fur)
    canvas.limb(0.56, -0.30, 0.88, -0.24, 0.26, 0.20, fur)
    canvas.ellipse(0.96, -0.32, 0.13, 0.12, BLACK)
    canvas.limb(0.40, -0.46, 0.30, -0.14, 0.16, 0.24, patch * 0.75)
    canvas.ellipse(0.62, -0.43, 0.09, 0.09, BLACK)
    canvas.limb(0.82, -0.12, 0.84, 0.0, 0.10, 0.10, PINK, opacity=dice.chance(0.5))


def dog_sitting(canvas: Canvas, dice: Dice):
    """A dog from the front: ears that hang down, a big muzzle with a black nose, the tongue out."""
    fur, ears, muzzle = dice.colour(FURS), dice.colour(FURS), dice.colour(FURS) * 0.5 + 0.45
    head_x = dice.between(-0.1, 0.1)
    canvas.limb(0.25, 0.66, 0.66, 0.42, 0.13, 0.08, fur)
    canvas.ellipse(0, 0.45, 0.84, 0.80, fur)
    for side in (-1, 1):
        canvas.limb(side * 0.16, 0.3, side * 0.18, 0.80, 0.2, 0.22, fur * 0.85)
    canvas.ellipse(head_x, -0.36, 0.74, 0.68, fur)
    for side in (-1, 1):
        canvas.limb(head_x + side * 0.34, -0.58, head_x + side * 0.46, -0.12, 0.16, 0.28, ears * 0.7)
        canvas.ellipse(head_x + side * 0.15, -0.44, 0.11, 0.12, BLACK)
    canvas.limb(head_x, -0.04, head_x, 0.1, 0.16, 0.14, PINK, opacity=dice.chance(0.7))
    canvas.ellipse(head_x, -0.16, 0.42, 0.34, muzzle)
    canvas.ellipse(head_x, -0.25, 0.20, 0.14, BLACK)


def frog_front(canvas: Canvas, dice: Dice):
    """A frog from the front: eyes on top of the head, a mouth from side to side, folded legs."""
    skin, eyes = dice.colour(SKINS), dice.colour(EYES)
    belly = skin * 0.5 + 0.45
    crouch = dice.between(-0.08, 0.14)
    for side in (-1, 1):
        canvas.ellipse(side * 0.58, 0.40, 0.42, 0.66, skin * 0.85, lean=side * -0.9)
        canvas.limb(side * 0.50, 0.68, side * 0.88, 0.74, 0.12, 0.14, skin * 0.75)
    canvas.ellipse(0, 0.28, 1.08, 0.86, skin)
    canvas.ellipse(0, 0.46, 0.70, 0.52, belly)
    for side in (-1, 1):
        canvas.limb(side * 0.30, 0.34, side * 0.26, 0.74, 0.12, 0.14, skin * 0.9)
        canvas.ellipse(side * 0.33, crouch - 0.36, 0.38, 0.38, skin)
        canvas.ellipse(side * 0.33, crouch - 0.38, 0.26, 0.26, eyes)
        canvas.ellipse(side * 0.33, crouch - 0.38, 0.16, 0.12, BLACK)
    canvas.ellipse(0, crouch - 0.08, 1.0, 0.52, skin)
    canvas.limb(-0.40, crouch - 0.02, 0, crouch + 0.06, 0.06, 0.06, skin * 0.35)
    canvas.limb(0.40, crouch - 0.02, 0, crouch + 0.06, 0.06, 0.06, skin * 0.35)


def frog_side(canvas: Canvas, dice: Dice):
    """A frog in profile, about to leap: sloping back, big folded hind leg, eye on top."""
    skin, eyes = dice.colour(SKINS), dice.colour(EYES)
    head_y = dice.between(-0.30, -0.12)
    canvas.limb(0.26, 0.25, 0.36, 0.70, 0.18, 0.12, skin * 0.75)
    canvas.limb(0.34, 0.72, 0.58, 0.74, 0.10, 0.10, skin * 0.75)
    canvas.limb(-0.46, 0.42, 0.36, head_y + 0.12, 0.56, 0.50, skin)
    canvas.limb(-0.20, 0.58, 0.36, head_y + 0.34, 0.26, 0.24, skin * 0.5 + 0.45)
    canvas.ellipse(0.50, head_y + 0.08, 0.74, 0.48, skin)
    canvas.ellipse(0.46, head_y - 0.16, 0.36, 0.34, skin)
    canvas.ellipse(0.48, head_y - 0.18, 0.24, 0.24, eyes)
    canvas.ellipse(0.50, head_y - 0.18, 0.14, 0.12, BLACK)
    canvas.limb(0.44, head_y + 0.20, 0.84, head_y + 0.10, 0.05, 0.05, skin * 0.35)
    canvas.ellipse(-0.44, 0.44, 0.66, 0.42, skin * 0.82, lean=-0.5)
    canvas.limb(-0.62, 0.66, -0.10, 0.74, 0.13, 0.12, skin * 0.7)
    for x, y in ((-0.3, 0.12), (-0.08, 0.02), (-0.52, 0.3)):
        canvas.ellipse(x, y, 0.12, 0.10, skin * 0.6)


def horse_standing(canvas: Canvas, dice: Dice):
    """A horse in profile, its head up."""
    fur, mane = dice.colour(FURS), dice.colour(FURS) * 0.7
    head_x, head_y = dice.between(0.46, 0.64), dice.between(-0.58, -0.40)
    _horse_body(canvas, dice, fur, mane, stride=0.12)
    canvas.limb(0.30, 0.06, head_x - 0.04, head_y + 0.04, 0.42, 0.22, fur)
    canvas.limb(0.06, -0.12, head_x - 0.18, head_y - 0.02, 0.14, 0.16, mane)
    _horse_head(canvas, head_x, head_y, 0.30, 0.24, fur, mane)


def horse_galloping(canvas: Canvas, dice: Dice):
    """A horse in profile at full stretch: neck forward, legs flying."""
    fur, mane = dice.colour(FURS), dice.colour(FURS) * 0.7
    head_x, head_y = dice.between(0.54, 0.66), dice.between(-0.34, -0.20)
    _horse_body(canvas, dice, fur, mane, stride=0.42)
    canvas.limb(0.28, 0.06, head_x - 0.04, head_y + 0.04, 0.40, 0.22, fur)
    canvas.limb(0.02, -0.18, head_x - 0.14, head_y - 0.10, 0.16, 0.16, mane)
    _horse_head(canvas, head_x, head_y, 0.32, 0.14, fur, mane)


def _horse_body(canvas: Canvas, dice: Dice, fur, mane, stride):
    """Strong legs, a round body, a long tail of hair."""
    tail_x = dice.between(-0.98, -0.72)
    _legs(canvas, dice, (-0.44, -0.30, 0.24, 0.36), 0.2, 0.88, 0.14, fur, stride)
    canvas.limb(-0.54, -0.02, -0.76, 0.12, 0.14, 0.2, mane)
    canvas.limb(-0.76, 0.12, tail_x, 0.60, 0.2, 0.1, mane)
    canvas.ellipse(-0.06, 0.10, 1.10, 0.50, fur)


def _horse_head(canvas: Canvas, x, y, reach, drop, fur, mane):
    """A long head from (x, y) forwards and down, an ear, a forelock."""
    canvas.limb(x - 0.02, y, x + reach, y + drop, 0.26, 0.17, fur)
    canvas.polygon([(x - 0.08, y - 0.30), (x - 0.16, y - 0.04), (x + 0.06, y - 0.1)], fur)
    canvas.limb(x - 0.06, y - 0.12, x + 0.06, y - 0.06, 0.12, 0.08, mane)
    canvas.ellipse(x + 0.08, y + 0.02, 0.07, 0.07, BLACK)


def _legs(canvas: Canvas, dice: Dice, tops, top_y, ground_y, thick, colour, stride=0.1):
    """Four legs in mid-step, from hind to fore at the x of `tops`; the far two are darker."""
    for number in (1, 3, 0, 2):
        step = dice.between(-stride, stride)
        shaded = colour * (0.7 if number % 2 else 0.92)
        canvas.limb(tops[number], top_y, tops[number] + step, ground_y - thick / 2, thick * 1.4, thick, shaded)
