"""The built-in drawings: ten classes with CIFAR-10's names, made by code, the same on every machine."""

import numpy as np

from cifar_lab.data.sketches import animals, vehicles
from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.dice import Dice, scramble
from cifar_lab.data.sketches.light import compose, photograph
from cifar_lab.data.sketches.scenes import scene

# Each class: the ground where it is at home, and its views.
FIGURES = {
    "airplane": ("road", vehicles.airplane_flying, vehicles.airplane_above),
    "automobile": ("road", vehicles.automobile_side, vehicles.automobile_front),
    "bird": ("meadow", animals.bird_perched, animals.bird_flying),
    "cat": ("sand", animals.cat_sitting, animals.cat_walking),
    "deer": ("meadow", animals.deer_standing, animals.deer_grazing),
    "dog": ("meadow", animals.dog_standing, animals.dog_sitting),
    "frog": ("meadow", animals.frog_front, animals.frog_side),
    "horse": ("meadow", animals.horse_standing, animals.horse_galloping),
    "ship": ("sea", vehicles.ship_steamer, vehicles.ship_sailing),
    "truck": ("road", vehicles.truck_box, vehicles.truck_tanker, vehicles.truck_tipper),
}
CLASS_NAMES = tuple(FIGURES)
_CHUNK = 100


def draw(count: int, seed: int = 0, *, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    labels = _labels(count, seed)
    images = np.empty((count, size, size, 3), np.uint8)
    views = scramble(np.arange(count, dtype=np.uint64) + scramble(np.array([seed + 77], np.uint64)))
    for label, (home, *figures) in enumerate(FIGURES.values()):
        for number, figure in enumerate(figures):
            members = np.flatnonzero((labels == label) & (views % np.uint64(len(figures)) == number))
            for start in range(0, len(members), _CHUNK):
                chunk = members[start : start + _CHUNK]
                images[chunk] = _render(figure, home, Dice(seed, chunk), size)
    return images, labels


def _labels(count, seed):
    tens = -(-count // 10)
    lots = Dice(seed + 2**40, np.arange(tens)).field(1, 10)[:, 0]
    return np.argsort(lots, axis=1, kind="stable").reshape(-1)[:count].astype(np.int64)


def _render(figure, home, dice, size):
    canvas = Canvas(dice, size)
    figure(canvas, dice)
    return photograph(dice, compose(dice, canvas, scene(dice, size, home)))
