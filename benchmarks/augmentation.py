"""Augmentation's images a second, one transform at a time, on one core; training must never wait for it.

python -m benchmarks.augmentation
"""

import time

import numpy as np

from cifar_lab import recipes
from cifar_lab.augmentation import Augmentation

_BATCH, _ROUNDS = 512, 20


def rate(augmentation: Augmentation, images: np.ndarray) -> float:
    """Images a second, the median of some rounds."""
    times = []
    for number in range(_ROUNDS):
        started = time.perf_counter()
        rng = np.random.default_rng(number)
        augmentation(images, augmentation.mirrored(len(images), seed=0, epoch=number), rng)
        times.append(time.perf_counter() - started)
    return len(images) / float(np.median(times))


if __name__ == "__main__":
    batch = np.random.default_rng(0).integers(0, 256, (_BATCH, 32, 32, 3), dtype=np.uint8)
    alone = {"flip": "alternating", "shift": 2, "cutout": 8, "zoom": 0.25}
    for name, strength in alone.items():
        print(f"{name:<24} {rate(Augmentation(**{name: strength}), batch):>10,.0f} images/s")
    for name in ("fast-mini", "shipped"):
        print(f"all of {name:<17} {rate(recipes.get(name).augmentation, batch):>10,.0f} images/s")
