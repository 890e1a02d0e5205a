"""Augmented images a second, beside Keras's layers the way its guides use them: in the map of a `tf.data` pipeline.

    python -m benchmarks --only augmentation
    python -m benchmarks.augmentation       # ours alone, one transform at a time: training must never wait for it

Ours takes one core, the pipeline as many as there are. Keras's translation goes by fractions of a pixel, ours by whole
pixels, so that nothing is blurred.
"""

import time

import numpy as np

from benchmarks.measure import Row, compare
from cifar_lab.images.augmentation import Augmentation
from cifar_lab.training import recipes

_BATCH, _ROUNDS = 512, 20


def some_images(count: int) -> np.ndarray:
    """Noise, `(count, 32, 32, 3)` uint8."""
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def apply(augmentation: Augmentation, images: np.ndarray, epoch: int = 0) -> np.ndarray:
    """One batch, as training does it."""
    mirrored = augmentation.mirrored(len(images), seed=0, epoch=epoch)
    return augmentation(images, mirrored, np.random.default_rng(epoch))


def measure(*, quick: bool = False) -> list[Row]:
    """Mirror, shift, zoom and cutout, each alone, and the first two together."""
    from cifar_lab.core.keras_backend import keras

    layers, batches = keras.layers, 4 if quick else 16
    flip = layers.RandomFlip("horizontal")
    shift = layers.RandomTranslation(2 / 32, 2 / 32)
    area = (8 / 32) ** 2  # the share of the image that is painted over
    cutout = layers.RandomErasing(factor=(1.0, 1.0), scale=(area, area), fill_value=128)
    pairs = {
        "mirror": ([flip], Augmentation(flip="random")),
        "shift": ([shift], Augmentation(shift=2)),
        "zoom": ([layers.RandomZoom((-0.2, 0.25))], Augmentation(zoom=0.25, zoom_share=1.0)),
        "cutout": ([cutout], Augmentation(cutout=8)),
        "mirror and shift": ([flip, shift], Augmentation(flip="random", shift=2)),
    }
    images = some_images(_BATCH * batches)
    return [
        compare(
            f"augmented images, {name} (Keras's layers)",
            _pipeline(keras.Sequential(usual), images),
            lambda ours=ours: [apply(ours, images[at : at + _BATCH]) for at in range(0, len(images), _BATCH)],
            rounds=2 if quick else 7,
            items=len(images),
        )
        for name, (usual, ours) in pairs.items()
    ]


def _pipeline(layers, images: np.ndarray):
    """A function that walks once through a `tf.data` pipeline of all images."""
    import tensorflow as tf

    pipeline = tf.data.Dataset.from_tensor_slices(images).batch(_BATCH)
    pipeline = pipeline.map(lambda batch: layers(batch, training=True), num_parallel_calls=tf.data.AUTOTUNE)
    pipeline = pipeline.prefetch(tf.data.AUTOTUNE)
    return lambda: sum(1 for _ in pipeline)


def rate(augmentation: Augmentation, images: np.ndarray) -> float:
    """Images a second, the median of some rounds."""
    times = []
    for number in range(_ROUNDS):
        started = time.perf_counter()
        apply(augmentation, images, number)
        times.append(time.perf_counter() - started)
    return len(images) / float(np.median(times))


if __name__ == "__main__":
    batch = some_images(_BATCH)
    alone = {"flip": "alternating", "shift": 2, "cutout": 8, "zoom": 0.25}
    for name, strength in alone.items():
        print(f"{name:<24} {rate(Augmentation(**{name: strength}), batch):>10,.0f} images/s")
    for name in ("fast-mini", "shipped"):
        print(f"all of {name:<17} {rate(recipes.get(name).augmentation, batch):>10,.0f} images/s")
