"""Keras, imported quietly: `from cifar_lab.core.keras_backend import keras`.

The backend is TensorFlow, unless the environment variable `KERAS_BACKEND` is `torch` or `jax`.
"""

import logging
import math

import numpy as np

from cifar_lab.core.quiet import stderr_hidden

with stderr_hidden():
    import keras

for name in ("tensorflow", "absl"):
    # Their hints are for TensorFlow developers, and appear in red in a notebook, where they distract from the lesson.
    logging.getLogger(name).setLevel(logging.ERROR)

__all__ = ["batch_size_within_memory", "build_metrics", "evaluate_in_batches", "keras"]


def batch_size_within_memory(model, images: np.ndarray, most: int) -> int:
    """Return a batch size that needs no more memory than `most` images of 32 x 32 pixels.

    Args:
        model: a Keras network, or another object that predicts.
        images: images `(n, height, width, 3)` or features `(n, features)`. The largest of their own size and the sizes
            of the feature maps inside the network determines the batch size.
        most: the batch size for small images.
    """
    shapes = [images.shape[1:-1], *(layer.output.shape[1:-1] for layer in getattr(model, "layers", ()))]
    pixels = max(math.prod(shape) for shape in shapes if None not in shape)
    return max(1, min(most, most * 32**2 // pixels))


def build_metrics(model: keras.Model, *, class_numbers: bool = True) -> None:
    """Create the metric variables of a compiled network now, rather than in its first step.

    TensorFlow traces a step that creates variables a second time, which for a small network takes as long as training
    on a few hundred images.

    Args:
        model: a compiled network with `(n, classes)` probabilities as output.
        class_numbers: whether its loss takes class numbers `(n,)` as labels, rather than probabilities `(n, classes)`.
    """
    predictions = np.full((1, model.output_shape[-1]), 1 / model.output_shape[-1], np.float32)
    labels = np.zeros(1, np.int64) if class_numbers else predictions
    model.compute_loss(y=labels, y_pred=predictions)
    model.compute_metrics(None, labels, predictions)
    model.reset_metrics()


def evaluate_in_batches(model: keras.Model, split) -> dict:
    """Compute the mean loss and accuracy of a compiled network on a split.

    `model.evaluate` would build a new input pipeline at each call, which takes longer than a small split.

    Args:
        model: compiled, with one metric.
        split: `.images` `(n, ...)` and `.labels`.

    Returns:
        `validation_loss` and `validation_accuracy`.
    """
    totals = np.zeros(2)
    count = batch_size_within_memory(model, split.images, 500)
    for start in range(0, len(split), count):
        images, labels = split.images[start : start + count], split.labels[start : start + count]
        totals += np.multiply(model.test_on_batch(images, labels), len(labels))
    loss, accuracy = totals / len(split)
    return {"validation_loss": float(loss), "validation_accuracy": float(accuracy)}
