"""Augmented images per second.

Tutorials put Keras's preprocessing layers into the map of a `tf.data` pipeline, here in batches and in parallel. The
best ordinary way is `tf.image` in the same place, with one operation for the whole batch. Both use all cores; ours
(NumPy and Pillow) uses one.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.measure import OURS, Row, compare
from cifar_lab.core.keras_backend import keras
from cifar_lab.images.augmentation import Augmentation

_BATCH, _SHIFT, _ZOOM = 512, 2, 0.25


def measure(*, quick: bool = False) -> list[Row]:
    """Compare the ways for flip and shift, and for zoom."""
    images = np.random.default_rng(0).integers(0, 256, (_BATCH * (4 if quick else 16), 32, 32, 3), dtype=np.uint8)
    flip = keras.layers.RandomFlip("horizontal")
    shift = keras.layers.RandomTranslation(_SHIFT / 32, _SHIFT / 32)
    zoom = keras.layers.RandomZoom((-_ZOOM / (1 + _ZOOM), _ZOOM))
    pairs = {
        "flip and shift": ([flip, shift], flip_and_shift, Augmentation(flip="random", shift=_SHIFT)),
        "zoom": ([zoom], _zoom, Augmentation(zoom=_ZOOM, zoom_share=1.0)),
    }
    return [
        compare(
            f"augmented images per second, {name}",
            {
                "Keras's layers": _pipeline(keras.Sequential(layers), images),
                "tf.image": _pipeline(with_tf_image, images),
                OURS: _in_batches(ours, images),
            },
            rounds=2 if quick else 7,
            items=len(images),
        )
        for name, (layers, with_tf_image, ours) in pairs.items()
    ]


def flip_and_shift(images, training: bool = True):
    """Flip each image of a batch at random, pad it by reflection and crop it at random, with TensorFlow."""
    import tensorflow as tf

    edge = (_SHIFT, _SHIFT)
    padded = tf.pad(tf.image.random_flip_left_right(images), ((0, 0), edge, edge, (0, 0)), "REFLECT")
    corners = tf.random.uniform((tf.shape(images)[0], 2), 0, 2 * _SHIFT + 1, dtype=tf.int32)
    first = tf.cast(corners, tf.float32) / (31 + 2 * _SHIFT)  # whole pixels, as shares of the padded side
    return _crop(padded, first, first + 31 / (31 + 2 * _SHIFT))


def _zoom(images, training: bool = True):
    import tensorflow as tf

    half = tf.random.uniform((tf.shape(images)[0], 1), 1 / (1 + _ZOOM), 1 + _ZOOM) / 2
    half = tf.concat([half, half], axis=1)
    return _crop(images, 0.5 - half, 0.5 + half)


def _crop(images, first, last):
    import tensorflow as tf

    count = tf.shape(images)[0]
    return tf.image.crop_and_resize(images, tf.concat([first, last], axis=1), tf.range(count), (32, 32))


def _pipeline(augment: Callable, images: np.ndarray) -> Callable[[], int]:
    """Return a function that walks once through a `tf.data` pipeline of all images."""
    import tensorflow as tf

    pipeline = tf.data.Dataset.from_tensor_slices(images).batch(_BATCH)
    pipeline = pipeline.map(lambda batch: augment(batch, training=True), num_parallel_calls=tf.data.AUTOTUNE)
    pipeline = pipeline.prefetch(tf.data.AUTOTUNE)
    return lambda: sum(1 for _ in pipeline)


def _in_batches(augmentation: Augmentation, images: np.ndarray) -> Callable[[], None]:
    """Return a function that augments all images as training does."""

    def once() -> None:
        mirrored, generator = augmentation.mirrored(len(images), seed=0, epoch=0), np.random.default_rng(0)
        for first in range(0, len(images), _BATCH):
            augmentation(images[first : first + _BATCH], mirrored[first : first + _BATCH], generator)

    return once
